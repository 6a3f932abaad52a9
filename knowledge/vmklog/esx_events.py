"""The events of ESXi hosts: what an identifier such as ``esx.problem.storage.apd.start`` means, and what to do.

The table is ``esx_events.tsv``. A row whose identifier ends in ``.*`` is for a family: it names the family, and its
columns hold for each member whose own column is empty. In a member, ``-`` stands for an empty column.
"""

from __future__ import annotations

from functools import cache

from knowledge.vmklog.facts import Fact, facts

_FAMILY = ".*"
_EMPTY = "-"
_EVENTS_OF_VOB = ("esx.problem.", "esx.clear.", "esx.audit.", "esx.problem.vob.", "esx.clear.vob.", "esx.audit.vob.")


def event(id_: str) -> Fact | None:
    """Return the event with this identifier, regardless of case, or None when the table does not have it."""
    return None if id_.endswith(_FAMILY) else _complete(id_)


def event_of_vob(id_: str) -> Fact | None:
    """Return the event that vobd derives from the VMkernel observation ``vob.*`` of the same name, or None.

    vobd writes ``vob.storage.apd.start`` and then ``esx.problem.storage.apd.start``; observations of programs have
    ``vob.user.``.
    """
    rest = id_.lower().removeprefix("vob.").removeprefix("user.")
    return next((found for prefix in _EVENTS_OF_VOB if (found := event(prefix + rest))), None)


def family(id_: str) -> Fact | None:
    """Return the closest family of an identifier, or None when it is of no known one; its meaning is its name."""
    return next((_complete(name) for name in _families(id_) if name in _table()), None)


def all_events() -> tuple[Fact, ...]:
    """Return all events, without the families."""
    return tuple(found for name in _table() if (found := event(name)))


@cache
def _table() -> dict[str, Fact]:
    """Return each row by its identifier in lower case."""
    return {id_.lower(): fact for id_, fact in facts("esx_events.tsv").items()}


def _complete(id_: str) -> Fact | None:
    """Return a row with its empty columns filled from its families, the closest first."""
    fact = _table().get(id_.lower())
    if fact is None:
        return None
    for name in _families(id_.removesuffix(_FAMILY)):
        if above := _table().get(name):
            fact = fact._replace(
                where=fact.where or above.where,
                class_=fact.class_ or above.class_,
                next=fact.next or above.next,
                procedures=fact.procedures or above.procedures,
            )
    emptied = {name: type(value)() for name, value in fact._asdict().items() if value in (_EMPTY, (_EMPTY,))}
    return fact._replace(**emptied)


def _families(id_: str) -> list[str]:
    """Return the keys of the families that an identifier may be in, the closest first."""
    parts = id_.lower().split(".")
    return [".".join(parts[:length]) + _FAMILY for length in range(len(parts) - 1, 0, -1)]
