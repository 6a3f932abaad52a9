"""The result of a job in words, the same for the shell, HTTP and Slack; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from service.api.units import amount

HIDDEN = frozenset({"detail", "state"})
"""Keys that the steps or the state of the job show already."""
LABELS = {
    "added": "Newly added",
    "added_static_target": "Static target added",
    "changed": "Changed by this job",
    "freed": "Space freed",
    "hba": "Adapter",
    "kept_after_all": "Kept after all",
    "left_out": "Disks left out",
    "missing": "Missing disks",
    "moref": "Id",
    "new_luns": "New LUNs",
    "new_volumes": "New volumes",
    "pool": "Resource pool",
    "removed": "Removed",
    "staying": "Backups that stay",
    "sha256": "SHA-256",
    "uuid": "UUID",
    "vcenter": "vCenter",
    "vm": "VM",
}
"""Labels for keys that are not clear as they are."""
IN_BYTES = ("bytes", "size", "freed", "capacity", "free")
"""The ends of the keys whose numbers are bytes."""
VALUES = {"poweredOn": "powered on", "poweredOff": "powered off", "suspended": "suspended"}
"""The words for values of vSphere."""
NONE = "none"


class Fact(NamedTuple):
    """One value of a result: a label, its value in words, and the lines of its table when it is a list of things."""

    label: str
    text: str
    rows: tuple[str, ...] = ()


def facts(result: Mapping[str, Any]) -> list[Fact]:
    """What a result has, in its order; values that are missing are left out.

    `result` has the keys that the action returns. Numbers of bytes have a unit, `True` is `yes`, an object of vCenter
    is its name and its id, and a list of things, such as the files of a backup, is a table.
    """
    found = [_fact(key, value) for key, value in result.items() if key not in HIDDEN]
    return [fact for fact in found if fact.text]


def result_words(result: Mapping[str, Any]) -> str:
    """A result as lines for a terminal, with its tables below their labels; empty when it has nothing to show."""
    lines = []
    for fact in facts(result):
        lines += [f"{fact.label}: {fact.text}", *(f"  {row}" for row in fact.rows)]
    return "".join(f"{line}\n" for line in lines)


def _fact(key: str, value: Any) -> Fact:
    if isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(each, Mapping) for each in value):
        rows = _table([each for each in value if isinstance(each, Mapping)])
        return Fact(_label(key), str(len(rows)), rows)
    return Fact(_label(key), _words(key, value))


def _label(key: str) -> str:
    plain = key.removesuffix("_bytes").replace("_", " ")
    return LABELS.get(key) or f"{plain[:1].upper()}{plain[1:]}"


def _words(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return amount(value) if key.endswith(IN_BYTES) else f"{value:,}"
    if isinstance(value, Mapping):
        return _object(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(filter(None, (_words(key, each) for each in value))) or NONE
    return VALUES.get(str(value), str(value))


def _object(value: Mapping[str, Any]) -> str:
    """An object of vCenter as `web-01 (vm-42)`; other pairs, such as networks, as `old to new`."""
    if "name" in value:
        own = value.get("moref") or value.get("id")
        return f"{value['name']} ({own})" if own else str(value["name"])
    return ", ".join(
        str(name) if str(name) == str(other) else f"{name} to {_words(str(name), other)}"
        for name, other in value.items()
    )


def _table(things: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """One line for each thing, with its values in columns; the columns are the keys of all of them."""
    keys = list(dict.fromkeys(key for each in things for key in each if key not in HIDDEN))
    cells = [[_words(key, each.get(key)) for key in keys] for each in things]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return tuple(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )
