"""Finds the names of disks, targets and initiators in a log line, and explains them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from knowledge import oui
from knowledge.vmklog.finding import Finding, Kind, Meaning
from knowledge.vmklog.line import Finder, Line, places

EUI_OF_NVME = "{name}: the 128-bit identifier of an NVMe namespace{by}, as ESXi writes it"
NOT_ISCSI = "An iSCSI eui. name has 16 digits."
T10 = "{name}: a disk without a worldwide number, named by vendor {vendor} and {rest}"
NQN = "{name}: an NVMe Qualified Name"

OF_IEEE = "the name contains an OUI of the IEEE, which identifies its owner"
OF_ISCSI = "the iSCSI standard (RFC 7143) defines this form of name"
OF_NVME = "the NVMe standard defines this form of name"
OF_T10 = "the SCSI standard (SPC) defines this form of name"
NOT_VALID = "the iSCSI standard (RFC 7143) does not allow this name"

_NAME = re.compile(
    r"(?<![\w.-])(?:(?P<naa>naa\.(?:[0-9a-f]{32}|[0-9a-f]{16}))(?!\w|[.-]\w)"
    r"|(?P<eui>eui\.(?:[0-9a-f]{32}|[0-9a-f]{16}))(?!\w|[.-]\w)"
    r"|(?P<iqn>iqn\.\d{4}-\d\d\.[^\s\"'“”‘’,;<>()\[\]{}|#]+)"
    r"|(?P<nqn>nqn\.(?:\d{4}-\d\d)[^\s\"'“”‘’,;<>()\[\]{}|#]+)"
    r"|(?P<t10>t10\.[^\s\"'“”‘’,;<>()\[\]{}:]{9,}))",
    re.IGNORECASE,
)
_MARKERS = ("naa.", "eui.", "qn.", "t10.")
"""Every name has one of these at its beginning, or one letter later."""

_LONGEST = 512


def find(line: Line) -> Iterator[Finding]:
    """Yield the complete names of a line, but not masked (``naa.xxx``) or truncated ones."""
    for found in _names(line):
        text = found[0].rstrip(".:!?-")[:_LONGEST]
        kind: Kind = found.lastgroup  # type: ignore[assignment]
        yield line.finding(found.start(), found.start() + len(text), _name_meaning(kind, text))


def _names(line: Line) -> Iterator[re.Match[str]]:
    at = 0
    for place in places(line.lower, *_MARKERS):
        if place < at:
            continue
        found = _NAME.match(line.text, place) or _NAME.match(line.text, max(at, place - 1))
        at = found.end() if found else place + 1
        if found:
            yield found


FINDER = Finder(lambda _: (r"naa\.[\da-f]", r"eui\.[\da-f]", r"[in]qn\.\d", r"t10\."), find)


@lru_cache(maxsize=16384)
def _name_meaning(kind: Kind, text: str) -> Meaning:
    if kind == "t10":
        return _t10_meaning(text)
    if kind == "nqn":
        return Meaning(kind=kind, summary=NQN.format(name=text), reason=OF_NVME)
    if kind == "eui" and len(text) > len("eui.") + 16:
        return _nvme_meaning(text.lower())
    from knowledge.iscsi import validate  # loads Unicode tables, so it is imported only for a log that has names

    verdict = validate(text)
    if not verdict.valid:
        problems = tuple(problem.message for problem in verdict.problems if problem.severity == "error")
        summary = f"{text}: not a valid name"
        return Meaning(kind=kind, summary=summary, certainty="open", reason=NOT_VALID, notes=problems)
    first, *others = verdict.explanation
    return Meaning(
        kind=kind,
        summary=f"{verdict.normalized}: {first.rstrip('.')}",
        reason=OF_ISCSI if kind == "iqn" else OF_IEEE,
        notes=tuple(others) if kind == "iqn" else (),
    )


def _nvme_meaning(text: str) -> Meaning:
    """Explain the NGUID of a namespace: 8 octets that its vendor chooses, the OUI, and 5 more octets.

    Source: NVMe Base Specification. Without an OUI that is registered, the NGUID may be a random number.
    """
    digits = text[len("eui.") + 16 :].upper()
    registered = oui.owner(f"{digits[:2]}-{digits[2:4]}-{digits[4:6]}")
    summary = EUI_OF_NVME.format(name=text, by=f" of {registered}" if registered else "")
    return Meaning(kind="eui", summary=summary, reason=OF_NVME, notes=(NOT_ISCSI,))


def _t10_meaning(text: str) -> Meaning:
    """Explain a T10 vendor identification: 8 characters of vendor, then model and serial number; ``_`` is a space."""
    identifier = text[len("t10.") :]
    vendor, rest = identifier[:8].strip("_"), re.sub("_+", " ", identifier[8:]).strip()
    summary = T10.format(name=text, vendor=vendor, rest=rest or "nothing else")
    return Meaning(kind="t10", summary=summary, reason=OF_T10)
