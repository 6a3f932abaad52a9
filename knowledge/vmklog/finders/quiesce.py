"""Finds the error codes with which VMware Tools report that quiescing the guest failed.

vCenter and ``vmware.log`` print ``The error code was: N`` on the line of the message or on the next one; VMware Tools
log the event that they send, ``vmbackup.eventSet req.error N``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge.vmklog.facts import facts
from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.line import Finder, Line

QUIESCE_ERROR = "VMware Tools quiesce error {code}, {meaning}"
UNKNOWN = "VMware Tools quiesce error {code}: no table has this code"
DEFINED = "VMware Tools (open-vm-tools, vmbackup.h) define this code"
NOT_DEFINED = "VMware Tools (open-vm-tools, vmbackup.h) do not define this code"
OTHER_PROGRAM = "no line nearby is about quiescing, so another program may have written it"

_CODE = re.compile(
    r"\b(?:error code was: {0,4}|vmbackup\.eventSet req\.(?:error|aborted) )(\d{1,5})(?![\w.])", re.IGNORECASE
)
_NEARBY = 4
"""Lines."""


def find(line: Line) -> Iterator[Finding]:
    """Yield the codes of a line; one without the word quiesce or the name of the plug-in is only likely to be one."""
    about_quiescing = "quiesc" in line.lower or "vmbackup" in line.lower
    if about_quiescing:
        line.context.quiescing = line.number
    nearby = line.context.quiescing and line.number - line.context.quiescing <= _NEARBY
    for found in _CODE.finditer(line.text):
        yield line.finding(found.start(1), found.end(1), _meaning(str(int(found[1])), bool(nearby)))


FINDER = Finder(lambda _: (r"error code was: {0,4}\d", r"quiesc", r"vmbackup"), find)


@lru_cache(maxsize=64)
def _meaning(code: str, certain: bool) -> Meaning:
    fact = facts("quiesce_errors.tsv").get(code)
    if fact is None:
        return Meaning(kind="quiesce-error", summary=UNKNOWN.format(code=code), certainty="open", reason=NOT_DEFINED)
    summary = QUIESCE_ERROR.format(code=code, meaning=fact.meaning)
    return fact.as_meaning("quiesce-error", summary, *(("certain", DEFINED) if certain else ("likely", OTHER_PROGRAM)))
