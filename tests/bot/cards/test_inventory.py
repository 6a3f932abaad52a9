"""Cards of the inventory show the vCenter of an object, and the age of data that is not current."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.cards.inventory import host_card, snapshots_card, vm_card

CURRENT = {"vcenter": "lab", "connected": True, "age_seconds": 3, "trouble": ""}
GONE = {"vcenter": "lab", "connected": False, "age_seconds": 300, "trouble": "vCenter at vc:443 does not answer."}
NEVER = {**GONE, "age_seconds": None}


def vm(**changes: Any) -> dict[str, Any]:
    return {
        "vcenter": "lab",
        "moref": "vm-42",
        "name": "web-01",
        "uuid": "42",
        "ip_address": "",
        "power_state": "poweredOn",
        "tools_running": True,
        "template": False,
        "consolidation_needed": False,
        "allocated": None,
        "inventory": CURRENT,
        **changes,
    }


def test_reference_has_its_vcenter_unless_that_is_the_default() -> None:
    assert "`lab/vm-42`" in json.dumps(vm_card(vm()).blocks)
    assert "`vm-42`" in json.dumps(vm_card(vm(vcenter="default")).blocks)


@pytest.mark.parametrize(("seen", "words"), [(GONE, "is 5 min"), (NEVER, "was never read")])
def test_data_of_an_unreachable_vcenter_is_shown_with_its_age(seen: dict[str, Any], words: str) -> None:
    drawn = json.dumps(vm_card(vm(inventory=seen)).blocks, ensure_ascii=False)

    assert words in drawn
    assert "does not answer" in drawn
    assert "The inventory of vCenter" not in json.dumps(vm_card(vm()).blocks)


def test_host_card_shows_the_age_too() -> None:
    host = {
        "vcenter": "lab",
        "moref": "host-9",
        "name": "esx-9",
        "connection_state": "connected",
        "in_maintenance_mode": False,
        "product": "VMware ESXi 8.0",
        "model": "R740",
        "memory": None,
        "cpu_cores": 8,
        "vms": 3,
        "inventory": GONE,
    }
    assert "does not answer" in json.dumps(host_card(host).blocks)


def test_removal_of_a_snapshot_names_the_vcenter() -> None:
    one = {
        "vcenter": "lab",
        "vm": "web-01",
        "moref": "snapshot-7",
        "name": "before",
        "ours": False,
        "foreign_product": "",
        "size": None,
        "age_seconds": 90,
    }
    assert "/action snapshot-remove lab/snapshot-7 dry_run=true" in json.dumps(snapshots_card([one]).blocks)
