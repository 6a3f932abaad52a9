"""Devices have ids and addresses of their own, in each deployment option of the package."""

from __future__ import annotations

import pytest

from knowledge.ovf import lint_bytes
from tests.knowledge.ovf.test_descriptor import CONTROLLER, DISK, NETWORK_CARD, descriptor
from tests.knowledge.ovf.test_unused import OPTIONS

MEMORY = """
<Item><rasd:ElementName>memory</rasd:ElementName><rasd:InstanceID>2</rasd:InstanceID>
  <rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>512</rasd:VirtualQuantity></Item>"""


def rules(devices: str, options: str = OPTIONS) -> set[str]:
    data = descriptor(devices).replace(b"<VirtualSystem ", f"{options}<VirtualSystem ".encode())
    return {finding.rule for finding in lint_bytes(data)}


def only_for(options: str, item: str) -> str:
    return item.replace("<Item>", f'<Item ovf:configuration="{options}">')


def other_id(item: str, number: int) -> str:
    return item.replace("<rasd:InstanceID>9<", f"<rasd:InstanceID>{number}<")


@pytest.mark.parametrize(
    "devices",
    [
        only_for("small", NETWORK_CARD) + only_for("large", NETWORK_CARD),
        only_for("small large", NETWORK_CARD),
        MEMORY + only_for("large", MEMORY),
        MEMORY + only_for("small large", MEMORY) + only_for("large", MEMORY),
        only_for("large", MEMORY) + MEMORY,
    ],
    ids=["one each", "both", "replaced", "replaced twice", "replaced in any order"],
)
def test_items_of_deployment_options_may_share_an_id(devices: str) -> None:
    assert rules(CONTROLLER + DISK + devices) == set()


@pytest.mark.parametrize(
    "disks",
    [
        only_for("small", DISK) + only_for("large", other_id(DISK, 10)),
        DISK + only_for("large", DISK),
    ],
    ids=["one each", "replaced"],
)
def test_disks_of_two_options_may_share_an_address(disks: str) -> None:
    assert rules(CONTROLLER + disks) == set()


@pytest.mark.parametrize(
    "disks",
    [
        DISK + other_id(DISK, 10),
        only_for("small", DISK) + only_for("small large", other_id(DISK, 10)),
        DISK + only_for("large", other_id(DISK, 10)),
        only_for("large", other_id(DISK, 10)) + DISK,
    ],
    ids=["without options", "in one option", "for all and in one", "in one and for all"],
)
def test_disks_that_exist_together_need_an_address_of_their_own(disks: str) -> None:
    assert rules(CONTROLLER + disks) == {"address-taken"}


def test_option_that_nobody_can_choose_is_a_warning() -> None:
    devices = CONTROLLER + DISK + only_for("medium", NETWORK_CARD)
    assert rules(devices) == {"configuration-unknown"}
    assert rules(devices, options="") == set()


def test_item_without_a_type_is_an_error() -> None:
    assert rules(CONTROLLER + DISK + MEMORY.replace(">4<", "><")) == {"resource-type"}
