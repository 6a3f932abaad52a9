"""Which release wrote a log line, as far as its own format tells: an inference, always said with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from knowledge.releases import choose, version_key
from knowledge.scsi.status import NEWEST
from knowledge.vmkerr.table import Tables, bundled

FIRST_WORLD_OF_4 = 4096
"""ESX 3.x counts worlds from 1024; in 4.x the first one is 4096, as the lines in VMware's articles show."""

ISO = "the timestamp is of the form that ESXi 5.0 brought (2014-11-08T03:11:10Z)"
LEVEL = "the line has the level before its sender, as ESXi 8.0 writes it (Wa(180))"
UPTIME_3 = "the line begins with the uptime, as before ESXi 5.0, and world {world} is below 4096, as only in ESX 3.x"
UPTIME_4 = "the line begins with the uptime, as before ESXi 5.0, and world {world} is 4096 or above, as since 4.0"
STATUS_OF_3 = "only ESX 3.x writes status = device/host"

_UPTIME = r"(?P<uptime>\d+:\d\d:\d\d:\d\d\.\d{3} )"
_FORMAT = re.compile(
    r"(?P<level>\b(?:Em|Al|Cr|Er|Wa|No|In|Db)\(\d+\)\[?[^:]{0,40}: )"
    rf"|{_UPTIME}?cpu\d+:(?P<world>\d+)\)"
    r"|\bstatus = (?P<status>\w{1,2}/\w{1,2} 0x)"
)
_ISO = re.compile(r"\s*\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_LOOKED_AT = 400
"""Characters of a line; the format shows at its beginning."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The release of a line: in words, as a span of major releases, and as the ids of the tables that hold for it.

    ``tables`` is empty when none is known for it, or when nothing is known about the release at all: then
    ``release`` is empty too. ``given`` tells whether somebody said so; else it is inferred.
    """

    release: str = ""
    majors: tuple[int, int] = (3, NEWEST)
    tables: frozenset[str] = frozenset()
    reason: str = ""
    note: str = ""
    given: bool = False


@lru_cache(maxsize=64)
def given(release: str, tables: Tables) -> Origin:
    """Take a release as somebody typed it; raises Unreadable when no such release is known."""
    choice = choose(release, tables.releases)
    major = _major(choice.release, release)
    return Origin(
        release=choice.release or release,
        majors=(major, major) if major else (3, NEWEST),
        tables=frozenset([choice.release] if choice.release else []),
        reason="that release was asked for",
        note=choice.note,
        given=True,
    )


def inferred(line: str, tables: Tables | None = None) -> Origin:
    """Infer the release from the format of a line; an empty Origin when it does not tell."""
    known = tables or bundled()
    head = line[:_LOOKED_AT]
    read = _FORMAT.search(head)
    if read and read["level"]:
        return _origin("level", "", known)
    if _ISO.match(head):
        return _origin("iso", "", known)
    if read is None:
        return Origin()
    if read["status"]:
        return _origin("status", "", known)
    small = len(read["world"]) <= 4 and int(read["world"]) < FIRST_WORLD_OF_4
    if read["uptime"]:
        return _origin("uptime-3" if small else "uptime-4", read["world"], known)
    return Origin()


@lru_cache(maxsize=4096)
def _origin(form: str, world: str, tables: Tables) -> Origin:
    if form in ("iso", "level"):
        since_5 = frozenset(release.id for release in tables.releases if version_key(release.id)[0] >= 5)
        if form == "iso":
            return Origin(release="ESXi 5.0 and later", majors=(5, NEWEST), tables=since_5, reason=ISO)
        choice = choose("8", tables.releases)
        return Origin(release="ESXi 8.0 and later", majors=(8, NEWEST), tables=since_5, reason=LEVEL, note=choice.note)
    if form == "uptime-4":
        note = choose("4.0", tables.releases).note.replace("ESX 4.0", "ESX 4.x").replace("esx-4.0", "esx-4.1")
        own = frozenset(release.id for release in tables.releases if version_key(release.id)[0] == 4)
        reason = UPTIME_4.format(world=world)
        return Origin(release="ESX 4.x", majors=(4, 4), tables=own, reason=reason, note="" if own else note)
    reason = STATUS_OF_3 if form == "status" else UPTIME_3.format(world=world)
    return Origin(release="ESX 3.x", majors=(3, 3), tables=frozenset(["esx-3.5"]), reason=reason)


def _major(release_id: str, typed: str) -> int:
    """Give the major release of an id, or of what was typed when it has no table; 0 when it has none."""
    version = re.search(r"\d+", release_id.removeprefix("ddk-2024") or typed)
    return int(version[0]) if version else 0
