"""A range marker limits one Item of the VM, with a whole number, once for min and once for max."""

from __future__ import annotations

import pytest

from knowledge.ovf import lint_bytes
from tests.knowledge.ovf.test_descriptor import CONTROLLER, DISK, descriptor


def memory(bound: str = "", quantity: str = "512", *, identity: int = 2, options: str = "") -> str:
    attributes = (f' ovf:bound="{bound}"' if bound else "") + (f' ovf:configuration="{options}"' if options else "")
    return (
        f"<Item{attributes}><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>"
        f"<rasd:ElementName>memory</rasd:ElementName><rasd:InstanceID>{identity}</rasd:InstanceID>"
        f"<rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>{quantity}</rasd:VirtualQuantity></Item>"
    )


def errors(items: str) -> list[str]:
    findings = lint_bytes(descriptor(CONTROLLER + DISK + items))
    assert {finding.severity for finding in findings} <= {"error"}
    return [finding.rule for finding in findings]


@pytest.mark.parametrize(
    "items",
    [
        memory(),
        memory("normal"),
        memory() + memory("min", "256"),
        memory() + memory("max", "1024"),
        memory("min", "256") + memory() + memory("max", "1024"),
        memory() + memory("min", "256") + memory("max", "256"),
        memory() + memory("max", "1024", options="small") + memory("max", "2048", options="large"),
        memory(quantity="${memory.size}"),
    ],
    ids=["plain", "explicit", "min", "max", "in any order", "one value", "one for each option", "from a property"],
)
def test_range_of_one_item_has_no_finding(items: str) -> None:
    assert errors(items) == []


@pytest.mark.parametrize(
    ("items", "rule"),
    [
        (memory() + memory("min", "128") + memory("min", "256"), "range-twice"),
        (memory() + memory("max", "1024") + memory("max", "2048"), "range-twice"),
        (memory() + memory("max", "1024", options="small large") + memory("max", "1", options="large"), "range-twice"),
        (memory() + memory("max", "1024", identity=7), "range-without-item"),
        (memory() + memory("most", "1024"), "range-bound"),
        (memory() + memory("max", "a thousand"), "item-quantity"),
        (memory(quantity="1.5"), "item-quantity"),
        (memory() + memory("min", "1024") + memory("max", "256"), "range-empty"),
    ],
    ids=["two mins", "two maxes", "twice in an option", "no item", "bound", "words", "fraction", "min above max"],
)
def test_wrong_range_is_an_error(items: str, rule: str) -> None:
    assert errors(items) == [rule]


def test_limits_in_different_units_are_not_compared() -> None:
    most = memory("max", "1").replace("byte * 2^20", "byte * 2^30")
    assert errors(memory() + memory("min", "256") + most) == []
