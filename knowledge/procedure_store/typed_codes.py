"""Finds the codes and names among the words of a search, and writes each as a log has it.

Only the text around it in a log shows what a number is. People type less of it: ``nvme 0x371``, ``D:0x18``,
``login error 0201``, ``apd.start``, ``NoDiskSpace``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_HEX = r"0x[0-9a-f]{1,8}"

_MAY_HAVE_CODE = re.compile(
    r"\d|\b(?:esx|vob|msg|vim|vmodl)\.\w|[a-z][A-Z]|[A-Z]{2}_[A-Z]|[a-z]{2}\.[a-z]{2}|\bvmk_", re.ASCII
)
_PASTED_WORDS = 5
"""A query of so many words may be a pasted message, which can have a meaning without any code."""

_SENSE = re.compile(rf"({_HEX})[ /,]+({_HEX})[ /,]+({_HEX})", re.IGNORECASE)
_SENSE_BYTES = re.compile(r"\bsense\D{0,12}\b([0-9a-f]{1,2})[ /]+([0-9a-f]{1,2})[ /]+([0-9a-f]{1,2})\b", re.IGNORECASE)
_SCSI_STATUS = re.compile(r"\b([HDP]):? ?(0x[0-9a-f]{1,2})\b", re.IGNORECASE)
_IN_A_NAME = re.compile(r"(?<=\w)0x(bad[0-9a-f]{4})(?![0-9a-f])", re.IGNORECASE)
_NVME = re.compile(rf"(?<!opcode )\b(?!0xbad0)({_HEX})\b", re.IGNORECASE)
_LOGIN = re.compile(r"(?<![\w.:])(?:0x)?(0[0-3]0[0-9a-f]|0[0-3]/0[0-9a-f])(?!\w)", re.IGNORECASE)
_CONNECTION = re.compile(r"(?<!\w)(10[0-3]\d)(?!\w)")
_QUIESCE = re.compile(r"(?<![\w.:])(\d)(?![\w%.])")
_EXCEPTION = re.compile(r"(?:\b[A-Z]{2} )?\bexception \(?(\d{1,2})\b", re.IGNORECASE)
_DOTTED = re.compile(r"(?<![\w.-])(?:event\.)?([a-z]\w*(?:\.[a-z]\w*)+)(?![\w-])", re.IGNORECASE | re.ASCII)
_FAULT = re.compile(r"(?<![\w-])((?:(?:vim|vmodl|sms|pbm)\.)?(?:fault\.)?)([A-Za-z]{6,80})(?![\w-])", re.ASCII)
_TABLE_NAME = re.compile(r"\b((?:VMBACKUP|ISCSI_ERR)_[A-Z_]+)\b", re.IGNORECASE)
_MOST_EVENTS = 3
_TOO_GENERAL = 2
"""So many dots at least has the start of an identifier that is worth completing: ``esx.problem`` has fewer."""


def may_have_code(words: str) -> bool:
    """Return whether it is worth loading the tables: the words have some sign of a code, or are a pasted message."""
    return bool(_MAY_HAVE_CODE.search(words)) or len(words.split()) >= _PASTED_WORDS


def as_logged(words: str) -> Iterator[str]:
    """Yield the text of a log for each code or name that people type with less around it than a log has."""
    for find in _FINDERS:
        yield from find(words)


def _sense(words: str) -> Iterator[str]:
    if "sense data:" not in words.lower():
        for found in _SENSE.finditer(words):
            yield "Valid sense data: {} {} {}".format(*found.groups())
    for found in _SENSE_BYTES.finditer(words):
        yield "Valid sense data: 0x{} 0x{} 0x{}".format(*(byte.lstrip("0") or "0" for byte in found.groups()))


def _scsi_status(words: str) -> Iterator[str]:
    typed = {found[1].upper(): found[2] for found in _SCSI_STATUS.finditer(words)}
    if 0 < len(typed) < 3:  # a line with all three is read as it is
        yield " ".join(f"{part}:{typed.get(part, '0x0')}" for part in "HDP")


def _in_a_name(words: str) -> Iterator[str]:
    """Yield a vmkernel status inside of a name, such as that of the alert ``VmkernelError0xbad0022``."""
    for found in _IN_A_NAME.finditer(words):
        yield f"status 0x{found[1].lower()}"


def _after(word: str, pattern: re.Pattern[str], wording: str) -> Callable[[str], Iterator[str]]:
    """Return a finder of the first code in words that contain ``word``, a regular expression."""
    sign = re.compile(word, re.IGNORECASE)

    def find(words: str) -> Iterator[str]:
        if sign.search(words) and (found := pattern.search(words)):
            yield wording.format(found[1].replace("/", ""))

    return find


def _events(words: str) -> Iterator[str]:
    """Yield the identifiers of events that end or start with what was typed, when few do."""
    dotted = [found[1].lower() for found in _DOTTED.finditer(words)]
    if not dotted:
        return
    from knowledge.vmklog.esx_events import all_events, event, event_of_vob

    for typed in dotted:
        if typed.startswith(("esx.", "vob.")) and (event(typed) or event_of_vob(typed)):
            continue
        if whole := event_of_vob(typed):
            yield whole.key
            continue
        keys = [each.key for each in all_events()]
        ending = [key for key in keys if key.endswith(f".{typed}") and key.startswith("esx.problem.")]
        starting = [key for key in keys if key.startswith(typed) and typed.count(".") >= _TOO_GENERAL]
        if 0 < len(chosen := ending or starting) <= _MOST_EVENTS:
            yield from chosen


def _faults(words: str) -> Iterator[str]:
    """Yield the full name of each fault of the vSphere API; a name alone counts in CamelCase only."""
    named = [(found[1], found[2]) for found in _FAULT.finditer(words) if found[1] or re.search(r"[a-z][A-Z]", found[2])]
    if not named:
        return
    from knowledge.vmklog.finders.vim_faults import full_name

    for before, name in named:
        if full := full_name(name, any_case=bool(before)):
            yield full


def _names(words: str) -> Iterator[str]:
    """Yield the code as a log has it for the name of an error of VMware Tools or open-iscsi."""
    named = [found[1].upper() for found in _TABLE_NAME.finditer(words)]
    if not named:
        return
    from knowledge.vmklog.facts import facts

    for table, wording in (
        ("quiesce_errors.tsv", "quiescing. The error code was: {}"),
        ("iscsi_connection_errors.tsv", "conn error ({})"),
    ):
        for code, fact in facts(table).items():
            if fact.meaning.partition(":")[0] in named:
                yield wording.format(code)


_FINDERS = (
    _in_a_name,
    _sense,
    _scsi_status,
    _after(r"\bnvme", _NVME, "nvme status {}"),
    _after(r"\blogin|\biscsi|\bchap\b", _LOGIN, "Target returned login error of: {}"),
    _after(r"\biscsi|\bconn error", _CONNECTION, "conn error ({})"),
    _after(r"quies|\bvss\b|\berror code was", _QUIESCE, "quiescing. The error code was: {}"),
    _after(r"\bexception\b", _EXCEPTION, "Exception type {}"),
    _events,
    _faults,
    _names,
)
