"""VMs move to another host or datastore after vSphere's own check, and away from a host that DRS does not empty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from tests.e2e.actions import act, begin, checked, details, refused
from tests.peers.fetch import require
from tests.peers.person import signed_in, wait_for_task
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

CLUSTER, STANDALONE = "DC0_C0", "DC0_H0"
MEMBERS = ("DC0_C0_H0", "DC0_C0_H1", "DC0_C0_H2")
VM, OTHER = "DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1"
FIRST, SECOND = "LocalDS_0", "LocalDS_1"


@pytest.fixture
def vcenter() -> Iterator[Vcsim]:
    """A vCenter with two datastores, whose cluster has no DRS."""
    require("vcsim")
    with Vcsim(("-ds", "2")) as vcsim:
        vcsim.change_drs(CLUSTER, "off")
        yield vcsim


@pytest.fixture
def service(vcenter: Vcsim, tmp_path: Path) -> Iterator[RunningService]:
    """A service that knows it."""
    with RunningService(tmp_path / "data", vcenter_settings(vcenter)) as running:
        yield running


def place(vcenter: Vcsim, vm: str = VM) -> tuple[str, str]:
    """The names of the host and the datastore that a VM is on."""
    with signed_in(vcenter) as person:
        machine: Any = vim.VirtualMachine(vcenter.vm(vm)["moref"], person._stub)
        return str(machine.runtime.host.name), str(machine.datastore[0].name)


def elsewhere(vcenter: Vcsim, vm: str = VM) -> str:
    """A member of the cluster that the VM is not on."""
    return next(each for each in MEMBERS if each != place(vcenter, vm)[0])


def test_vm_moves_to_a_host_and_a_datastore(service: RunningService, vcenter: Vcsim) -> None:
    host = elsewhere(vcenter)

    job = act(service, "migrate", vm=VM, host=host, datastore=SECOND)
    again = act(service, "migrate", vm=VM, host=host, datastore=SECOND)

    assert job["state"] == "succeeded", job
    assert place(vcenter) == (host, SECOND)
    assert f"Undo: vmkops action migrate {VM} host=" in details(job)
    assert again["result"]["changed"] is False
    assert vcenter.count("RelocateVM_Task") == 1


def test_vm_moves_to_another_cluster_or_host_with_its_pool(service: RunningService, vcenter: Vcsim) -> None:
    job = act(service, "migrate", vm=VM, host=STANDALONE)

    assert job["state"] == "succeeded", job
    assert place(vcenter)[0] == STANDALONE


def test_what_vsphere_has_against_it_is_known_before_anything_moves(service: RunningService, vcenter: Vcsim) -> None:
    host = elsewhere(vcenter)
    vcenter.change_mounts(FIRST, **{host: "none"})

    found = checked(service, "migrate", vm=VM, host=host)["incompatible"]

    assert found["severity"] == "refuse"
    assert "InvalidDatastore" in found["message"]
    assert "cannot move" in refused(service, "migrate", vm=VM, host=host)
    assert vcenter.count("RelocateVM_Task") == 0


def test_move_without_a_destination_is_refused(service: RunningService) -> None:
    assert "Give `host`, `datastore`, or both" in refused(service, "migrate", vm=VM)


def test_cancelled_move_leaves_the_vm_where_it_was(service: RunningService, vcenter: Vcsim) -> None:
    before = place(vcenter)
    vcenter.fault("RelocateVM_Task", hold="task")
    job_id = begin(service, "migrate", vm=VM, host=elsewhere(vcenter))
    wait_for(lambda: vcenter.count("RelocateVM_Task"), timeout=60, what="the task")

    service.call("POST", f"/jobs/{job_id}/cancel")

    assert service.ended(job_id)["state"] == "cancelled"
    assert place(vcenter) == before


def test_host_without_drs_is_emptied_one_vm_after_the_other_when_asked(service: RunningService, vcenter: Vcsim) -> None:
    host = place(vcenter)[0]
    act(service, "migrate", vm=OTHER, host=host)
    act(service, "power-off", vm=OTHER)

    assert "Set evacuate=true" in checked(service, "host-maintenance-enter", host=host)["running-vms"]["message"]
    assert (
        "one by one" in checked(service, "host-maintenance-enter", host=host, evacuate=True)["running-vms"]["message"]
    )
    job = act(service, "host-maintenance-enter", host=host, evacuate=True)

    assert job["state"] == "succeeded", job
    assert [each["vm"] for each in job["result"]["moved"]] == [VM, OTHER]
    for vm in (VM, OTHER):
        assert place(vcenter, vm)[0] in set(MEMBERS) - {host}


def test_vm_that_is_deleted_meanwhile_does_not_stop_the_evacuation(service: RunningService, vcenter: Vcsim) -> None:
    host = place(vcenter)[0]
    act(service, "migrate", vm=OTHER, host=host)
    act(service, "power-off", vm=OTHER)
    vcenter.fault("RelocateVM_Task", hold="task")
    job_id = begin(service, "host-maintenance-enter", host=host, evacuate=True)
    wait_for(lambda: vcenter.faults()[0]["acted"], timeout=60, what="the move of the first VM", explain=service.log)
    with signed_in(vcenter) as person:
        wait_for_task(vim.VirtualMachine(vcenter.vm(OTHER)["moref"], person._stub).Destroy_Task())

    vcenter.clear_faults()
    job = service.ended(job_id)

    assert job["state"] == "succeeded", job
    assert [each["vm"] for each in job["result"]["moved"]] == [VM]
    assert f"{OTHER} no longer exists" in details(job)


def test_vm_that_no_host_can_have_stops_the_evacuation_with_the_reasons(
    service: RunningService, vcenter: Vcsim
) -> None:
    host = place(vcenter)[0]
    others = [each for each in MEMBERS if each != host]
    vcenter.change_object("HostSystem", others[0], {"runtime.connectionState": "notResponding"})
    vcenter.change_mounts(FIRST, **{others[1]: "readOnly"})

    job = act(service, "host-maintenance-enter", host=host, evacuate=True)

    assert job["state"] == "failed"
    words = job["error"]["detail"]
    assert f"cannot move to another host ({others[1]}: DatastoreNotWritableOnHost)" in words
    assert others[0] not in words
    assert vcenter.count("EnterMaintenanceMode_Task") == 0
