"""What was made a moment ago is found, although the update stream of the inventory has not brought it yet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyVmomi import vim

from tests.e2e.actions import checked
from tests.e2e.conftest import VM
from tests.peers.person import signed_in, take_snapshot, wait_for_task
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

LAG_MS = 12_000
"""Less than the silence after which vCenter counts as unavailable."""


@pytest.fixture
def late(service: RunningService, vcenter: Vcsim) -> Iterator[RunningService]:
    """A service whose update stream lags by many seconds."""
    assert service.call("GET", f"/vms/{VM}")[0] == 200
    vcenter.fault("WaitForUpdatesEx", delay_ms=LAG_MS)

    def delayed() -> bool:
        vcenter.change_vm(VM, properties={"config.annotation": "ends the request for updates that is open"})
        return bool(vcenter.faults()[0]["seen"])

    wait_for(delayed, what="a request for updates that is delayed")
    yield service
    vcenter.clear_faults()


def test_snapshot_that_was_just_taken_can_be_removed(late: RunningService, vcenter: Vcsim) -> None:
    take_snapshot(vcenter, VM, "just now")
    (snapshot,) = vcenter.snapshots()[VM]

    found = checked(late, "snapshot-remove", snapshot=snapshot["moref"])

    assert "just now" in found["for-good"]["message"]
    assert late.call("POST", "/actions/snapshot-remove/check", {"params": {"snapshot": "snapshot-0"}})[0] == 404


def test_vm_that_was_just_made_is_found_by_each_selector(late: RunningService, vcenter: Vcsim) -> None:
    with signed_in(vcenter) as person:
        original = vim.VirtualMachine(vcenter.vm(VM)["moref"], person._stub)
        place = vim.vm.RelocateSpec(pool=original.resourcePool)
        spec = vim.vm.CloneSpec(location=place, powerOn=False, template=False)
        wait_for_task(original.CloneVM_Task(folder=original.parent, name="Just-Made", spec=spec))
    made = vcenter.vm("Just-Made")

    for selector in ("just-made", f"moref:{made['moref']}", f"uuid:{made['uuid']}"):
        status, vm = late.call("GET", f"/vms/{selector}")
        assert (status, vm.get("moref")) == (200, made["moref"]), vm
    assert late.call("GET", "/vms/moref:vm-0")[0] == 404
    assert late.call("GET", "/vms/never-made")[0] == 404


def test_host_that_was_just_renamed_is_found(late: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_object("HostSystem", "DC0_H0", {"name": "renamed"})

    assert late.call("GET", "/hosts/renamed")[1]["name"] == "renamed"
