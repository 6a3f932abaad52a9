"""Finds SCSI status, sense data and commands in a log line, in each format that ESX has used since 3.x."""

from __future__ import annotations

import re
from collections.abc import Iterator

from knowledge.vmklog.finding import Finding
from knowledge.vmklog.line import Finder, Line, first_place, places
from knowledge.vmklog.scsi_meanings import command_meaning, esx3_status, modern_status, sense_meaning

_X = "0[x×]"
_BYTE = rf"{_X}([0-9a-f]{{1,2}})"
_STATUS = re.compile(rf"\bH:{_BYTE}\s+D:{_BYTE}(?:\s+P:{_BYTE})?(?!\w)", re.IGNORECASE)
_SENSE = re.compile(
    rf"(?:\b(Valid|Possible|Invalid) )?\bsense data:?\s*{_BYTE}[\s,]+{_BYTE}[\s,]+{_BYTE}(?!\w)", re.IGNORECASE
)
_QUALIFIERS = ("invalid ", "possible ", "valid ")
_SLASHED = re.compile(rf"(?<!\w)(PDL error )?\({_BYTE}/{_BYTE}/{_BYTE}\)", re.IGNORECASE)
_CONTEXT = re.compile(
    rf"\bscsi|\b(?:nmp|satp|psp|hpp)_?|\b(?:sense|asc|ascq|cdb|lun|pdl)\b|\bvmhba\d|\b(?:naa|eui|t10|mpx)\.\w"
    rf"|\bH:{_X}|check condition|illegal request|unit attention|hardware error|medium error|aborted command",
    re.IGNORECASE,
)
"""What a line about SCSI has; any program can print three numbers with slashes between them."""
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
    lower = line.lower
    at = first_place(lower, "cmd", "command")
    command = _COMMAND.search(line.text, at) if at >= 0 else None
    code = int(command[1], 16) if command else None
    found += _find_modern(line, code)
    if "status = " in lower or " ascq " in lower:
        found += _find_esx3(line)
    if "/0" in lower:
        found += _find_slashed(line, code)
    yield from found
    if found and command and (meaning := command_meaning(int(command[1], 16))):
        yield line.finding(command.start(1) - len("0x"), command.end(1), meaning)


FINDER = Finder(
    lambda _: (r"h:0[x\xc3]", r"sense data", r"/0[x\xc3][\da-f]", r"status = [\da-f]{1,2}/", r" ascq 0x"), find
)


def _find_modern(line: Line, command: int | None) -> Iterator[Finding]:
    """Yield ``H: D: P:`` and sense data."""
    senses = list(_senses(line))
    of_device = True
    for found in line.matches(_STATUS, "h:0"):
        host, device = int(found[1], 16), int(found[2], 16)
        plugin = int(found[3], 16) if found[3] else None
        of_device = not host and not plugin
        meaning = modern_status(host, device, plugin, bool(senses), line.origin.majors)
        yield line.finding(found.start(), found.end(), meaning)
    for found in senses:
        key, asc, ascq = int(found[2], 16), int(found[3], 16), int(found[4], 16)
        meaning = sense_meaning((found[1] or "").capitalize(), key, asc, ascq, command, of_device)
        yield line.finding(found.start(), found.end(), meaning)


def _senses(line: Line) -> Iterator[re.Match[str]]:
    for at in places(line.lower, "sense data"):
        before = next((len(word) for word in _QUALIFIERS if line.lower.endswith(word, 0, at)), 0)
        if found := _SENSE.match(line.text, at - before) or _SENSE.match(line.text, at):
            yield found


def _find_esx3(line: Line) -> Iterator[Finding]:
    for found in _ESX3.finditer(line.text):
        device, host, *sense = found.groups()
        yield line.finding(found.start(), found.end(), esx3_status(device, host, tuple(sense), False))
    for found in _HOST_FIRST.finditer(line.text):
        host, device, _, *sense = found.groups()
        yield line.finding(found.start(), found.end(), esx3_status(device, host, tuple(sense), True))


def _find_slashed(line: Line, command: int | None) -> Iterator[Finding]:
    for found in _SLASHED.finditer(line.text):
        key, asc, ascq = (int(digits, 16) for digits in found.groups()[1:])
        of_scsi = found[1] or command is not None or _CONTEXT.search(line.text)
        qualifier = "PDL" if found[1] else "" if of_scsi else "Unnamed"
        meaning = sense_meaning(qualifier, key, asc, ascq, command)
        if not of_scsi and (meaning.sense is None or meaning.sense.empty):
            continue
        yield line.finding(found.start(2) - len("(0x"), found.end(), meaning)
