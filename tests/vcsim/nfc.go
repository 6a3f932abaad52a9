package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

const nfcPrefix = "/nfc/"

// nfcSettings says how downloads behave. A zero is no limit; a negative place is nowhere.
type nfcSettings struct {
	BytesPerSecond   int64  `json:"bytes_per_second"`
	CutAfterBytes    int64  `json:"cut_after_bytes"`   // then the connection breaks
	StallAfterBytes  int64  `json:"stall_after_bytes"` // then nothing comes until the settings change
	CorruptAt        int64  `json:"corrupt_at"`        // this byte is flipped
	Count            int    `json:"count"`             // cut, stall or corrupt so many downloads; 0 means all
	Name             string `json:"name"`              // and only of this file, such as disk-1.vmdk; "" means any
	VM               string `json:"vm"`                // and only of this VM, by its name; "" means any
	ContentLength    bool   `json:"content_length"`    // whether a download says its length
	StarHost         bool   `json:"star_host"`         // URLs have "*" for the host, as those of an ESXi host
	LeaseTimeoutSecs int32  `json:"lease_timeout"`     // seconds without progress until a lease ends
	ImportSecs       int32  `json:"import_timeout"`    // the same for how long an import holds its VM
	LeaseFault       string `json:"lease_fault"`       // new leases go to their error state with this fault
	URLHost          string `json:"url_host"`          // host:port that URLs name, such as a proxy's; "" means our own
	NVRAM            bool   `json:"nvram"`             // export leases offer the NVRAM of the VM
	Thumbprint       string `json:"thumbprint"`        // of the host in a lease: thumbprintSHA1 and so on
	Checksums        string `json:"checksums"`         // of export leases: checksumsAny, checksumsSHA1 or checksumsNone
}

// What checksums a host gives for the files that it has sent: SHA-1, and SHA-256 for those who ask as hosts do since
// 6.7; SHA-1 only, as hosts before; or none, as before 4.1.
const (
	checksumsAny  = "sha256"
	checksumsSHA1 = "sha1"
	checksumsNone = "none"
)

// transfer is one download.
type transfer struct {
	Name   string `json:"name"`
	Lease  string `json:"lease"`
	Bytes  int64  `json:"bytes"`
	Size   int64  `json:"size"`
	Result string `json:"result"` // "running", "whole", "cut", "client left" or "lease ended"
}

// describe fills a lease with the files behind a VM's disks.
func (b *leaseBook) describe(
	lease *exportLease, vm *simulator.VirtualMachine, devices []types.BaseVirtualDevice, settings nfcSettings,
) *types.HttpNfcLeaseInfo {
	info := &types.HttpNfcLeaseInfo{Lease: lease.Self, Entity: vm.Self, LeaseTimeout: settings.LeaseTimeoutSecs}
	for _, disk := range disksOf(devices) {
		if disk.independent {
			continue // a snapshot does not hold it, so no lease on the snapshot can give it
		}
		name := fmt.Sprintf("disk-%d.vmdk", len(info.DeviceUrl))
		key := fmt.Sprintf("/%s/%s", vm.Self.Value, disk.address)
		capacity := disk.device.CapacityInKB * 1024
		file := b.sim.filePath(vm, disk.file)
		_ = fillBlank(file, capacity) // a file that is not there fails when it is sent
		lease.files[name] = leaseFile{key: key, path: file, disk: true, capacity: capacity}
		info.TotalDiskCapacityInKB += disk.device.CapacityInKB
		device := types.HttpNfcLeaseDeviceUrl{
			Key: key, ImportKey: fmt.Sprintf("/%s/%s", vm.Name, disk.address),
			Url:  nfcPrefix + path.Join(lease.token, name),
			Disk: types.NewBool(true), TargetId: name,
		}
		b.place(&device, settings)
		info.DeviceUrl = append(info.DeviceUrl, device)
	}
	b.offerNVRAM(lease, vm, info, settings)
	return info
}

// vmDisk is a virtual disk with its place.
type vmDisk struct {
	device      *types.VirtualDisk
	file        object.DatastorePath
	address     string // such as ParaVirtualSCSIController0:0
	independent bool
}

// disksOf lists the disks among a VM's devices.
func disksOf(devices []types.BaseVirtualDevice) []vmDisk {
	list := object.VirtualDeviceList(devices)
	var found []vmDisk
	for _, device := range list {
		disk, ok := device.(*types.VirtualDisk)
		if !ok {
			continue
		}
		backing, ok := disk.Backing.(types.BaseVirtualDeviceFileBackingInfo)
		if !ok {
			continue
		}
		entry := vmDisk{device: disk, address: fmt.Sprintf("disk-%d:0", disk.Key)}
		entry.file.FromString(backing.GetVirtualDeviceFileBackingInfo().FileName)
		if flat, ok := disk.Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok {
			entry.independent = strings.HasPrefix(flat.DiskMode, "independent")
		}
		if controller, ok := list.FindByKey(disk.ControllerKey).(types.BaseVirtualController); ok && disk.UnitNumber != nil {
			kind := reflect.TypeOf(controller).Elem().Name()
			entry.address = fmt.Sprintf("%s%d:%d", kind, controller.GetVirtualController().BusNumber, *disk.UnitNumber)
		}
		found = append(found, entry)
	}
	return found
}

