"""Finds SCSI status, sense data and commands in a log line, in each form that ESX has written since 3.x."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge import scsi
from knowledge.scsi.status import CHECK_CONDITION, Reading, Status
from knowledge.vmklog.finding import Certainty, Finding, Meaning
from knowledge.vmklog.origin import Origin

ALL_GOOD = "no error: host, device and plugin status are all good"
ALL_GOOD_3 = "no error: device and host status are both good"
SEE_SENSE = "The sense data holds the cause."
NO_SENSE_HERE = "The cause would stand in the sense data, which this line does not have."
BY_RELEASE = "Its meaning depends on the release: {readings}."
DECIMAL_OR_HEX = "Whether ESX 3.x prints these in decimal or in hexadecimal is not settled; both readings are given."
HOST_FIRST = "That the host status stands first in this form is inferred from its text."
PDL = "permanent device loss: the array says that the LUN is gone for good"
STRAY = "Invalid sense data {bytes}: may be stray bytes, so no cause can be read from it"
EMPTY = "no sense data (all zero)"
POSSIBLE = "Possible sense data is not certain: only Valid is a cause."
UNQUALIFIED = "The line does not say whether this sense data is valid."
OUT_OF_RANGE = "sense data {bytes} is out of range: no cause can be read from it"
NVME = "NVMe status {code}: neither a vmkernel status nor SCSI sense data, so it is not decoded here"

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
_NVME_STATUS = re.compile(rf"\bstatus[:=]?\s*({_X}[0-9a-f]{{1,4}})(?!\w)", re.IGNORECASE)


def find_scsi(number: int, line: str, lower: str, origin: Origin) -> Iterator[Finding]:
    """Find every SCSI status, sense data and, beside one of them, command of a line; ``lower``: in small letters."""
    found: list[Finding] = []
    status, sense = lower.find("h:0"), lower.find("sense data")
    if status >= 0 or sense >= 0:
        found += _find_modern(number, line, status, sense, origin)
    if "status = " in lower or " ascq " in lower:
        found += _find_esx3(number, line)
    if "/0" in lower:
        found += _find_slashed(number, line)
    yield from found
    command = _COMMAND.search(line) if found else None
    if command and (meaning := _command(int(command[1], 16))):
        start, end = command.start(1) - len("0x"), command.end(1)
        yield Finding(number, start, end, line[start:end], meaning)


def find_nvme(number: int, line: str, nvme: int) -> Iterator[Finding]:
    """Find the status of NVMe commands behind where a line says NVMe, so that nobody takes it for one of the others."""
    for found in _NVME_STATUS.finditer(line, nvme):
        yield Finding(number, found.start(1), found.end(1), found[1], _nvme(found[1]))


def _find_modern(number: int, line: str, status: int, sense: int, origin: Origin) -> Iterator[Finding]:
    """Find ``H: D: P:`` from where the first one may stand, and sense data likewise; -1 for none."""
    senses = list(_SENSE.finditer(line, max(0, sense - len("Possible  ")))) if sense >= 0 else []
    for found in _STATUS.finditer(line, status) if status >= 0 else ():
        host, device, plugin = (int(digits, 16) if digits else None for digits in found.groups())
        meaning = _status(host or 0, device or 0, plugin, bool(senses), origin.majors)
        yield Finding(number, found.start(), found.end(), found[0], meaning)
    for found in senses:
        key, asc, ascq = (int(digits, 16) for digits in found.groups()[1:])
        meaning = _sense((found[1] or "").capitalize(), key, asc, ascq)
        yield Finding(number, found.start(), found.end(), found[0], meaning)


def _find_esx3(number: int, line: str) -> Iterator[Finding]:
    for found in _ESX3.finditer(line):
        device, host, *sense = found.groups()
        yield Finding(number, found.start(), found.end(), found[0], _esx3(device, host, tuple(sense), False))
    for found in _HOST_FIRST.finditer(line):
        host, device, _, *sense = found.groups()
        yield Finding(number, found.start(), found.end(), found[0], _esx3(device, host, tuple(sense), True))


def _find_slashed(number: int, line: str) -> Iterator[Finding]:
    for found in _SLASHED.finditer(line):
        key, asc, ascq = (int(digits, 16) for digits in found.groups()[1:])
        pdl = bool(found[1]) or (key, asc, ascq) == (0x5, 0x25, 0x0)
        start = found.start(2) - len("(0x")
        yield Finding(
            number, start, found.end(), line[start : found.end()], _sense("PDL" if pdl else "", key, asc, ascq)
        )


@lru_cache(maxsize=4096)
def _status(host: int, device: int, plugin: int | None, has_sense: bool, majors: tuple[int, int]) -> Meaning:
    status = scsi.status(host, device, plugin, majors)
    notes = _check_condition(device, has_sense) if status.cause == "device" else ()
    return _status_meaning(status, ALL_GOOD, notes)


@lru_cache(maxsize=4096)
def _esx3(device: str, host: str, sense_bytes: tuple[str, ...], host_first: bool) -> Meaning:
    status = scsi.status_of_esx3(device, host)
    key, asc, ascq = (int(digits, 16) for digits in sense_bytes)
    sense = scsi.sense(key, asc, ascq)
    notes: tuple[str, ...] = (HOST_FIRST,) if host_first else ()
    if len(status.host) > 1 or len(status.device) > 1 or _misread(device, host):
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


def _misread(*printed: str) -> bool:
    """Whether decimal and hexadecimal readings of what was printed differ."""
    return any(digits.isdecimal() and int(digits) != int(digits, 16) for digits in printed)


def _status_meaning(status: Status, all_good: str, notes: tuple[str, ...]) -> Meaning:
    readings = status.readings
    if status.cause is None:
        return Meaning(kind="scsi-status", summary=all_good, status=status)
    certainty: Certainty = "certain" if len(readings) == 1 else "open"
    if not readings[0].name and len(readings) == 1:
        certainty = "unknown"
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
def _sense(qualifier: str, key: int, asc: int, ascq: int) -> Meaning:
    """Say what sense data means; only Valid (and that of a PDL, which is valid) is a cause."""
    sense = scsi.sense(key, asc, ascq)
    numbers = f"{key:#x} {asc:#x} {ascq:#x}"
    if qualifier == "Invalid":
        return Meaning(kind="scsi-sense", summary=STRAY.format(bytes=numbers), certainty="open", sense=None)
    if not sense.plausible:
        return Meaning(kind="scsi-sense", summary=OUT_OF_RANGE.format(bytes=numbers), certainty="unknown")
    if qualifier == "PDL":
        return Meaning(kind="scsi-sense", summary=f"{numbers} {sense.text}: {PDL}", sense=sense)
    if qualifier == "Valid":
        return Meaning(kind="scsi-sense", summary=f"{numbers} {sense.text}", sense=sense)
    note = POSSIBLE if qualifier else UNQUALIFIED
    if sense.empty:
        return Meaning(kind="scsi-sense", summary=EMPTY, certainty="open", sense=sense)
    summary = f"{numbers} perhaps {sense.text}" if qualifier else f"{numbers} {sense.text}"
    return Meaning(kind="scsi-sense", summary=summary, certainty="open", notes=(note,), sense=sense)


@lru_cache(maxsize=1024)
def _nvme(code: str) -> Meaning:
    return Meaning(kind="nvme-status", summary=NVME.format(code=code), certainty="unknown")


@lru_cache(maxsize=256)
def _command(code: int) -> Meaning | None:
    name = scsi.command_name(code)
    return Meaning(kind="scsi-command", summary=f"SCSI command {code:#x} {name}") if name else None
