"""A part of a state file: the rows of one table of ours, or what the job engine has of jobs or schedules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from service.state.form import Row

BATCH = 500
"""How many rows are read, compared and added at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Databases:
    """The connections to the shared tables and to the tables of the job engine, which may be the same one."""

    ours: sa.Connection
    jobs: sa.Connection
    """Its tables are in the schema ENGINE of SQLAlchemy, which the connection translates."""
    has_jobs: bool = True
    """Whether the job engine has made its tables."""


class Fate(StrEnum):
    """What comes of a row of a file."""

    ADDED = "added"
    """It is not in the database; it is added, or would be."""
    SAME = "same"
    """It is in the database as it is in the file."""
    DIFFERS = "differs"
    """It is in the database with another content, which stays."""
    LEFT = "left"
    """It is not taken over, because the other installation may still work with it."""


class Verdict(NamedTuple):
    """What comes of one row."""

    fate: Fate
    what: str
    """What the row is about, for people."""
    row: Row
    """The row as it is added."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What the person who imports a file decides, and what is known of the file as a whole."""

    now: datetime
    exported_at: str
    """When the file was written: RFC 3339."""
    take_over: bool = False
    """Whether the other installation has ended for good, so that this one cleans up after its jobs."""
    resume_schedules: bool = False
    live_jobs: Collection[str] = field(default_factory=frozenset)
    """The ids of the jobs that were under way when the file was written. Nobody knows what became of them."""


class Part(ABC):
    """How the rows of one part are read, checked, compared and added."""

    name: str

    @abstractmethod
    def count(self, databases: Databases) -> int:
        """How many rows the part has."""

    @abstractmethod
    def rows(self, databases: Databases) -> Iterator[Row]:
        """The rows as they are written."""

    @abstractmethod
    def check(self, row: Row) -> Row:
        """The row of a file, with the defaults of what it does not have; raises WrongRow."""

    @abstractmethod
    def judge(self, databases: Databases, rows: Sequence[Row], choices: Choices) -> list[Verdict]:
        """What comes of these checked rows, in their order; changes nothing."""

    @abstractmethod
    def add(self, databases: Databases, rows: Sequence[Row]) -> None:
        """Add these rows, which `judge` has found to be new."""


def verdicts(
    rows: Sequence[Row], keys: Sequence[str], there: Mapping[tuple[Any, ...], Row], ignored: Collection[str] = ()
) -> list[Verdict]:
    """Compare rows with those that are `there`, by their keys; a second row of one key is compared with the first."""
    known, found = dict(there), []
    for row in rows:
        key = tuple(row[name] for name in keys)
        other = known.setdefault(key, row) if key not in known else known[key]
        what = " ".join(str(each) for each in key if each != "")
        if key not in there and other is row:
            fate = Fate.ADDED
        else:
            same = all(other.get(name) == value for name, value in row.items() if name not in ignored)
            fate = Fate.SAME if same else Fate.DIFFERS
        found.append(Verdict(fate, what, row))
    return found
