"""VMs that vSphere made for itself, such as vCLS, are no VMs without a backup, and do not block maintenance mode."""

from __future__ import annotations

import pytest

from tests.e2e.actions import act, checked, text
from tests.e2e.conftest import VM
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

HOST, MEMBER = "DC0_H0", "DC0_C0_H1"
OTHER = "DC0_H0_VM1"
AGENT = {"config.managedBy": {"extensionKey": "com.vmware.vim.eam", "type": "cluster-agent"}}


@pytest.mark.parametrize("name", ["vCLS (1)", "vCLS-4c4c4544-0044-4a10-8031-b4c04f564433"])
def test_vcls_vm_is_known_by_its_name(service: RunningService, vcenter: Vcsim, name: str) -> None:
    vcenter.change_vm(OTHER, rename=name)
    wait_for(lambda: service.call("GET", f"/vms/{name.replace(' ', '%20')}")[0] == 200, what="the new name")

    _, report = service.call("GET", "/backups/freshness")

    assert [each["vm"] for each in report["managed"]] == [name]
    assert name not in {each["vm"] for each in report["stale"]}
    assert report["vms_checked"] == 3
    assert f"not counted: {name}" in text(service, "/backups/freshness")


def test_agent_that_runs_does_not_block_maintenance_mode(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, properties=AGENT)
    act(service, "power-off", vm=OTHER)

    found = checked(service, "host-maintenance-enter", host=HOST)
    job = act(service, "host-maintenance-enter", host=HOST)

    assert "running-vms" not in found
    assert job["state"] == "succeeded", job
    assert service.call("GET", f"/vms/{VM}")[1]["managed_by"] == "com.vmware.vim.eam"


def test_vm_of_another_extension_still_blocks_maintenance_mode(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, properties={"config.managedBy": {"extensionKey": "com.example.edge", "type": "edge"}})

    assert VM in checked(service, "host-maintenance-enter", host=HOST)["running-vms"]["message"]


def test_host_of_a_vsan_cluster_is_always_asked_to_keep_the_objects_accessible(
    service: RunningService, vcenter: Vcsim
) -> None:
    vsan = {"_typeName": "ClusterConfigInfoEx", "dasConfig": {}, "drsConfig": {"enabled": True}}
    vcenter.change_object(
        "ClusterComputeResource", "DC0_C0", {"configurationEx": {**vsan, "vsanConfigInfo": {"enabled": True}}}
    )

    assert "vsan" in checked(service, "host-maintenance-enter", host=MEMBER)
    job = act(service, "host-maintenance-enter", host=MEMBER)

    assert job["state"] == "succeeded", job
    assert vcenter.maintenance_modes() == {MEMBER: "ensureObjectAccessibility"}
