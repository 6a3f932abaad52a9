"""Snapshots that people take, and the list of all snapshots."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.actions import act, begin, checked, details, refused, text
from tests.e2e.conftest import VM
from tests.peers.person import take_snapshot
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

OTHER = "DC0_H0_VM1"


def take(vcenter: Vcsim, name: str, vm: str = VM) -> str:
    """Let somebody else take a snapshot; its moref."""
    take_snapshot(vcenter, vm, name)
    return str(next(node["moref"] for node in nodes(vcenter, vm) if node["name"] == name))


def nodes(vcenter: Vcsim, vm: str = VM) -> list[dict[str, Any]]:
    """The snapshots of a VM, parents first."""
    waiting, found = list(vcenter.snapshots().get(vm, [])), []
    while waiting:
        node = waiting.pop(0)
        found.append(node)
        waiting += node["children"] or []
    return found


def listed(service: RunningService, query: str = "") -> list[dict[str, Any]]:
    status, answer = service.call("GET", f"/snapshots{query}")
    assert status == 200, answer
    return list(answer["snapshots"])


def test_snapshot_is_named_after_its_job_and_by_the_caller(service: RunningService, vcenter: Vcsim) -> None:
    job = act(service, "snapshot-create", vm=VM, name="before the patch")
    assert job["state"] == "succeeded", job
    (node,) = nodes(vcenter)
    assert node["name"] == f"vmkops {job['id']} before the patch"
    assert job["result"]["snapshot"] == node["moref"]
    assert job["result"]["consistency"] == "quiesced"
    assert details(job).endswith(f"Undo: vmkops action snapshot-remove {node['moref']}")


def test_snapshot_with_memory_is_not_quiesced(service: RunningService, vcenter: Vcsim) -> None:
    job = act(service, "snapshot-create", vm=VM, memory=True)
    assert job["result"]["consistency"] == "with memory"
    assert nodes(vcenter)[0]["quiesced"] is False
    assert "never quiesced" in refused(service, "snapshot-create", vm=OTHER, memory=True, quiesce="require")


def test_quiescing_that_fails_is_reported_or_fails_as_requested(service: RunningService, vcenter: Vcsim) -> None:
    for vm in (VM, OTHER):
        vcenter.change_vm(vm, quiesce_fault="ApplicationQuiesceFault")
    job = act(service, "snapshot-create", vm=VM)
    assert job["result"]["consistency"] == "crash-consistent"
    assert "could not be quiesced" in details(job)
    required = act(service, "snapshot-create", vm=OTHER, quiesce="require")
    assert required["state"] == "failed"
    assert nodes(vcenter, OTHER) == []


def test_snapshot_started_before_a_kill_is_not_taken_twice(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.fault("CreateSnapshot_Task", task_delay_ms=4000)
    job_id = begin(service, "snapshot-create", vm=VM)
    wait_for(lambda: vcenter.count("CreateSnapshot_Task"), timeout=60, what="the task")
    service.kill()
    service.start()
    assert service.ended(job_id)["state"] == "succeeded"
    assert len(nodes(vcenter)) == 1
    assert vcenter.count("CreateSnapshot_Task") == 1


@pytest.mark.gives_back
def test_cancelled_snapshot_leaves_nothing(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.fault("CreateSnapshot_Task", task_delay_ms=60_000)
    job_id = begin(service, "snapshot-create", vm=VM)
    wait_for(lambda: vcenter.count("CreateSnapshot_Task"), timeout=60, what="the task")
    service.call("POST", f"/jobs/{job_id}/cancel")
    assert service.ended(job_id)["state"] == "cancelled"
    assert vcenter.count("CancelTask") == 1
    assert nodes(vcenter) == []


def test_one_snapshot_is_removed_and_its_children_stay(service: RunningService, vcenter: Vcsim) -> None:
    parent, child = take(vcenter, "monday"), take(vcenter, "tuesday")
    found = checked(service, "snapshot-remove", snapshot=parent)
    assert "'monday' was not taken by vmkops" in found["whose"]["message"]
    job = act(service, "snapshot-remove", snapshot=parent)
    assert job["state"] == "succeeded", job
    assert job["target"] == VM
    assert job["result"] == {"snapshot": parent, "removed": True, "consolidation_needed": False}
    assert [node["moref"] for node in nodes(vcenter)] == [child]
    assert vcenter.count("RemoveAllSnapshots_Task") == 0


@pytest.mark.parametrize("name", ["Consolidate Helper- 0", "VEEAM BACKUP TEMPORARY SNAPSHOT", "_VCB-BACKUP_"])
def test_snapshot_of_another_product_stays_unless_even_foreign_is_set(
    service: RunningService, vcenter: Vcsim, name: str
) -> None:
    moref = take(vcenter, name)
    assert "even_foreign=true" in refused(service, "snapshot-remove", snapshot=moref)
    assert [node["moref"] for node in nodes(vcenter)] == [moref]
    assert act(service, "snapshot-remove", snapshot=moref, even_foreign=True)["state"] == "succeeded"
    assert nodes(vcenter) == []


def test_removal_that_leaves_disks_to_merge_merges_them(service: RunningService, vcenter: Vcsim) -> None:
    moref = take(vcenter, "monday")
    vcenter.change_vm(VM, consolidation_needed_after_remove=True)
    job = act(service, "snapshot-remove", snapshot=moref)
    assert job["state"] == "succeeded"
    assert vcenter.vm(VM)["consolidation_needed"] is False
    assert vcenter.count("ConsolidateVMDisks_Task") == 1


def test_removal_that_leaves_a_locked_disk_is_partial_and_names_the_file(
    service: RunningService, vcenter: Vcsim
) -> None:
    moref = take(vcenter, "monday")
    file = "[LocalDS_0] web/web-000001.vmdk"
    vcenter.change_vm(VM, consolidation_needed_after_remove=True)
    vcenter.fault("RemoveSnapshot_Task", "FileLocked", fields={"file": file}, as_task=True, after=True, count=1)
    vcenter.fault("ConsolidateVMDisks_Task", "FileLocked", fields={"file": file}, as_task=True)

    job = act(service, "snapshot-remove", snapshot=moref)

    assert job["state"] == "partial", job
    assert file in details(job)
    assert vcenter.snapshots() == {}
    assert vcenter.count("RemoveSnapshot_Task") == 1


def test_removal_started_before_a_kill_is_continued(service: RunningService, vcenter: Vcsim) -> None:
    moref = take(vcenter, "monday")
    vcenter.fault("RemoveSnapshot_Task", task_delay_ms=4000)
    job_id = begin(service, "snapshot-remove", snapshot=moref)
    wait_for(lambda: vcenter.count("RemoveSnapshot_Task"), timeout=60, what="the task")
    service.kill()
    service.start()
    assert service.ended(job_id)["state"] == "succeeded"
    assert vcenter.count("RemoveSnapshot_Task") == 1


def test_revert_warns_of_what_is_lost_and_is_done_once(service: RunningService, vcenter: Vcsim) -> None:
    first = take(vcenter, "monday")
    take(vcenter, "tuesday")
    assert "'monday'" in checked(service, "snapshot-revert", snapshot=first)["lost"]["message"]
    job = act(service, "snapshot-revert", snapshot=first)
    assert job["state"] == "succeeded", job
    assert [node["name"] for node in nodes(vcenter) if node["current"]] == ["monday"]
    assert vcenter.count("RevertToSnapshot_Task") == 1


def test_unknown_snapshot_lists_those_of_the_vm_that_is_named(service: RunningService, vcenter: Vcsim) -> None:
    moref = take(vcenter, "monday")
    status, problem = service.call("POST", "/actions/snapshot-remove", {"params": {"snapshot": VM}})
    assert (status, problem["suggestions"]) == (404, [moref])
    assert "not to vm-1" in refused(service, "snapshot-remove", snapshot=moref, vm="vm-1")


def test_all_snapshots_are_listed_with_their_owner_and_age(service: RunningService, vcenter: Vcsim) -> None:
    take(vcenter, "monday")
    take(vcenter, "ghettoVCB-snapshot-2026-11-22", OTHER)
    ours = act(service, "snapshot-create", vm="DC0_C0_RP0_VM0")
    found = listed(service)
    assert [each["vm"] for each in found] == [VM, OTHER, "DC0_C0_RP0_VM0"]
    assert [each["foreign_product"] for each in found] == ["", "ghettoVCB", ""]
    assert [each["ours"] for each in found] == [False, False, True]
    assert found[2]["moref"] == ours["result"]["snapshot"]
    assert all(each["age_seconds"] >= 0 for each in found)
    assert [each["name"] for each in listed(service, "?q=monday")] == ["monday"]
    assert listed(service, "?older_than_hours=1") == []
    lines = text(service, "/snapshots")
    assert "ghettoVCB" in lines
    assert f"{VM}: monday" in lines


def test_revert_started_before_a_kill_is_not_repeated(service: RunningService, vcenter: Vcsim) -> None:
    moref = take(vcenter, "monday")
    vcenter.fault("RevertToSnapshot_Task", task_delay_ms=3000)
    job_id = begin(service, "snapshot-revert", snapshot=moref)
    wait_for(lambda: vcenter.count("RevertToSnapshot_Task"), timeout=60, what="the task")
    service.kill()
    service.start()
    assert service.ended(job_id)["state"] == "succeeded"
    assert vcenter.count("RevertToSnapshot_Task") == 1
