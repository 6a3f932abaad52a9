"""Are the files that a descriptor lists in the package, as large as it says, and the disks that it describes?"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from knowledge.finding import Finding
from knowledge.ovf.descriptor import Descriptor, Disk, File
from knowledge.ovf.package import Package, first_bytes
from knowledge.ovf.quoting import printable, quoted
from knowledge.ovf.references import is_remote, leaves_package

SECTOR = 512
SPARSE_VMDK = b"KDMV"
"""First bytes of the VMDK kind that OVF packages hold; its capacity in sectors stands at byte 12."""

_MOST_CHUNKS = 100_000


def check_contents(package: Package, descriptor: Descriptor) -> Iterator[Finding]:
    """Yield missing files, wrong sizes, and disks whose own header says something else than the descriptor."""
    disks = {disk.file_id: disk for disk in descriptor.disks if disk.file_id}
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
        if file.id in disks and not file.compression:
            yield from _check_disk(disks[file.id], name, first_bytes(package, name, SECTOR))


def local_files(package: Package, descriptor: Descriptor) -> list[str]:
    """Return the names of the files that the package brings and has, those cut into pieces left out."""
    names = [stored_name(package, file) for file in descriptor.files if _is_local(file) and not file.chunk_size]
    return [name for name in dict.fromkeys(names) if package.size(name) is not None]


def _is_local(file: File) -> bool:
    return bool(file.href) and not is_remote(file.href) and not leaves_package(file.href)


def stored_name(package: Package, file: File) -> str:
    """An href is a URI: ``disk%201.vmdk`` may be stored as ``disk 1.vmdk``."""
    return file.href if package.size(file.href) is not None else unquote(file.href)


def _check_chunks(package: Package, file: File) -> Iterator[Finding]:
    """A file with a chunk size is stored as ``name.000000000``, ``name.000000001`` and so on."""
    wanted = -(-file.size // (file.chunk_size or 1)) if file.size else 1
    if wanted > _MOST_CHUNKS:
        message = f"{quoted(file.href)} is cut into {wanted} pieces; that cannot be meant."
        yield Finding("file-chunks", "error", f"line {file.line}", message, "Check size and chunkSize.")
        return
    found = 0
    for number in range(wanted):
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
            f"{quoted(name)} does not begin as a sparse or stream-optimized VMDK does, which its format promises.",
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
            f"State {actual} bytes; a smaller disk cuts off the guest's data.",
        )


def _missing(file: File, name: str) -> Finding:
    message = f"{quoted(name)} is not in the package."
    return Finding("file-missing", "error", f"line {file.line}", message, "Put it beside the descriptor.")


def _wrong_size(file: File, size: int) -> Finding:
    return Finding(
        "file-size",
        "error",
        f"line {file.line}",
        f"{quoted(file.href)} has {size} bytes; the descriptor says {file.size}.",
        "Fetch the file again; if it was changed on purpose, correct size in the descriptor and then the manifest.",
    )
