"""VMs whose disks need to be merged are listed, whoever left them, and merged when somebody asks for it."""

from __future__ import annotations

import json
from typing import Any

from bot.cards.unmerged import unmerged_card
from tests.e2e.actions import act, checked, details, refused, text
from tests.e2e.conftest import VM
from tests.peers.person import take_snapshot
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

ORPHANED, CLONE, KEPT = "DC0_H0_VM1", "DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1"
REPORT = "/snapshots?needs=consolidation"


def chain(*names: str, size: int = 1000) -> dict[str, Any]:
    """The layout of a disk that is made of these files, the base first."""
    usual = {"type": "diskExtent", "size": size, "uniqueSize": size, "accessible": True}
    files = [{"key": key, "name": f"[LocalDS_0] {name}", **usual} for key, name in enumerate(names)]
    disk = {"key": 204, "chain": [{"fileKey": [key]} for key in range(len(names))]}
    return {"layoutEx.file": files, "layoutEx.disk": [disk]}


def report(service: RunningService, vms: int) -> list[dict[str, Any]]:
    """The VMs to consolidate, when the inventory has so many."""

    def found() -> list[dict[str, Any]]:
        status, answer = service.call("GET", REPORT)
        assert status == 200, answer
        return answer["unmerged"] if len(answer["unmerged"]) == vms else []

    return wait_for(found, what=f"{vms} VMs to consolidate")


def test_vms_that_need_consolidation_and_orphan_deltas_are_listed(service: RunningService, vcenter: Vcsim) -> None:
    assert service.call("GET", REPORT)[1]["unmerged"] == []
    vcenter.change_vm(VM, consolidation_needed=True)
    vcenter.change_vm(ORPHANED, properties=chain("a/a.vmdk", "a/a-000001-delta.vmdk", size=2_000_000_000))
    vcenter.change_vm(CLONE, properties=chain("base/base.vmdk", "clone/clone-000001.vmdk"))
    vcenter.change_vm(KEPT, properties=chain("kept/kept-000002.vmdk"))

    orphaned, needing = sorted(report(service, 2), key=lambda each: str(each["consolidation_needed"]))

    assert (needing["vm"], needing["consolidation_needed"], needing["deltas"]) == (VM, True, [])
    assert (orphaned["vm"], orphaned["consolidation_needed"]) == (ORPHANED, False)
    assert orphaned["deltas"] == ["[LocalDS_0] a/a-000001-delta.vmdk"]
    assert orphaned["size"] == 2_000_000_000
    shown = text(service, REPORT)
    assert f"{VM}: vSphere says that its disks need consolidation" in shown
    assert "a-000001-delta.vmdk" in shown
    assert VM in service.run("snapshots", "--needs", "consolidation").stdout
    card = json.dumps(unmerged_card(service.call("GET", REPORT)[1]).blocks, ensure_ascii=False)
    assert "a-000001-delta.vmdk" in card
    assert "/action consolidate moref:" in card
    assert vcenter.count("ConsolidateVMDisks_Task") == 0


def test_old_snapshots_of_whatever_product_are_listed_too(service: RunningService, vcenter: Vcsim) -> None:
    take_snapshot(vcenter, VM, "VEEAM BACKUP TEMPORARY SNAPSHOT")
    wait_for(lambda: service.call("GET", "/snapshots")[1]["snapshots"], what="the snapshot in the inventory")

    assert service.call("GET", REPORT)[1]["snapshots"] == []
    (old,) = service.call("GET", f"{REPORT}&older_than_hours=0")[1]["snapshots"]
    assert old["foreign_product"] == "Veeam"


def test_consolidate_merges_the_disks_once_somebody_asks(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, consolidation_needed=True)
    found = checked(service, "consolidate", vm=VM)

    job = act(service, "consolidate", vm=VM)

    assert "stands still" in found["slow"]["message"]
    assert job["state"] == "succeeded", job
    assert job["result"] == {"consolidation_needed": False, "changed": True}
    assert not vcenter.vm(VM)["consolidation_needed"]
    again = act(service, "consolidate", vm=VM)
    assert again["result"]["changed"] is False
    assert "nothing to merge" in details(again)
    assert vcenter.count("ConsolidateVMDisks_Task") == 1


def test_consolidate_names_the_file_that_is_locked(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, consolidation_needed=True)
    file = "[LocalDS_0] web/web-000001.vmdk"
    vcenter.fault("ConsolidateVMDisks_Task", "FileLocked", fields={"file": file}, as_task=True)

    job = act(service, "consolidate", vm=VM)

    assert job["state"] == "failed"
    assert job["error"]["type"] == "urn:vmkops:consolidation-failed"
    assert file in job["error"]["detail"]


def test_consolidate_waits_for_another_product_to_finish(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, consolidation_needed=True)
    take_snapshot(vcenter, VM, "VEEAM BACKUP TEMPORARY SNAPSHOT")

    assert "Veeam" in refused(service, "consolidate", vm=VM)
    assert vcenter.count("ConsolidateVMDisks_Task") == 0
