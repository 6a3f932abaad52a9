"""What a vmkernel status usually means for the person on call, and the first steps.

The key is the name of a status (``VMK_NO_SPACE``), because its number depends on the release. The table is read on the
first call, and only the lines of the name that is asked for are parsed.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable
from functools import cache, lru_cache

from knowledge.data_files import data_lines
from knowledge.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from knowledge.diagnosis import FaultClass, Where

ADVISED = 3
"""How many matches of a long answer have their advice shown to people."""

_STEPS_END = " | "
_AND_LATER = "+"


class Advice(
    Record,
    namedtuple("Advice", ("name", "releases", "where", "class_", "usually", "steps", "procedures", "source")),
):
    """What a status usually means on call, and what to do first."""

    __slots__ = ()
    name: str
    releases: str
    """The release that this holds for: its id, an id and ``+`` for that release and later, or empty for all."""
    where: Where | Literal[""]
    """Empty when it depends on the line in which the status is; ``class_`` likewise."""
    class_: FaultClass | Literal[""]
    usually: str
    steps: tuple[str, ...]
    procedures: tuple[str, ...]
    """Slugs of written procedures."""
    source: str

    def holds_for(self, release_ids: Iterable[str]) -> bool:
        """Return whether this is for one of these releases; for none at all, whether it is for any release."""
        ids = list(release_ids)
        if not ids or not self.releases or self.releases in ids:
            return True
        if not self.releases.endswith(_AND_LATER):
            return False
        first = _major(self.releases)
        return any(_major(id_) >= first for id_ in ids)


def advice_for(name: str, release_ids: Iterable[str] = ()) -> Advice | None:
    """Return the advice on the status ``name`` in these releases, or None when there is none.

    Where the advice depends on the release, that of the newest release in ``release_ids`` is returned, and that of the
    newest release of all when ``release_ids`` is empty.
    """
    return _advice_for(name, tuple(release_ids))


def steps_in(release_ids: Iterable[str], steps: tuple[str, ...]) -> tuple[str, ...]:
    """Return steps with the commands that these releases have; `esxcli` is kept unless all of them came before it."""
    if not (ids := list(release_ids)) or any(_major(each) >= 5 for each in ids):
        return steps
    from knowledge.vmkerr.before_esxcli import steps_before_esxcli

    return steps_before_esxcli(steps)


def all_advice() -> tuple[Advice, ...]:
    """Return the whole table, by name and then newest release first."""
    return tuple(_read(line) for line in _lines())


def as_text(advice: Advice) -> str:
    """Return the advice as lines of plain text: what it is, the numbered steps, then procedures and source."""
    holds_for = f", {advice.releases}" if advice.releases else ""
    kind = ", ".join(filter(None, (advice.where, advice.class_)))
    lines = [f"{advice.name}{holds_for}{f' ({kind})' if kind else ''}: {advice.usually}"]
    lines += [f"  {number}. {step}" for number, step in enumerate(advice.steps, start=1)]
    if advice.procedures:
        lines.append(f"  Procedures: {', '.join(advice.procedures)}")
    lines.append(f"  Source: {advice.source}")
    return "\n".join(lines)


@lru_cache(maxsize=1_000)
def _advice_for(name: str, release_ids: tuple[str, ...]) -> Advice | None:
    start = f"{name}\t"
    rows = (_read(line) for line in _lines() if line.startswith(start))
    advice = next((advice for advice in rows if advice.holds_for(release_ids)), None)
    return advice and advice._replace(steps=steps_in(release_ids, advice.steps))


@cache
def _lines() -> tuple[str, ...]:
    return tuple(data_lines("vmkerr_advice.tsv"))


def _major(release: str) -> int:
    """Return the major version of a release id; a name without a version counts as newest.

    ``releases.version_key`` knows more, but needs ``re``, which takes too long for a lookup on the command line.
    """
    major = release.rpartition("-")[2].split(".")[0]
    return int(major) if major.isdecimal() else 9999


def _read(line: str) -> Advice:
    name, releases, where, class_, usually, steps, procedures, source = line.split("\t")
    return Advice(
        name,
        releases,
        where,
        class_,
        usually,
        tuple(steps.split(_STEPS_END)),
        tuple(filter(None, procedures.split(","))),
        source,
    )
