"""Archives as hosts and people make them, and as nobody should."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping

ROOT = "esx-esx01-2024-05-01--12.00-2100000/"
VERSION = b"VMware ESXi 6.7.0 build-8169922\nVMware ESXi 6.7.0 GA\n"
LISTING = (
    b"VMK_ReturnStatus                          Dec        Hex  errno equiv  Description\n"
    b"VMK_OK                                      0          0  OK           Success\n"
    b"VMK_OF_THIS_HOST                    195887138  0xbad0022  EROFS        Meaning of this host\n"
)
LOG = b"host says 0xbad0022\n"
BUNDLE = {
    f"{ROOT}var/run/log/vmkernel.log": LOG,
    f"{ROOT}var/log/hostd.log": b"boring\n" + LOG,
    f"{ROOT}vmfs/volumes/ds1/web-01/vmware-3.log": LOG,
    f"{ROOT}commands/esxcfg-mpath_-b.txt": b"naa.600601608c121200f80d33192b62dd11\n",
    f"{ROOT}etc/vmware/esx.conf": b"0xbad0006\n",
    f"{ROOT}commands/vmkerrcode_-l.txt": LISTING,
    f"{ROOT}commands/vmware_-vl.txt": VERSION,
}


def tar(files: Mapping[str, bytes], others: Iterable[tarfile.TarInfo] = ()) -> bytes:
    """A tar archive with these files in order, after members of other types."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for entry in others:
            archive.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP archive with these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member that is no file: a link, a device, a pipe."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry
