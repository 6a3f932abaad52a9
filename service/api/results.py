"""The result of a job in words, the same for the shell, HTTP and Slack; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any, NamedTuple

from knowledge.runs.marks import attributed
from service.api.units import amount, is_time, when
from service.api.words import vsphere_words

HIDDEN = frozenset({"detail", "state", "key"})
"""Keys that the steps or the state of the job show already, and the key of a file in its lease."""
LABELS = {
    "added": "Newly added",
    "added_bytes": "New in the store",
    "added_static_target": "Static target added",
    "answered_in_ms": "Answered in",
    "api_version": "API version",
    "changed": "Changed by this job",
    "clock_ahead_seconds": "Clock ahead by",
    "counts": "VMs",
    "deduplication": "Bytes of disks for each new one",
    "file_count": "Files in all",
    "freed": "Space freed",
    "hba": "Adapter",
    "identity": "UUIDs and MAC addresses",
    "kept_after_all": "Kept after all",
    "left_out": "Disks left out",
    "missing": "Missing disks",
    "moref": "Id",
    "new_luns": "New LUNs",
    "new_volumes": "New volumes",
    "not_read": "Volumes not read",
    "nvram": "NVRAM",
    "pool": "Resource pool",
    "power_on_first": "Power on first",
    "pruned": "Old backups removed",
    "removed": "Removed",
    "saved_with": "Save profile",
    "selected": "VMs selected",
    "sha256": "SHA-256",
    "staying": "Backups that stay",
    "unmatched": "Terms that fit no VM",
    "unread": "Not read",
    "uuid": "UUID",
    "vcenter": "vCenter",
    "vm": "VM",
}
"""Labels for keys that are not clear as they are."""
IN_BYTES = ("bytes", "size", "freed", "capacity", "free", "disks")
"""The ends of the keys whose numbers are bytes."""
IN_UNITS = {"_seconds": "s", "_ms": "ms"}
"""The units of other numbers, by the end of the key."""
VALUES = {"identity": {"keep": "kept", "new": "new ones"}}
"""Words for the values of some keys."""
NONE = "none"
ASKED = frozenset({"added", "counts", "new_luns", "new_volumes", "pruned", "removed"})
"""Keys whose emptiness is an answer, such as no new LUNs; other lists are left out when they are empty."""

UNTOLD = frozenset({"missing"})
"""Counts that are left out when they are 0."""


class Fact(NamedTuple):
    """One value of a result: a label, its value in words, and the lines of its table when it is a list of things."""

    label: str
    text: str
    rows: tuple[str, ...] = ()


def facts(result: Mapping[str, Any], zone: tzinfo | None = UTC) -> list[Fact]:
    """What a result has, in its order; values that are missing are left out.

    `result` has the keys that the action returns. Numbers have their unit, `True` is `yes`, a time is one in `zone`
    (None is the local one), an object of vCenter is its name and its id, counts by name are `2 done, 1 failed`, and a
    list of things, such as the files of a backup, is a table.
    """
    told = _with_token(result)
    found = [_fact(key, value, zone) for key, value in told.items() if key not in HIDDEN]
    return [fact for fact in found if fact.text]


def result_words(result: Mapping[str, Any], zone: tzinfo | None = UTC) -> str:
    """A result as lines for a terminal, with its tables below their labels; empty when it has nothing to show."""
    lines = []
    for fact in facts(result, zone):
        lines += [f"{fact.label}: {fact.text}", *(f"  {row}" for row in fact.rows)]
    return "".join(f"{line}\n" for line in lines)


def _with_token(result: Mapping[str, Any]) -> dict[str, Any]:
    """The result with the name of a token where it says who, instead of on a line of its own."""
    by = next((key for key in result if key.endswith("_by")), None)
    if by is None:
        return dict(result)
    said = {**result, by: attributed(str(result[by]), str(result.get("token", "")))}
    return {key: value for key, value in said.items() if key != "token"}


def _fact(key: str, value: Any, zone: tzinfo | None) -> Fact:
    if isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(each, Mapping) for each in value):
        things = [each for each in value if isinstance(each, Mapping)]
        if key == "copies":
            return _copies(things)
        rows = _table(things, zone)
        return Fact(_label(key), str(len(rows)), rows)
    return Fact(_label(key), _words(key, value, zone))


def _copies(targets: Sequence[Mapping[str, Any]]) -> Fact:
    """What became of the copies at each target: the jobs that a backup has started, or what a retention has removed."""
    if not any("removed" in each for each in targets):
        rows = [
            (each["to"], f"job {each['job']}" if each.get("job") else f"no copy. {each['why']}") for each in targets
        ]
        return Fact("Copy jobs started", str(sum(bool(each.get("job")) for each in targets)), _columns(rows))
    rows = []
    for each in targets:
        said = [f"{name}: {', '.join(each[name])}" for name in ("removed", "refused") if each.get(name)]
        rows.append(
            (each["to"], f"not pruned. {each['why']}" if each.get("why") else "; ".join(said) or "none removed")
        )
    return Fact("Copies removed", str(sum(len(each["removed"]) for each in targets)), _columns(rows))


def _label(key: str) -> str:
    plain = key.removesuffix("_bytes").replace("_", " ")
    return LABELS.get(key) or f"{plain[:1].upper()}{plain[1:]}"


def _words(key: str, value: Any, zone: tzinfo | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(key, value) if value or key not in UNTOLD else ""
    if isinstance(value, Mapping):
        return _object(key, value, zone)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(filter(None, (_words(key, each, zone) for each in value))) or _empty(key)
    text = str(value)
    if is_time(text):
        return when(text, zone)
    return VALUES.get(key, {}).get(text) or (vsphere_words(text) if key.endswith("state") else text)


def _number(key: str, value: float) -> str:
    if key.endswith(IN_BYTES):
        return amount(value)
    unit = next((unit for end, unit in IN_UNITS.items() if key.endswith(end)), "")
    return f"{round(value, 3) + 0:,} {unit}".rstrip()  # no -0.0


def _empty(key: str) -> str:
    return NONE if key in ASKED else ""


def _object(key: str, value: Mapping[str, Any], zone: tzinfo | None) -> str:
    """An object of vCenter as `web-01 (vm-42)`, counts as `2 done`; other pairs, such as networks, as `old to new`."""
    if "name" in value:
        own = value.get("moref") or value.get("id")
        return f"{value['name']} ({own})" if own else str(value["name"])
    if value and all(type(each) is int and not name.endswith(IN_BYTES) for name, each in value.items()):
        return ", ".join(f"{each:,} {name.replace('_', ' ')}" for name, each in value.items() if each) or _empty(key)
    return ", ".join(_pair(str(name), other, zone) for name, other in value.items())


def _pair(name: str, other: Any, zone: tzinfo | None) -> str:
    if isinstance(other, str):
        return name if name == other else f"{name} to {other}"
    return f"{name.replace('_', ' ')}: {_words(name, other, zone) or NONE}"


def _table(things: Sequence[Mapping[str, Any]], zone: tzinfo | None) -> tuple[str, ...]:
    """One line for each thing, with its values in columns; the columns are the keys of all of them."""
    keys = list(dict.fromkeys(key for each in things for key in each if key not in HIDDEN))
    return _columns([[_words(key, each.get(key), zone) for key in keys] for each in things])


def _columns(cells: Sequence[Sequence[str]]) -> tuple[str, ...]:
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return tuple(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )
