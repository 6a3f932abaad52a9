"""Recognizes the support bundle of an ESXi host: its release, its own table of codes, and which members are logs.

``vm-support`` stores the output of each command as ``commands/NAME_OPTIONS.txt``: that of ``vmware -vl``, or
``vmware -v``, shows the release, and that of ``vmkerrcode -l`` the meaning of each code in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from knowledge.errors import Unreadable
from knowledge.loginput.archive import Member
from knowledge.releases import Release, imported_release, version_key
from knowledge.vmkerr.listing import MAX_BYTES, DamagedListing, read_listing
from knowledge.vmkerr.table import Tables
from knowledge.vmklog.origin import Origin, given_origin

REASON = "{file} in the bundle shows the release"
LISTING_IGNORED = (
    "commands/vmkerrcode_-l.txt in the bundle, the host's own table of codes, cannot be read ({reason}). Codes are"
    " decoded with the tables of vmkops instead."
)
NO_ROWS = "it has no codes"
FIRST_ROW = "{row}; bad rows: {count}"

_VERSION = re.compile(r"VMware (?:ESXi?(?: Server)?) (?P<version>\d{1,2}\.\d{1,2})(?:\.\d+)?\b[^\n]*")
_VERSION_FILE = re.compile(r"(?:^|/)(?P<file>commands/vmware_-vl?\.txt)$")
_LISTING_FILE = re.compile(r"(?:^|/)commands/vmkerrcode_-l\.txt$")
_LOG = re.compile(
    r"(?:^|/)(?:var/(?:run/)?log|scratch/log|var/lib/vmware/osdata/locker/log)/[^\0]*[^/]$"
    r"|(?:^|/)(?:vmware(?:-\d+)?|vmkernel|vmkwarning|hostd|vpxa|vobd|fdm|syslog)(?:-log)?(?:\.\d+)?(?:\.log)?"
    r"(?:\.(?:gz|xz|zst|bz2|\d+))*$",
    re.IGNORECASE,
)
_NO_LOG = re.compile(r"\.(?:tgz|tar|zip|vmdk|vswp|vib|db|sqlite|json|xml|so|pyc)$|(?:^|/)commands/", re.IGNORECASE)


class Bundle:
    """What the commands in a bundle show; filled in while its members are read.

    ``origin`` is the release to decode with: the one that the caller gave, or else the one that the bundle shows; None
    while neither is known. ``tables`` has the bundle's own table of codes when it has one. ``name`` is the first line
    that ``vmware -vl`` printed; empty while it is not known. ``version_file`` is the file that has it. ``problem`` is a
    sentence about the bundle's own table when it cannot be read, else empty.
    """

    def __init__(self, given: Origin | None, tables: Tables) -> None:
        self.origin = given
        self.tables = tables
        self.name = ""
        self.version_file = ""
        self.problem = ""
        self._given = given
        self._version = ""
        self._listing = ""

    @property
    def complete(self) -> bool:
        """True when both commands were met."""
        return bool(self.name and self._listing)

    def take(self, member: Member) -> bool:
        """Read a member when it is one of the two commands; return whether it is."""
        if file := _VERSION_FILE.search(member.name):
            found = None if self.name else _VERSION.search(_content(member.blocks, 4096))
            if found:
                self._version, self.name = found["version"], found[0].strip()
                self.version_file = file["file"]
                self._settle()
            return True
        if _LISTING_FILE.search(member.name):
            if not self._listing:
                self._listing = _content(member.blocks, MAX_BYTES)
                self._settle()
            return True
        return False

    def _settle(self) -> None:
        """Set the release and the tables by what is known."""
        if self._given is not None or not self._version:
            return
        release = self._version
        if self._listing:
            own = imported_release(f"esxi-{self._version}-of-this-bundle")
            try:
                self.tables = _with_listing(self.tables, own, self._listing)
                release = own.id
            except Unreadable as error:
                self.problem = LISTING_IGNORED.format(reason=_first_reason(error))
        with suppress(Unreadable):  # a release that vmkops does not know
            reason = REASON.format(file=self.version_file)
            self.origin = replace(given_origin(release, self.tables), release=self.name, reason=reason)


def _first_reason(error: Unreadable) -> str:
    """Return why a listing cannot be read: its first bad row and how many there are, or that it has none."""
    if not isinstance(error, DamagedListing):
        return NO_ROWS
    return FIRST_ROW.format(row=error.rows[0], count=len(error.rows)) if len(error.rows) > 1 else error.rows[0]


def _with_listing(tables: Tables, own: Release, listing: str) -> Tables:
    """Return tables with the one of a listing among them, oldest release first; raises Unreadable."""
    rows = read_listing(listing, own.id).rows
    lines = [f"{own.id}\t{row.name}\t{row.code}\t{row.code:#x}\t{row.errno}\t{row.description}" for row in rows]
    releases = sorted([*tables.releases, own], key=lambda release: version_key(release.id))
    place = {release.id: at for at, release in enumerate(releases)}
    return Tables(releases, sorted([*tables.lines, *lines], key=lambda line: place[line.partition("\t")[0]]))


def is_log(name: str) -> bool:
    """Return whether a member of a support bundle is a log, by its name."""
    return bool(_LOG.search(name)) and may_be_log(name)


def may_be_log(name: str) -> bool:
    """Return whether a member of any archive may be a log, by its name."""
    return not _NO_LOG.search(name)


def _content(blocks: Iterable[bytes], most: int) -> str:
    content = b""
    for block in blocks:
        content += block
        if len(content) >= most:
            break
    return content[:most].decode("utf-8", "replace")
