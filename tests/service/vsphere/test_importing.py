"""The VM of an import that a process left is removed, however long vCenter keeps its lease."""

from __future__ import annotations

import pytest

from service.errors import VSphereBusy
from service.vsphere import importing
from service.vsphere.importing import begin_import, finished, maker, mark, remove_made
from service.vsphere.placement import NO_HOME, Wanted, choose_place
from service.vsphere.session import Session
from service.vsphere.vms import set_power
from tests.e2e.packages.ovf_builder import descriptor
from tests.peers.vcsim import Vcsim
from tests.service.vsphere.test_login import vcenter_of


async def test_vm_whose_lease_nobody_knows_is_removed_once_vcenter_ends_the_lease(
    vcsim: Vcsim, monkeypatch: pytest.MonkeyPatch
) -> None:
    vcsim.nfc(import_timeout=3)
    monkeypatch.setattr(importing, "SETTLE_SECONDS", 0.05)  # thirty looks would end before the lease
    dead, session = Session(vcenter_of(vcsim)), Session(vcenter_of(vcsim))
    try:
        place = await choose_place(dead, Wanted(), [], NO_HOME)
        lease = await begin_import(
            dead, place, descriptor("half", {}).decode(), "half", "job-1", "", lambda _: None, connect_networks=False
        )
        with pytest.raises(VSphereBusy, match="Another task is running on the VM"):
            await set_power(session, lease.vm, "poweredOn", lambda _: None)

        assert await remove_made(session, "job-1", "a clone of it") == []
        assert await remove_made(session, "job-1", "half") == ["half"]
    finally:
        await dead.close()
        await session.close()


def test_notes_of_a_complete_vm_have_no_mark_that_anything_is_removed_by() -> None:
    notes = f"vmkops job old\r\nRestored.\n{mark('new')}"

    assert maker(notes) == "new"
    assert finished(notes) == "Made by vmkops job old\r\nRestored.\nMade by vmkops job new"
    assert maker(finished(notes)) == ""
