"""The tables that say what something in a log means and what to do: events, phrases, faults and error codes."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple, cast

from knowledge.data_files import data_lines
from knowledge.diagnosis import FaultClass, Where
from knowledge.vmklog.finding import Certainty, Kind, Meaning


class Fact(NamedTuple):
    """One row: what ``key`` means."""

    key: str
    meaning: str
    where: Where | Literal[""]
    class_: FaultClass | Literal[""]
    next: str
    procedures: tuple[str, ...]
    source: str
    """Keys of the list of sources in ``knowledge/data/README.md``."""

    def as_meaning(self, kind: Kind, summary: str, certainty: Certainty = "certain", reason: str = "") -> Meaning:
        """Return the meaning of a span of a line for which this fact holds."""
        return Meaning(
            kind=kind,
            summary=summary,
            certainty=certainty,
            reason=reason,
            where=self.where,
            class_=self.class_,
            next=self.next,
            procedures=self.procedures,
        )


@cache
def facts(table: str) -> dict[str, Fact]:
    """Return the rows of a table in ``knowledge/data`` by their key, in the order of the file.

    The columns are those of Fact; the slugs of procedures are separated by commas.
    """
    return {fact.key: fact for fact in map(_read, data_lines(table))}


def _read(line: str) -> Fact:
    key, meaning, where, class_, next_, procedures, source = line.split("\t")
    return Fact(
        key,
        meaning,
        cast(Where, where),
        cast(FaultClass, class_),
        next_,
        tuple(procedures.split(",")) if procedures else (),
        source,
    )
