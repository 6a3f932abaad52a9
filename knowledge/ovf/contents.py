"""Checks that the files of a descriptor are in the package, have the stated size, and are the described disks."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from knowledge.finding import Finding
from knowledge.ovf.descriptor import NOT_COMPRESSED, Descriptor, Disk, File
from knowledge.ovf.package import Package, first_bytes
from knowledge.ovf.quoting import printable, quoted
from knowledge.ovf.references import is_remote, leaves_package

SECTOR = 512
SPARSE_VMDK = b"KDMV"
"""The first bytes of a sparse or stream-optimized VMDK; its capacity, in sectors, is at byte 12."""

_MOST_CHUNKS = 100_000


def check_contents(package: Package, descriptor: Descriptor) -> Iterator[Finding]:
    """Yield findings for missing files, wrong sizes, and disks whose header does not match the descriptor."""
    disks = {disk.file_id: disk for disk in descriptor.disks if disk.file_id}
    headers: dict[str, bytes] = {}
    for file in descriptor.files:
        if not _is_local(file):
            continue
        if file.chunk_size:
            yield from _check_chunks(package, file)
            continue
        name = stored_name(package, file)
        size = package.size(name)
        if size is None:
            yield _missing(file, file.href)
            continue
        if file.size is not None and file.size != size:
            yield _wrong_size(file, size)
        if file.id in disks and file.compression in NOT_COMPRESSED:
            if name not in headers:  # a hostile descriptor lists one file many times
                headers[name] = first_bytes(package, name, SECTOR)
            yield from _check_disk(disks[file.id], name, headers[name])


def local_files(package: Package, descriptor: Descriptor) -> list[str]:
    """Return the names of the files that are in the package, without those that are split into chunks."""
    names = [stored_name(package, file) for file in descriptor.files if _is_local(file) and not file.chunk_size]
    return [name for name in dict.fromkeys(names) if package.size(name) is not None]


def _is_local(file: File) -> bool:
    return bool(file.href) and not is_remote(file.href) and not leaves_package(file.href)


def stored_name(package: Package, file: File) -> str:
    """Return the name of a file in the package; its href is a URI, as ``disk%201.vmdk`` for ``disk 1.vmdk``."""
    return file.href if package.size(file.href) is not None else unquote(file.href)


def _check_chunks(package: Package, file: File) -> Iterator[Finding]:
    """Check a file with a chunk size, which is stored as ``name.000000000``, ``name.000000001`` and so on."""
    chunks = -(-file.size // (file.chunk_size or 1)) if file.size else 1
    if chunks > _MOST_CHUNKS:
        message = f"{quoted(file.href)} would have {chunks} chunks, which is probably a mistake."
        yield Finding("file-chunks", "error", f"line {file.line}", message, "Check size and chunkSize.")
        return
    found = 0
    for number in range(chunks):
        name = f"{file.href}.{number:09d}"
        size = package.size(name)
        if size is None:
            yield _missing(file, name)
            return
        found += size
    if file.size is not None and file.size != found:
        yield _wrong_size(file, found)


def _check_disk(disk: Disk, name: str, header: bytes) -> Iterator[Finding]:
    if "vmdk" not in disk.format.lower():
        return
    if not header.startswith(SPARSE_VMDK):
        yield Finding(
            "disk-not-vmdk",
            "error",
            printable(name),
            f"{quoted(name)} is not a sparse or stream-optimized VMDK, as its format states.",
            "Export again, or convert it: vmware-vdiskmanager -r disk.vmdk -t 5 stream.vmdk",
        )
        return
    actual = int.from_bytes(header[12:20], "little") * SECTOR
    if disk.capacity is not None and not actual <= disk.capacity < actual + disk.unit:
        yield Finding(
            "disk-capacity-differs",
            "error",
            f"line {disk.line}",
            f"Disk {quoted(disk.id)} has a capacity of {disk.capacity} bytes here and {actual} in {quoted(name)}.",
            f"Set the capacity to {actual} bytes and update the manifest; a smaller disk would truncate the data.",
        )


def _missing(file: File, name: str) -> Finding:
    message = f"{quoted(name)} is not in the package."
    return Finding("file-missing", "error", f"line {file.line}", message, "Put it in the folder of the descriptor.")


def _wrong_size(file: File, size: int) -> Finding:
    return Finding(
        "file-size",
        "error",
        f"line {file.line}",
        f"{quoted(file.href)} has {size} bytes; the descriptor states {file.size}.",
        "Download the file again; if you changed it, correct its size in the descriptor, and then the manifest.",
    )
