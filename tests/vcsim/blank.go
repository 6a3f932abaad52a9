package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
)

// The simulator's own file for a new disk is a text that describes it. A host sends a stream-optimized VMDK.
var ownText = []byte("# Disk DescriptorFile")

// sparseHeader is the header of a stream-optimized VMDK, as VMware's "Virtual Disk Format 5.0" has it.
type sparseHeader struct {
	Magic            [4]byte
	Version, Flags   uint32
	Capacity, Grain  uint64 // sectors
	DescriptorOffset uint64
	DescriptorSize   uint64
	EntriesPerTable  uint32
	RedundantOffset  uint64
	DirectoryOffset  uint64
	Overhead         uint64
	Unclean          byte
	LineEnds         [4]byte
	Compression      uint16
	Padding          [433]byte
}

// fillBlank turns a disk that nothing was put into yet into the beginning of a VMDK of so many bytes.
func fillBlank(file string, capacity int64) error {
	opened, err := os.Open(file)
	if err != nil {
		return err
	}
	defer opened.Close()
	begins := make([]byte, len(ownText))
	if _, err := io.ReadFull(opened, begins); err != nil || !bytes.Equal(begins, ownText) {
		return err
	}
	header := sparseHeader{
		Magic: [4]byte{'K', 'D', 'M', 'V'}, Version: 3, Flags: 0x30001, Capacity: uint64(capacity / 512), Grain: 128,
		EntriesPerTable: 512, DirectoryOffset: 1<<64 - 1, Overhead: 128, LineEnds: [4]byte{'\n', ' ', '\r', '\n'},
		Compression: 1,
	}
	var written bytes.Buffer
	if err := binary.Write(&written, binary.LittleEndian, header); err != nil {
		return err
	}
	return os.WriteFile(file, written.Bytes(), 0o600)
}
