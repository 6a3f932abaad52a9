"""Finds SCSI status, sense data and commands in a log line, in each format that ESX has used since 3.x."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge import scsi
from knowledge.scsi.status import CHECK_CONDITION, Reading, Status
from knowledge.vmklog.finding import Certainty, Finding, Meaning
from knowledge.vmklog.line import Finder, Line

ALL_GOOD = "no error: host, device and plugin status are all good"
ALL_GOOD_3 = "no error: device and host status are both good"
SEE_SENSE = "The cause is in the sense data."
NO_SENSE_HERE = "The cause would be in the sense data, but this line has none."
BY_RELEASE = "Its meaning depends on the release: {readings}."
DECIMAL_OR_HEX = "It is not known whether ESX 3.x prints these in decimal or hexadecimal; both meanings are shown."
HOST_FIRST = "In this format, the host status comes first; this is inferred from the text of the line."
PDL = "permanent device loss: the array reports that the LUN is gone permanently"
STRAY = "Invalid sense data {bytes}: the bytes may be stray, so they show no cause"
EMPTY = "no sense data (all zero)"
POSSIBLE = "Possible sense data is not certain; only Valid sense data shows the cause."
UNQUALIFIED = "The line does not state whether this sense data is valid."
OUT_OF_RANGE = "sense data {bytes} is out of range, so it shows no cause"

_X = "0[x×]"
_BYTE = rf"{_X}([0-9a-f]{{1,2}})"
_STATUS = re.compile(rf"\bH:{_BYTE}\s+D:{_BYTE}(?:\s+P:{_BYTE})?(?!\w)", re.IGNORECASE)
_SENSE = re.compile(
    rf"(?:\b(Valid|Possible|Invalid) )?\bsense data:?\s*{_BYTE}[\s,]+{_BYTE}[\s,]+{_BYTE}(?!\w)", re.IGNORECASE
)
_SLASHED = re.compile(rf"(?<!\w)(PDL error )?\({_BYTE}/{_BYTE}/{_BYTE}\)", re.IGNORECASE)
_ESX3 = re.compile(
    r"\bstatus = ([0-9a-f]{1,2})/([0-9a-f]{1,2})(?: (0x[0-9a-f]{1,2}) (0x[0-9a-f]{1,2}) (0x[0-9a-f]{1,2}))(?!\w)",
    re.IGNORECASE,
)
_HOST_FIRST = re.compile(
    r"(?<!\w)(0x[0-9a-f]{1,2})/(0x[0-9a-f]{1,2})"
    r" (sk (0x[0-9a-f]{1,2}) asc (0x[0-9a-f]{1,2}) ascq (0x[0-9a-f]{1,2}))(?!\w)",
    re.IGNORECASE,
)
_COMMAND = re.compile(rf"\bC(?:m|omman)d(?:\s*\({_X}[0-9a-f]+\)\s+|\s+|\s*\(){_BYTE}(?=[\s),])", re.IGNORECASE)


def find(line: Line) -> Iterator[Finding]:
    """Yield the SCSI status and sense data of a line and, when it has either, the SCSI command."""
    found: list[Finding] = []
    status, sense = line.lower.find("h:0"), line.lower.find("sense data")
    if status >= 0 or sense >= 0:
        found += _find_modern(line, status, sense)
    if "status = " in line.lower or " ascq " in line.lower:
        found += _find_esx3(line)
    if "/0" in line.lower:
        found += _find_slashed(line)
    yield from found
    command = _COMMAND.search(line.text) if found else None
    if command and (meaning := _command_meaning(int(command[1], 16))):
        yield line.finding(command.start(1) - len("0x"), command.end(1), meaning)


FINDER = Finder(
    lambda _: (r"h:0[x\xc3]", r"sense data", r"/0[x\xc3][\da-f]", r"status = [\da-f]{1,2}/", r" ascq 0x"), find
)


def _find_modern(line: Line, status: int, sense: int) -> Iterator[Finding]:
    """Yield ``H: D: P:`` from the position ``status`` on and sense data from ``sense`` on; -1 means none."""
    senses = list(_SENSE.finditer(line.text, max(0, sense - len("Possible  ")))) if sense >= 0 else []
    for found in _STATUS.finditer(line.text, status) if status >= 0 else ():
        host, device, plugin = (int(digits, 16) if digits else None for digits in found.groups())
        meaning = _modern_status(host or 0, device or 0, plugin, bool(senses), line.origin.majors)
        yield line.finding(found.start(), found.end(), meaning)
    for found in senses:
        key, asc, ascq = (int(digits, 16) for digits in found.groups()[1:])
        meaning = _sense_meaning((found[1] or "").capitalize(), key, asc, ascq)
        yield line.finding(found.start(), found.end(), meaning)


def _find_esx3(line: Line) -> Iterator[Finding]:
    for found in _ESX3.finditer(line.text):
        device, host, *sense = found.groups()
        yield line.finding(found.start(), found.end(), _esx3_status(device, host, tuple(sense), False))
    for found in _HOST_FIRST.finditer(line.text):
        host, device, _, *sense = found.groups()
        yield line.finding(found.start(), found.end(), _esx3_status(device, host, tuple(sense), True))


def _find_slashed(line: Line) -> Iterator[Finding]:
    for found in _SLASHED.finditer(line.text):
        key, asc, ascq = (int(digits, 16) for digits in found.groups()[1:])
        pdl = bool(found[1]) or (key, asc, ascq) == (0x5, 0x25, 0x0)
        meaning = _sense_meaning("PDL" if pdl else "", key, asc, ascq)
        yield line.finding(found.start(2) - len("(0x"), found.end(), meaning)


@lru_cache(maxsize=4096)
def _modern_status(host: int, device: int, plugin: int | None, has_sense: bool, majors: tuple[int, int]) -> Meaning:
    status = scsi.status(host, device, plugin, majors)
    notes = _check_condition(device, has_sense) if status.cause == "device" else ()
    return _status_meaning(status, ALL_GOOD, notes)


@lru_cache(maxsize=4096)
def _esx3_status(device: str, host: str, sense_bytes: tuple[str, ...], host_first: bool) -> Meaning:
    status = scsi.status_of_esx3(device, host)
    key, asc, ascq = (int(digits, 16) for digits in sense_bytes)
    sense = scsi.sense(key, asc, ascq)
    notes: tuple[str, ...] = (HOST_FIRST,) if host_first else ()
    if len(status.host) > 1 or len(status.device) > 1 or _is_ambiguous(device, host):
        notes += (DECIMAL_OR_HEX,)
    meaning = _status_meaning(status, ALL_GOOD_3, notes)
    if sense.empty or not sense.plausible:
        return meaning
    return Meaning(
        kind="scsi-status",
        summary=f"{meaning.summary}; sense {sense.text}",
        certainty=meaning.certainty,
        notes=meaning.notes,
        status=status,
        sense=sense,
    )


def _is_ambiguous(*printed: str) -> bool:
    """Return whether the printed digits are another number in hexadecimal than in decimal."""
    return any(digits.isdecimal() and int(digits) != int(digits, 16) for digits in printed)


def _status_meaning(status: Status, all_good: str, notes: tuple[str, ...]) -> Meaning:
    readings = status.readings
    if status.cause is None:
        return Meaning(kind="scsi-status", summary=all_good, status=status)
    certainty: Certainty = "certain" if len(readings) == 1 else "open"
    if not readings[0].name and len(readings) == 1:
        certainty = "open"
    if len(readings) > 1 and readings[0].code == readings[1].code:
        notes = (BY_RELEASE.format(readings="; ".join(map(_with_releases, readings))), *notes)
    return Meaning(
        kind="scsi-status",
        summary=", or ".join(reading.text for reading in readings),
        certainty=certainty,
        notes=notes,
        status=status,
    )


def _with_releases(reading: Reading) -> str:
    return f"{reading.name or reading.description} in {reading.versions}"


def _check_condition(device: int, has_sense: bool) -> tuple[str, ...]:
    if device != CHECK_CONDITION:
        return ()
    return (SEE_SENSE,) if has_sense else (NO_SENSE_HERE,)


@lru_cache(maxsize=4096)
def _sense_meaning(qualifier: str, key: int, asc: int, ascq: int) -> Meaning:
    """Return the meaning of sense data; only Valid sense data (which that of a PDL is) shows the cause."""
    sense = scsi.sense(key, asc, ascq)
    numbers = f"{key:#x} {asc:#x} {ascq:#x}"
    if qualifier == "Invalid":
        return Meaning(kind="scsi-sense", summary=STRAY.format(bytes=numbers), certainty="open", sense=None)
    if not sense.plausible:
        return Meaning(kind="scsi-sense", summary=OUT_OF_RANGE.format(bytes=numbers), certainty="open")
    if qualifier == "PDL":
        return Meaning(kind="scsi-sense", summary=f"{numbers} {sense.text}: {PDL}", sense=sense)
    if qualifier == "Valid":
        return Meaning(kind="scsi-sense", summary=f"{numbers} {sense.text}", sense=sense)
    note = POSSIBLE if qualifier else UNQUALIFIED
    if sense.empty:
        return Meaning(kind="scsi-sense", summary=EMPTY, certainty="open", sense=sense)
    summary = f"{numbers} perhaps {sense.text}" if qualifier else f"{numbers} {sense.text}"
    return Meaning(kind="scsi-sense", summary=summary, certainty="open", notes=(note,), sense=sense)


@lru_cache(maxsize=256)
def _command_meaning(code: int) -> Meaning | None:
    name = scsi.command_name(code)
    return Meaning(kind="scsi-command", summary=f"SCSI command {code:#x} {name}") if name else None
