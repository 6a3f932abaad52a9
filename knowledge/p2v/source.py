"""The source of a P2V as a user describes it; every value is checked, so that it is safe in a shell command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.errors import Unreadable
from knowledge.p2v import facts
from knowledge.p2v.size import parse_blocks

DEFAULT_PORT = 9001
"""The port in the example of the page; the other disks use the ports after it."""

MOST_DISKS = 60
"""Four SCSI controllers with fifteen disks each, the maximum of a VM."""

MOST_FILE_SYSTEMS = 64
LONGEST_WORD = 64

DISK_NAME = re.compile(r"hd[a-z]|sd[a-z]{1,2}|vd[a-z]|xvd[a-z]|nvme\d{1,2}n\d{1,2}|mmcblk\d|cciss/c\d{1,2}d\d{1,2}")
PARTITION = re.compile(rf"(?P<disk>(?:{DISK_NAME.pattern}))p?\d{{1,3}}")
MOUNT_PART = r"[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*"
MOUNT_POINT = re.compile(rf"/|(?:/{MOUNT_PART}){{1,16}}")
PLAIN_WORDS = re.compile(r"[\w .+/()-]*")


class InvalidSource(Unreadable):
    """A value of the source cannot be used; ``field`` names it, and the message says what to give instead."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


@dataclass(frozen=True, kw_only=True, slots=True)
class Disk:
    """A whole disk of the source."""

    name: str
    """Below ``/dev``."""
    blocks: int | None = None
    """Its size in blocks of 1 KiB; None when it was not given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A system to convert; all values are checked and safe in a shell command."""

    distribution: str
    version: str
    disks: tuple[Disk, ...]
    lvm: bool
    target_ip: str
    """Address of the VM while it receives; empty when it was not given."""
    source_ip: str
    """Address of the source while it sends; empty when it was not given."""
    port: int
    """TCP port of the first disk; each further disk is sent on the next one."""
    netcat: str
    filesystems: tuple[str, ...]
    """Mount points to fill with zeros."""


def described(
    *,
    distribution: str,
    version: str = "",
    disks: Sequence[str] = ("sda",),
    lvm: bool = False,
    target_ip: str = "",
    source_ip: str = "",
    port: int | str = DEFAULT_PORT,
    netcat: str = "traditional",
    filesystems: Sequence[str] = ("/usr",),
) -> Source:
    """Return the source with these values; raises ``InvalidSource`` for the first wrong one.

    A disk is ``sda`` or ``sda:SIZE``; SIZE is in 1 KiB blocks, as ``sfdisk -s`` prints it, or ``36GB`` or ``36GiB``.
    ``netcat`` is an id in ``p2v_checklist.toml``, and ``filesystems`` are mount points.
    """
    name, number = _distribution(distribution, version)
    found = _disks(disks or ("sda",))
    return Source(
        distribution=name,
        version=number,
        disks=found,
        lvm=bool(lvm),
        target_ip=_address("target_ip", target_ip),
        source_ip=_address("source_ip", source_ip),
        port=_port(port, len(found)),
        netcat=_netcat(netcat),
        filesystems=_filesystems(filesystems or ("/usr",)),
    )


def _distribution(name: str, version: str) -> tuple[str, str]:
    """Return the checked name and version; without a version, a number at the end of the name is the version."""
    name, version = (" ".join(value.split()) for value in (name, version))
    for field, value in (("distribution", name), ("version", version)):
        if len(value) > LONGEST_WORD or not PLAIN_WORDS.fullmatch(value):
            raise InvalidSource(field, f"give letters and digits, at most {LONGEST_WORD}, e.g. centos and 4")
    if not name:
        raise InvalidSource("distribution", "give its name, e.g. centos, rhel, debian or sles; see /etc/*release")
    ending = re.fullmatch(r"(?P<name>.*?[^\d.\s-])[\s-]*(?P<version>\d+(?:\.\d+)*)", name)
    if ending and not version:
        return ending["name"], ending["version"]
    return name, version


def _disks(descriptions: Sequence[str]) -> tuple[Disk, ...]:
    if len(descriptions) > MOST_DISKS:
        raise InvalidSource("disk", f"{len(descriptions)} disks, but a VM has at most {MOST_DISKS}")
    found = tuple(_disk(description) for description in descriptions)
    names = [disk.name for disk in found]
    for name in names:
        if names.count(name) > 1:
            raise InvalidSource("disk", f"{name} is given twice; give each disk once")
    return found


def _disk(description: str) -> Disk:
    name, colon, size = description.strip().partition(":")
    name = name.removeprefix("/dev/")
    if not DISK_NAME.fullmatch(name):
        if partition := PARTITION.fullmatch(name):
            raise InvalidSource("disk", f"{name} is a partition; give the whole disk, {partition['disk']}")
        raise InvalidSource("disk", f"{name[:40]!r} is not a disk name; give e.g. sda, hda or sda:39070080")
    if not colon:
        return Disk(name=name)
    try:
        return Disk(name=name, blocks=parse_blocks(size))
    except Unreadable as error:
        raise InvalidSource("disk", f"{name}: {error}") from error


def _address(field: str, text: str) -> str:
    """Return the address in its shortest form, or an empty string when it is not given."""
    from ipaddress import ip_address

    text = text.strip()
    if not text:
        return ""
    try:
        address = ip_address(text)
    except ValueError:
        raise InvalidSource(field, f"{text[:45]!r} is not an IP address; give e.g. 10.4.1.3") from None
    if address.is_unspecified or address.is_multicast or address.is_loopback or "%" in text:
        raise InvalidSource(field, f"{address} is not the address of another system; check it with ifconfig eth0 there")
    return str(address)


def _port(value: int | str, disks: int) -> int:
    text = str(value).strip()
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    if not 1 <= port <= 65535:
        raise InvalidSource("port", f"{text[:20]!r} is not a port; give a number from 1 to 65535, e.g. 9001")
    if port + disks - 1 > 65535:
        raise InvalidSource("port", f"{disks} disks need the ports {port} to {port + disks - 1}; give a lower port")
    return port


def _netcat(name: str) -> str:
    known = [row["id"] for row in facts.table("checklist")["netcat"]]
    if name not in known:
        raise InvalidSource("netcat", f"{name[:40]!r} is not known; give one of {', '.join(known)}")
    return name


def _filesystems(mount_points: Sequence[str]) -> tuple[str, ...]:
    if len(mount_points) > MOST_FILE_SYSTEMS:
        raise InvalidSource("filesystem", f"give at most {MOST_FILE_SYSTEMS} file systems")
    found = tuple(dict.fromkeys(point.strip().rstrip("/") or "/" for point in mount_points))
    for point in found:
        if len(point) > 200 or not MOUNT_POINT.fullmatch(point):
            raise InvalidSource("filesystem", f"{point[:40]!r} is not a mount point; give e.g. / or /usr, see df")
    return found
