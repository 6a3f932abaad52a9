"""The meanings of SCSI status, sense data and commands in a log line, with what they show about a fault."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from knowledge import scsi
from knowledge.diagnosis import Diagnosis
from knowledge.scsi.sense import Sense
from knowledge.scsi.status import CHECK_CONDITION, Reading, Status
from knowledge.vmklog.finding import Certainty, Meaning

ALL_GOOD = "no error: host, device and plugin status are all good"
ALL_GOOD_3 = "no error: device and host status are both good"
NO_SENSE_HERE = "The cause would be in the sense data, but this line has none."
BY_RELEASE = "Its meaning depends on the release: {readings}."
DECIMAL_OR_HEX = "It is not known whether ESX 3.x prints these in decimal or hexadecimal; both meanings are shown."
HOST_FIRST = "In this format, the host status comes first; this is inferred from the text of the line."
PDL = "permanent device loss (PDL), if all paths report it"
STRAY = "Invalid sense data {bytes}: the bytes may be stray, so they show no cause"
EMPTY = "no sense data (all zero)"
POSSIBLE = "Possible sense data is not certain; only Valid sense data shows the cause."
UNQUALIFIED = "The line does not state whether this sense data is valid."
OUT_OF_RANGE = "sense data {bytes} is out of range, so it shows no cause"

DEFINED = {
    "host": "VMware defines this host status",
    "device": "the SCSI standard (SAM) defines this device status",
    "plugin": "VMware defines this plugin status",
}
GOOD = "these numbers mean that there is no error"
SEVERAL = "the number has several meanings, and the line does not show which of them it is"
UNDEFINED = "no known release defines this number"
SENSE_DEFINED = "the SCSI standard (SPC) defines these sense bytes, and the line calls them valid"
SENSE_OF_DEVICE = "the SCSI standard (SPC) defines these sense bytes, and the device status refers to them"
SENSE_OF_PDL = "the line itself names the permanent device loss"
SENSE_OF_VENDOR = "the SCSI standard (SPC) defines only the sense key; the vendor of the device defines the other bytes"
NOT_STATED = "the line does not state whether the sense data is valid"
NOT_RELIABLE = "these bytes may be left over from another command"
NOT_OF_SCSI = "nothing else in the line is about SCSI, so the numbers may be something else"
COMMAND_DEFINED = "the operation codes are from the SCSI standards"

_STRENGTH: tuple[Certainty, ...] = ("certain", "likely", "open")


@lru_cache(maxsize=4096)
def modern_status(host: int, device: int, plugin: int | None, has_sense: bool, majors: tuple[int, int]) -> Meaning:
    """Return the meaning of ``H: D: P:``; arguments as for ``scsi.status``, and whether the line has sense data."""
    status = scsi.status(host, device, plugin, majors)
    notes: tuple[str, ...] = ()
    if status.cause == "device" and device == CHECK_CONDITION:
        notes = () if has_sense else (NO_SENSE_HERE,)
    return _status_meaning(status, ALL_GOOD, notes)


@lru_cache(maxsize=4096)
def esx3_status(device: str, host: str, sense_bytes: tuple[str, ...], host_first: bool) -> Meaning:
    """Return the meaning of status and sense data in the format of ESX 3.x, all as printed."""
    status = scsi.status_of_esx3(device, host)
    key, asc, ascq = (int(digits, 16) for digits in sense_bytes)
    sense = scsi.sense(key, asc, ascq)
    notes: tuple[str, ...] = (HOST_FIRST,) if host_first else ()
    if len(status.host) > 1 or len(status.device) > 1 or _is_ambiguous(device, host):
        notes += (DECIMAL_OR_HEX,)
    meaning = _status_meaning(status, ALL_GOOD_3, notes)
    if sense.empty or not sense.plausible:
        return meaning
    diagnosis = scsi.diagnose_sense(sense, None)
    meaning = replace(meaning, summary=f"{meaning.summary}; sense {_sense_text(sense, diagnosis)}", sense=sense)
    if status.cause == "device" and int(device, 16) == CHECK_CONDITION:
        return diagnosed(_by_vendor(replace(meaning, reason=SENSE_OF_DEVICE), sense, diagnosis), diagnosis)
    return meaning


@lru_cache(maxsize=4096)
def sense_meaning(
    qualifier: str, key: int, asc: int, ascq: int, command: int | None = None, of_device: bool = True
) -> Meaning:
    """Return the meaning of sense data; only Valid sense data (which that of a PDL is) shows the cause.

    ``qualifier`` is ``Valid``, ``Possible``, ``Invalid``, ``PDL``, empty, or ``Unnamed`` for three numbers in a line
    that shows in no other way that they are sense data. ``command`` is the operation code, if it is known.
    ``of_device`` is False when the host or the plugin reports another cause.
    """
    sense = scsi.sense(key, asc, ascq)
    numbers = f"{key:#x} {asc:#x} {ascq:#x}"
    if qualifier == "Invalid" or not sense.plausible:
        summary = (STRAY if qualifier == "Invalid" else OUT_OF_RANGE).format(bytes=numbers)
        return Meaning(kind="scsi-sense", summary=summary, certainty="open", reason=NOT_RELIABLE)
    if sense.empty and qualifier != "Valid":
        return Meaning(kind="scsi-sense", summary=EMPTY, certainty="open", reason=NOT_STATED, sense=sense)
    if qualifier == "Possible":
        summary = f"{numbers} perhaps {sense.text}"
        return Meaning(
            kind="scsi-sense", summary=summary, certainty="open", reason=NOT_RELIABLE, notes=(POSSIBLE,), sense=sense
        )
    if qualifier == "Unnamed":
        summary = f"{numbers} if this is sense data: {sense.text}"
        return Meaning(kind="scsi-sense", summary=summary, certainty="open", reason=NOT_OF_SCSI, sense=sense)
    diagnosis = scsi.diagnose_sense(sense, command)
    if qualifier == "PDL" and (diagnosis is None or diagnosis.class_ != "PDL"):
        diagnosis = scsi.diagnose_sense(scsi.sense(0x5, 0x25, 0x0), None)
    summary = f"{numbers} {_sense_text(sense, diagnosis)}"
    if qualifier == "PDL":
        return diagnosed(Meaning(kind="scsi-sense", summary=summary, reason=SENSE_OF_PDL, sense=sense), diagnosis)
    meaning = _by_vendor(
        Meaning(kind="scsi-sense", summary=summary, reason=SENSE_DEFINED, sense=sense), sense, diagnosis
    )
    if not qualifier:
        meaning = replace(meaning, certainty="likely", reason=NOT_STATED, notes=(UNQUALIFIED,))
    return diagnosed(meaning, diagnosis) if of_device else meaning


@lru_cache(maxsize=256)
def command_meaning(code: int) -> Meaning | None:
    """Return the meaning of an operation code; None when no standard has it."""
    name = scsi.command_name(code)
    summary = f"SCSI command {code:#x} {name}"
    return Meaning(kind="scsi-command", summary=summary, reason=COMMAND_DEFINED) if name else None


def diagnosed(meaning: Meaning, diagnosis: Diagnosis | None) -> Meaning:
    """Return a meaning with what it shows about a fault; it is as certain as the less certain of the two."""
    if diagnosis is None:
        return meaning
    weaker = max(meaning.certainty, diagnosis.certainty, key=_STRENGTH.index)
    by_rule = meaning.certainty == "certain" and bool(diagnosis.why)
    return replace(
        meaning,
        certainty=weaker,
        reason=diagnosis.why if by_rule else meaning.reason,
        where=diagnosis.where,
        class_=diagnosis.class_,
        next=diagnosis.next,
        procedures=diagnosis.procedures,
    )


def _is_ambiguous(*printed: str) -> bool:
    """Return whether the printed digits are another number in hexadecimal than in decimal."""
    return any(digits.isdecimal() and int(digits) != int(digits, 16) for digits in printed)


def _status_meaning(status: Status, all_good: str, notes: tuple[str, ...]) -> Meaning:
    readings = status.readings
    if status.cause is None:
        return Meaning(kind="scsi-status", summary=all_good, reason=GOOD, status=status)
    certainty: Certainty = "certain" if len(readings) == 1 and readings[0].name else "open"
    reason = DEFINED[status.cause]
    if certainty == "open":
        reason = SEVERAL if len(readings) > 1 else UNDEFINED
    if len(readings) > 1 and readings[0].code == readings[1].code:
        notes = (BY_RELEASE.format(readings="; ".join(map(_with_releases, readings))), *notes)
    meaning = Meaning(
        kind="scsi-status",
        summary=", or ".join(reading.text for reading in readings),
        certainty=certainty,
        reason=reason,
        notes=notes,
        status=status,
    )
    return diagnosed(meaning, scsi.diagnose_status(status))


def _with_releases(reading: Reading) -> str:
    return f"{reading.name or reading.description} in {reading.versions}"


def _sense_text(sense: Sense, diagnosis: Diagnosis | None) -> str:
    return f"{sense.text}: {PDL}" if diagnosis and diagnosis.class_ == "PDL" else sense.text


def _by_vendor(meaning: Meaning, sense: Sense, diagnosis: Diagnosis | None) -> Meaning:
    """Return a meaning that is less certain when the vendor of the device defines the bytes after the key."""
    if sense.defined or meaning.certainty != "certain":
        return meaning
    return replace(meaning, certainty="likely" if diagnosis else "open", reason=SENSE_OF_VENDOR)
