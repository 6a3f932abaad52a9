"""Adds to the meaning of a vmkernel status where the trouble usually is, and what to do first.

A few statuses are returned by every part of the host. For these, ``vmkerr_advice_by_line.tsv`` has the first step for a
line about vMotion, NFS or storage.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache, lru_cache
from typing import Literal, NamedTuple, cast

from knowledge.data_files import data_lines
from knowledge.diagnosis import Where
from knowledge.vmkerr.advice import advice_for, steps_in
from knowledge.vmklog.finding import Meaning

_DECODE_THIS_LOG = re.compile(r"`vmkops decode (?:--\S+ )*vmkernel\.log`")
"""Advice for somebody who has only the code. Who reads a meaning of a log line has decoded that log."""

Topic = Literal["vMotion", "NFS", "storage", ""]
"""What a line is about; empty when it does not show that."""

_TOPICS: tuple[tuple[Topic, re.Pattern[str]], ...] = (
    ("vMotion", re.compile(r"vmotion|\bmigrat")),
    ("NFS", re.compile(r"\bnfs")),
    (
        "storage",
        re.compile(
            r"\b(?:lvm|vol3|fil\d|fs\d\w*|fss|hbx|res\d|j3|bc|vmfs\w*|scsi\w*|nmp\w*|psastor\w*|vmw_(?:satp|psp)\w*|nvme\w*"
            r"|vscsi\w*|iscsi\w*):|\b(?:naa|eui|t10|mpx)\.|\bvmhba\d|/vmfs/|\bdatastore\b|\bvolume\b"
        ),
    ),
)
"""Patterns for a line in lower case; the first one that matches decides, because a line about vMotion or NFS can name a
volume too."""


class ForLine(NamedTuple):
    """The first step for a status in lines about one topic."""

    where: Where | Literal["", "-"]
    """Empty when the line does not show more than the status alone; ``-`` when the fault can be anywhere."""
    next: str
    procedures: tuple[str, ...]


def advised(meaning: Meaning) -> Meaning:
    """Return a meaning with the advice on its status, if all meanings that are left have the same in all releases.

    The advice is that for the newest of these releases; where only its steps differ from those for older releases, it
    is the same. The next step is the first one that is not to decode the log.
    """
    found = [advice_for(match.name, [release]) for match in meaning.matches for release in match.releases or ("",)]
    if not found or (advice := found[-1]) is None:
        return meaning
    same = (advice.name, advice.where, advice.class_, advice.procedures)
    if any(each is None or (each.name, each.where, each.class_, each.procedures) != same for each in found):
        return meaning
    steps = [step for step in advice.steps if not _DECODE_THIS_LOG.search(step)] or [""]
    return replace(meaning, where=advice.where, class_=advice.class_, next=steps[0], procedures=advice.procedures)


def for_line(meaning: Meaning, line: str) -> Meaning:
    """Return a meaning with the advice for what the line is about; ``line`` is in lower case."""
    if not meaning.next or (name := meaning.matches[-1].name) not in _names():
        return meaning
    return _about(meaning, name, topic_of(line))


def topic_of(line: str) -> Topic:
    """Return what a line in lower case is about."""
    return next((topic for topic, pattern in _TOPICS if pattern.search(line)), "")


@cache
def by_line() -> dict[tuple[str, str], ForLine]:
    """Return the first step by the name of the status and the topic; that of the empty topic is for all other lines."""
    rows: dict[tuple[str, str], ForLine] = {}
    for line in data_lines("vmkerr_advice_by_line.tsv"):
        name, topic, where, next_, procedures, _ = line.split("\t")
        rows[name, topic] = ForLine(
            cast('Where | Literal["", "-"]', where), next_, tuple(filter(None, procedures.split(",")))
        )
    return rows


@cache
def _names() -> frozenset[str]:
    return frozenset(name for name, _ in by_line())


@lru_cache(maxsize=4096)
def _about(meaning: Meaning, name: str, topic: Topic) -> Meaning:
    advice = by_line().get((name, topic)) or by_line().get((name, ""))
    if advice is None:
        return meaning
    where = "" if advice.where == "-" else advice.where or meaning.where
    releases = [release for match in meaning.matches for release in match.releases]
    (next_,) = steps_in(releases, (advice.next,))
    return replace(meaning, where=where, next=next_, procedures=advice.procedures)