// filePath is where the simulator keeps a file of a VM's datastore on this machine.
func (s *simulation) filePath(vm *simulator.VirtualMachine, file object.DatastorePath) string {
	for _, reference := range vm.Datastore {
		if datastore, ok := s.registry.Get(reference).(*simulator.Datastore); ok && datastore.Name == file.Datastore {
			return path.Join(datastore.Info.GetDatastoreInfo().Url, file.Path)
		}
	}
	return ""
}

// find gives the lease and the file that a download's path means.
func (b *leaseBook) find(urlPath string) (*exportLease, string) {
	token, name, _ := strings.Cut(strings.TrimPrefix(urlPath, nfcPrefix), "/")
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, lease := range b.leases {
		if lease.token == token {
			return lease, name
		}
	}
	return nil, ""
}

func (b *leaseBook) owns(urlPath string) bool {
	lease, _ := b.find(urlPath)
	return lease != nil
}

// serve answers a download.
func (b *leaseBook) serve(w http.ResponseWriter, r *http.Request) {
	lease, name := b.find(r.URL.Path)
	file, known := lease.files[name]
	if !known || !lease.alive() {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet {
		http.Error(w, "this lease is for downloads", http.StatusMethodNotAllowed)
		return
	}
	source, err := os.Open(file.path)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer source.Close()
	record := &transfer{Name: name, Lease: lease.Self.Value, Result: "running"}
	if status, err := source.Stat(); err == nil {
		record.Size = status.Size()
	}
	harm, epoch := b.begin(record, b.sim.nameOf(lease.vm))
	w.Header().Set("Content-Type", "application/x-vnd.vmware-streamVmdk")
	if harm.ContentLength {
		w.Header().Set("Content-Length", fmt.Sprint(record.Size))
	}
	result := b.send(w, r, source, lease, record, harm, epoch)
	b.mu.Lock()
	record.Result = result
	b.mu.Unlock()
	if result != "whole" {
		panic(http.ErrAbortHandler) // break the connection, so that no client takes it for the end
	}
}

// begin notes a new download of a VM and gives the settings that it shall suffer, with the epoch they belong to.
func (b *leaseBook) begin(record *transfer, vm string) (nfcSettings, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.transfers = append(b.transfers, record)
	harm := b.settings
	if !matches(harm.Name, record.Name) || !matches(harm.VM, vm) {
		harm.CutAfterBytes, harm.StallAfterBytes, harm.CorruptAt = -1, -1, -1
		return harm, b.epoch
	}
	if b.settings.Count > 0 {
		b.settings.Count--
		if b.settings.Count == 0 {
			b.settings.CutAfterBytes, b.settings.StallAfterBytes, b.settings.CorruptAt = -1, -1, -1
		}
	}
	return harm, b.epoch
}

// send copies the file in the way the settings ask for and says how it ended.
func (b *leaseBook) send(
	w http.ResponseWriter, r *http.Request, source io.Reader, lease *exportLease, record *transfer,
	harm nfcSettings, epoch int,
) string {
	buffer := make([]byte, 256<<10)
	sent := int64(0)
	for {
		if r.Context().Err() != nil {
			return "client left"
		}
		if !lease.alive() {
			return "lease ended"
		}
		chunk := buffer
		rate, now := b.pace()
		if rate > 0 && rate/10 < int64(len(chunk)) {
			chunk = chunk[:max(rate/10, 1)] // ten pieces a second
		}
		for _, limit := range []int64{harm.CutAfterBytes, harm.StallAfterBytes} {
			if limit > sent && limit-sent < int64(len(chunk)) {
				chunk = chunk[:limit-sent]
			}
		}
		if harm.CutAfterBytes >= 0 && sent >= harm.CutAfterBytes {
			return "cut"
		}
		if harm.StallAfterBytes >= 0 && sent >= harm.StallAfterBytes && now == epoch {
			_ = http.NewResponseController(w).Flush()
			pause(r, 20*time.Millisecond)
			continue
		}
		n, err := io.ReadFull(source, chunk)
		if at := harm.CorruptAt - sent; harm.CorruptAt >= 0 && at >= 0 && at < int64(n) {
			chunk[at] ^= 0xff
		}
		if _, failed := w.Write(chunk[:n]); failed != nil {
			return "client left"
		}
		sent += int64(n)
		b.mu.Lock()
		record.Bytes = sent
		b.mu.Unlock()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return "whole"
		}
		if rate > 0 {
			_ = http.NewResponseController(w).Flush()
			pause(r, time.Duration(n)*time.Second/time.Duration(rate))
		}
	}
}

func pause(r *http.Request, wait time.Duration) {
	select {
	case <-time.After(wait):
	case <-r.Context().Done():
	}
}

// pace gives the present rate and epoch. They are asked anew for each piece, so that a test can slow a download down
// and let a stalled one go on.
func (b *leaseBook) pace() (rate int64, epoch int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settings.BytesPerSecond, b.epoch
}
