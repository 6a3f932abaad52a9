"""Checks quantities of virtual hardware, and range markers.

An Item with the ``bound`` min or max states the least or the most of another Item (DMTF DSP0243, 8.4).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from knowledge.finding import Finding
from knowledge.ovf.machines import kind, number
from knowledge.ovf.quoting import quoted
from knowledge.ovf.xml import Element

_BOUNDS = ("normal", "min", "max")
_QUANTITY = re.compile(r"-?[0-9]+|\$\{.+\}")
"""A whole number (-1 for no limit), or the name of a property that has it."""

_QUANTITIES = ("VirtualQuantity", "Reservation", "Limit", "Weight")


def check_ranges(root: Element) -> Iterator[Finding]:
    """Yield findings for quantities and range markers that ovftool refuses.

    They are the descriptors named ``*_rangemarker``, ``noninteger_range`` and ``maxwith_nonormal`` below ``Neg`` in
    ovf/fixtures/external of vmware/govmomi.
    """
    for section in root.walk():
        if kind(section) == "VirtualHardwareSection":
            yield from _check_section([child for child in section.children if child.name == "Item"])


def _check_section(items: list[Element]) -> Iterator[Finding]:
    normal = {_text(item, "InstanceID") for item in items if _bound(item) == "normal"}
    markers: defaultdict[tuple[str, str], dict[str, Element]] = defaultdict(dict)
    for item in items:
        yield from _check_quantities(item)
        bound, identity = _bound(item), _text(item, "InstanceID")
        if bound not in _BOUNDS:
            message = f"The bound {quoted(bound)} of an Item is not min, max or normal."
            yield _finding("range-bound", item, message, "Use min, max or normal.")
        elif bound != "normal":
            if identity not in normal:
                message = f"The {bound} Item with InstanceID {quoted(identity)} belongs to no other Item."
                yield _finding(
                    "range-without-item", item, message, "Give it the InstanceID of the Item that it limits."
                )
            for option in dict.fromkeys(item.attributes.get("configuration", "").split()) or {"": None}:
                if bound in markers[option, identity]:
                    message = f"InstanceID {quoted(identity)} has two Items with the bound {bound}."
                    yield _finding("range-twice", item, message, "Keep one of them.")
                markers[option, identity][bound] = item
    for group in markers.values():
        if "min" in group and "max" in group:
            yield from _check_order(group["min"], group["max"])


def _check_quantities(item: Element) -> Iterator[Finding]:
    for name in _QUANTITIES:
        text = _text(item, name)
        if text and not _QUANTITY.fullmatch(text):
            message = f"{name} is {quoted(text)}, which is not a whole number."
            yield _finding("item-quantity", item, message, "Write a whole number.")


def _check_order(least: Element, most: Element) -> Iterator[Finding]:
    if _text(least, "AllocationUnits") != _text(most, "AllocationUnits"):
        return
    for name in _QUANTITIES:
        low, high = number(_text(least, name)), number(_text(most, name))
        if low is not None and high is not None and low > high:
            message = f"{name} is at least {low} and at most {high}, so no value is allowed."
            yield _finding("range-empty", most, message, "Correct the min or the max Item.")


def _bound(item: Element) -> str:
    return item.attributes.get("bound", "normal")


def _text(item: Element, name: str) -> str:
    return next((child.text for child in item.children if child.name.lower() == name.lower()), "")


def _finding(rule: str, item: Element, message: str, fix: str) -> Finding:
    return Finding(rule, "error", f"line {item.line}", message, fix)
