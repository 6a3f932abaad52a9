"""Determines which release wrote a log line: as the caller says, or inferred from its format, with the reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from knowledge.releases import choose, version_key
from knowledge.scsi.status import NEWEST
from knowledge.vmkerr.table import Tables, bundled

FIRST_WORLD_OF_4 = 4096
"""World ids start at 1024 in ESX 3.x and at 4096 in 4.x, as the lines in VMware's articles show."""

ISO = "the timestamp has the format of ESXi 5.0 and later, such as 2014-11-08T03:11:10Z"
TAG = "the line has no uptime after vmkernel:, where ESX prints it before ESXi 5.0"
ORIGINATOR = "the line has the field [Originator@6876, which no release before ESXi 5.0 prints"
LEVEL = "the line has the level before its sender, as in ESXi 8.0, such as Wa(180)"
UPTIME_3 = "the line has the uptime, as before ESXi 5.0, and world {world} is below 4096, as only in ESX 3.x"
UPTIME_4 = "the line has the uptime, as before ESXi 5.0, and world {world} is 4096 or above, as since 4.0"
STATUS_OF_3 = "only ESX 3.x writes status = device/host"

_FORMAT = re.compile(
    r"(?P<level>\b(?:Em|Al|Cr|Er|Wa|No|In|Db)\(\d+\)(?:\[?[^:]{0,40}: |(?:\[\+\])? ))"
    r"|(?P<sender>\bvmk(?:ernel|warning): )?(?P<uptime>\d+:\d\d:\d\d:\d\d\.\d{3} )?"
    r"cpu\d+:(?P<world>\d+)(?: opID=\w+)?\)"
    r"|\bstatus = (?P<status>\w{1,2}/\w{1,2} 0x)"
    r"|(?P<originator>\[Originator@6876 )"
)
_COMMON = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z "
    r"(?P<level>(?:Em|Al|Cr|Er|Wa|No|In|Db)\(\d+\) vmk(?:ernel|warning): )?cpu\d+:\d+(?: opID=\w+)?\)"
)
"""How hosts write nearly all lines since ESXi 5.0; this match takes a fraction of the time of the searches."""
_ISO = re.compile(r"(?<!\d)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_BEFORE_ISO = re.compile(r"\s*(?:<\d{1,3}>)?(?:\d )?")
_SENDER = re.compile(r"\b(?:vmkernel|vmkwarning|hostd|vpxa|vobd|vpxd|fdm|esxcli|vmx|vcpu-\d+)\b", re.IGNORECASE)
_BOOT = "0:00:0"
"""The uptime of the first ten minutes. Later releases also print it while they boot."""
_HEAD_LENGTH = 400
"""Characters at the beginning of a line that are searched for its format."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The release of a line.

    ``release`` is its name, empty when it is not known. ``majors`` is the first and last major release. ``tables`` has
    the ids of the tables that apply to it, and is empty when there is none. ``reason`` says how the release was
    determined, and ``note`` is a caveat about its table. ``given`` is true when the caller gave the release, and false
    when it is inferred.
    """

    release: str = ""
    majors: tuple[int, int] = (3, NEWEST)
    tables: frozenset[str] = frozenset()
    reason: str = ""
    note: str = ""
    given: bool = False


@lru_cache(maxsize=64)
def given_origin(release: str, tables: Tables) -> Origin:
    """Return the origin for a release that a user typed; raises Unreadable when no such release is known."""
    choice = choose(release, tables.releases)
    major = _major(choice.release, release)
    return Origin(
        release=choice.release or release,
        majors=(major, major) if major else (3, NEWEST),
        tables=frozenset([choice.release] if choice.release else []),
        reason="the lookup asked for that release",
        note=choice.note,
        given=True,
    )


def inferred_origin(line: str, tables: Tables | None = None) -> Origin:
    """Infer the origin from the format of a line; returns an empty Origin when the format does not show it."""
    tables = tables or bundled()
    if common := _COMMON.match(line):
        return _origin("level" if common["level"] else "iso", "", tables)
    head = line[:_HEAD_LENGTH]
    found = _FORMAT.search(head)
    if found and found["level"]:
        return _origin("level", "", tables)
    iso = _ISO.search(head, 0, found.start() if found else _HEAD_LENGTH)
    if found and found["uptime"]:
        if iso and found["uptime"].startswith(_BOOT):
            return Origin()
        is_esx_3 = len(found["world"]) <= 4 and int(found["world"]) < FIRST_WORLD_OF_4
        return _origin("uptime-3" if is_esx_3 else "uptime-4", found["world"], tables)
    if iso and (_starts_with(iso, head) or (found and found["world"]) or _SENDER.search(head, iso.end())):
        return _origin("iso", "", tables)
    if found is None or (found["world"] and not found["sender"]):
        return Origin()
    if found["status"]:
        return _origin("status", "", tables)
    return _origin("tag" if found["sender"] else "originator", "", tables)


def _starts_with(iso: re.Match[str], head: str) -> bool:
    """Return whether a line starts with a timestamp, after what a syslog collector writes before it."""
    before = _BEFORE_ISO.match(head)
    return before is not None and before.end() == iso.start()


@lru_cache(maxsize=4096)
def _origin(line_format: str, world: str, tables: Tables) -> Origin:
    if line_format in ("iso", "tag", "originator", "level"):
        since_5 = frozenset(release.id for release in tables.releases if version_key(release.id)[0] >= 5)
        if line_format != "level":
            reason = {"iso": ISO, "tag": TAG, "originator": ORIGINATOR}[line_format]
            return Origin(release="ESXi 5.0 and later", majors=(5, NEWEST), tables=since_5, reason=reason)
        choice = choose("8", tables.releases)
        return Origin(release="ESXi 8.0 and later", majors=(8, NEWEST), tables=since_5, reason=LEVEL, note=choice.note)
    if line_format == "uptime-4":
        note = choose("4.0", tables.releases).note.replace("ESX 4.0", "ESX 4.x").replace("esx-4.0", "esx-4.1")
        own = frozenset(release.id for release in tables.releases if version_key(release.id)[0] == 4)
        reason = UPTIME_4.format(world=world)
        return Origin(release="ESX 4.x", majors=(4, 4), tables=own, reason=reason, note="" if own else note)
    reason = STATUS_OF_3 if line_format == "status" else UPTIME_3.format(world=world)
    return Origin(release="ESX 3.x", majors=(3, 3), tables=frozenset(["esx-3.5"]), reason=reason)


def _major(release_id: str, typed: str) -> int:
    """Return the major release of an id, or of the typed text when the id is empty; 0 when there is none."""
    version = re.search(r"\d+", release_id.removeprefix("ddk-2024") or typed)
    return int(version[0]) if version else 0
