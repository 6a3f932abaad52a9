"""The events of ESXi hosts: what an identifier such as ``esx.problem.storage.apd.start`` means, and what to do.

The table is ``esx_events.tsv``. A row whose identifier ends in ``.*`` is for a family: it names the family, and its
columns hold for each member whose own column is empty. In a member, ``-`` stands for an empty column.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple, cast

from knowledge.data_files import data_lines
from knowledge.diagnosis import FaultClass, Where

_FAMILY = ".*"
_EMPTY = "-"
_EVENTS_OF_VOB = ("esx.problem.", "esx.clear.", "esx.audit.", "esx.problem.vob.", "esx.clear.vob.", "esx.audit.vob.")


class Event(NamedTuple):
    """An event, or a family of events when its ``id`` ends in ``.*``."""

    id: str
    meaning: str
    """One or more sentences; for a family, its name in words."""
    where: Where | Literal[""]
    class_: FaultClass | Literal[""]
    next: str
    procedures: tuple[str, ...]
    source: str
    """Keys of the list of sources in ``knowledge/data/README.md``; empty for a family."""


def event(id_: str) -> Event | None:
    """Return the event with this identifier, regardless of case, or None when the table does not have it."""
    return None if id_.endswith(_FAMILY) else _complete(id_)


def event_of_vob(id_: str) -> Event | None:
    """Return the event that vobd derives from the VMkernel observation ``vob.*`` of the same name, or None.

    vobd writes ``vob.storage.apd.start`` and then ``esx.problem.storage.apd.start``; observations of programs have
    ``vob.user.``.
    """
    rest = id_.lower().removeprefix("vob.").removeprefix("user.")
    return next((found for prefix in _EVENTS_OF_VOB if (found := event(prefix + rest))), None)


def family(id_: str) -> Event | None:
    """Return the closest family of an identifier, or None when it is of no known one."""
    return next((_complete(name) for name in _families(id_) if name in _table()), None)


def all_events() -> tuple[Event, ...]:
    """Return all events, without the families."""
    return tuple(found for name in _table() if (found := event(name)))


@cache
def _table() -> dict[str, list[str]]:
    """Return the columns of each row by identifier in lower case."""
    rows = (line.split("\t") for line in data_lines("esx_events.tsv"))
    return {columns[0].lower(): columns for columns in rows}


def _complete(id_: str) -> Event | None:
    """Return a row with its empty columns filled from its families, the closest first."""
    row = _table().get(id_.lower())
    if row is None:
        return None
    identifier, meaning, *columns, source = row
    for name in _families(id_.removesuffix(_FAMILY)):
        above = _table().get(name, ["", "", "", "", "", "", ""])
        columns = [own or inherited for own, inherited in zip(columns, above[2:6], strict=True)]
    where, class_, next_, procedures = ("" if column == _EMPTY else column for column in columns)
    return Event(
        identifier,
        meaning,
        cast(Where, where),
        cast(FaultClass, class_),
        next_,
        tuple(procedures.split(",")) if procedures else (),
        source,
    )


def _families(id_: str) -> list[str]:
    """Return the keys of the families that an identifier may be in, the closest first."""
    parts = id_.lower().split(".")
    return [".".join(parts[:length]) + _FAMILY for length in range(len(parts) - 1, 0, -1)]
