"""The first load of an inventory gets the time that it needs, and what it makes in vCenter ends with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.vsphere import live
from service.vsphere.inventory import VMS
from service.vsphere.live import Inventory
from service.vsphere.session import Session
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.service.vsphere.test_login import vcenter_of

LATE = 2
"""Seconds; a first load that takes longer is still waited for."""


@pytest.fixture
def inventory(vcsim: Vcsim, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inventory]:
    monkeypatch.setattr(live, "LATE_SECONDS", LATE)
    monkeypatch.setattr(live, "SLICE_SECONDS", 1)
    made = Inventory(Session(vcenter_of(vcsim)), (VMS,))
    yield made
    made.stop()
    wait_for(lambda: vcsim.sessions()["alive"] == 0, what="the end of the inventory's login")


def test_first_load_may_take_longer_than_silence(vcsim: Vcsim, inventory: Inventory) -> None:
    vcsim.fault("WaitForUpdatesEx", delay_ms=2 * LATE * 1000, count=1)

    inventory.start()
    wait_for(lambda: inventory.all(VMS), what="the first load")

    assert len(inventory.all(VMS)) == 4
    assert vcsim.count("Login") == vcsim.count("CreateContainerView") == 1


def test_connection_that_breaks_leaves_no_login_and_no_view(vcsim: Vcsim, inventory: Inventory) -> None:
    vcsim.fault("WaitForUpdatesEx", delay_ms=4 * LATE * 1000, skip=2, count=1)

    inventory.start()
    wait_for(lambda: vcsim.count("CreateContainerView") == 2, what="the second load")
    wait_for(lambda: inventory.freshness().connected, what="the end of the second load")

    assert vcsim.sessions() == {"alive": 1, "logins": 2, "views": 1}
