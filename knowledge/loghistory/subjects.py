"""What a line is about, and what it reports of that."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from knowledge.diagnosis import FaultClass, Where, severity
from knowledge.loghistory.values import SubjectKind
from knowledge.vmklog.finding import Finding, Kind, Meaning

KIND_OF: dict[Kind, SubjectKind] = {
    "naa": "device",
    "eui": "device",
    "t10": "device",
    "mpx": "device",
    "iqn": "target",
    "nqn": "target",
    "path": "path",
    "adapter": "adapter",
    "datastore": "datastore",
    "vm": "vm",
}
"""Findings of these kinds name a subject; the others report something about it."""

OF_ONE_HOST: frozenset[SubjectKind] = frozenset(("path", "adapter", "host"))
"""Each host has its own vmhba2; a device or a datastore is the same on all hosts."""

_RECOVERY = re.compile(
    r"\besx\.clear\.(?!coredump|\w+\.device\.io\.latency|vmfs\.nfs\.volume\.io\.latency)"
    r"|\bapd\.exit\b|\bexited the All Paths Down\b|\bAPD exit\b|\.heartbeat\.recovered\b"
    r"|\bSuccessfully restored access\b|\b(?:connectivity|redundancy)\.restored\b|\.permanentloss\.pluggedback\b"
    r"|\.apd\.recovered\b|\.pathstate\.on\b",
    re.IGNORECASE,
)
"""The names and texts of the events that report the end of a problem; VMware's list of ESXi events."""

_RECOVERED = re.compile(
    r"\b(?:is restored|redundant again|answers again|APD\)? (?:of its device has )?ended"
    r"|network adapter is up|has its link again)\b"
)
"""What the meanings of the messages in ``log_phrases.tsv`` that report the end of a problem have."""

_SAYS_WHY: frozenset[Kind] = frozenset(("quiesce-error", "iscsi-login", "iscsi-connection"))

_NFS_END = "-0000-000000000000"
"""What some messages write after the two groups of digits that events have for an NFS datastore."""


class Key(NamedTuple):
    """What makes a subject the same in several lines."""

    kind: SubjectKind
    name: str
    host: str = ""


class Trouble(NamedTuple):
    """What a line reports about its subjects."""

    class_: FaultClass | Literal[""]
    """The worst class of its findings."""
    where: Where | Literal[""]
    """Where the fault of the worst finding is that shows it."""
    recovered: bool
    """Whether it reports the end of a problem."""
    next: str
    procedures: tuple[str, ...]
    psod: Meaning | None
    """What it reports about a purple diagnostic screen of the host."""


def named_in(findings: Iterable[Finding], host: str) -> dict[Key, None]:
    """Return the subjects that a line names, in order, each once."""
    keys: dict[Key, None] = {}
    for finding in findings:
        if kind := KIND_OF.get(finding.kind):
            name = finding.text.lower() if finding.kind in ("naa", "eui") else volume_id(finding.text)
            keys[Key(kind, name, host if kind in OF_ONE_HOST else "")] = None
    return keys


def volume_id(name: str) -> str:
    """Return the identifier of a datastore as events have it; other names are returned as they are."""
    return name.removesuffix(_NFS_END)


def trouble_in(findings: Iterable[Finding]) -> Trouble | None:
    """Return what the findings of a line report; None when they are only names."""
    reports = tuple((finding.meaning, finding.text) for finding in findings if finding.meaning.kind not in KIND_OF)
    return _trouble(reports) if reports else None


@lru_cache(maxsize=4096)
def _trouble(reports: tuple[tuple[Meaning, str], ...]) -> Trouble:
    """Return what a line with these meanings and their texts reports; a storm has the same ones in many lines."""
    meanings = sorted((meaning for meaning, _ in reports), key=_weight, reverse=True)
    return Trouble(
        class_=meanings[0].class_,
        where=next((meaning.where for meaning in meanings if meaning.where), ""),
        recovered=any(_ends_trouble(meaning, text) for meaning, text in reports),
        next=next((meaning.next for meaning in meanings if meaning.next), ""),
        procedures=tuple(dict.fromkeys(slug for meaning in meanings for slug in meaning.procedures)),
        psod=next((meaning for meaning, _ in reports if meaning.kind == "psod"), None),
    )


def _ends_trouble(meaning: Meaning, text: str) -> bool:
    if meaning.kind == "phrase" and _RECOVERED.search(meaning.summary):
        return True
    return bool(_RECOVERY.search(text))


def _weight(meaning: Meaning) -> tuple[int, bool]:
    """What has a class comes before what has none, so that a status does not hide harmless sense data.

    Among equals, a code that says why comes before the message that it explains.
    """
    return severity(meaning.class_) if meaning.class_ else -1, meaning.kind in _SAYS_WHY
