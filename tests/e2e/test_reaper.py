"""What a dead job left is ended by whoever lives, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.actions import act, begin, checked, text
from tests.e2e.conftest import VM
from tests.peers.person import rename_snapshot, take_snapshot
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings


def ledger(service: RunningService) -> list[dict[str, Any]]:
    left: list[dict[str, Any]] = service.call("GET", "/readyz")[1]["parts"]["ledger"]["snapshots_left"]
    return left


def test_snapshot_that_could_not_be_removed_is_told_and_removed_later(vcenter: Vcsim, tmp_path: Path) -> None:
    vcenter.fault("RemoveSnapshot_Task", "NoPermission")
    with RunningService(tmp_path, vcenter_settings(vcenter) | {"VMKOPS_REAP_SECONDS": "1"}) as service:
        job = service.ended(service.backup(VM)["id"])

        assert job["state"] == "failed"
        assert job["error"]["type"] == "urn:vmkops:snapshot-left"
        assert VM in job["error"]["detail"]
        told = wait_for(lambda: ledger(service), what="the report")
        assert told[0]["vm"] == VM
        assert told[0]["job"] == job["id"]

        vcenter.clear_faults()
        wait_for(lambda: not vcenter.snapshots(), what="the removal", explain=service.log)
        wait_for(lambda: not ledger(service), what="the all-clear")


def test_snapshot_that_somebody_renamed_is_still_removed(vcenter: Vcsim, tmp_path: Path) -> None:
    vcenter.fault("RemoveSnapshot_Task", "NoPermission")
    with RunningService(tmp_path, vcenter_settings(vcenter) | {"VMKOPS_REAP_SECONDS": "1"}) as service:
        service.ended(service.backup(VM)["id"])
        (left,) = vcenter.snapshots()[VM]
        rename_snapshot(vcenter, left["moref"], "before the upgrade", "keep until Friday")

        vcenter.clear_faults()
        wait_for(lambda: not vcenter.snapshots(), what="the removal", explain=service.log)
        wait_for(lambda: not ledger(service), what="the all-clear")


LOCKED = "[LocalDS_0] DC0_H0_VM0/DC0_H0_VM0-000001.vmdk"


def lock_disks(vcenter: Vcsim, merges: int) -> None:
    """Lock a disk: the removal of the snapshot leaves the delta disks, and that many merges fail (0: all)."""
    locked = {"fields": {"file": LOCKED}, "as_task": True}
    vcenter.change_vm(VM, consolidation_needed_after_remove=True)
    vcenter.fault("RemoveSnapshot_Task", "FileLocked", after=True, count=1, **locked)
    vcenter.fault("ConsolidateVMDisks_Task", "FileLocked", count=merges, **locked)


def unmerged(service: RunningService) -> list[dict[str, Any]]:
    left: list[dict[str, Any]] = service.call("GET", "/readyz")[1]["parts"]["ledger"]["unmerged"]
    return left


def test_disks_that_are_locked_are_merged_later(vcenter: Vcsim, tmp_path: Path) -> None:
    lock_disks(vcenter, merges=5)
    with RunningService(tmp_path, vcenter_settings(vcenter) | {"VMKOPS_REAP_SECONDS": "1"}) as service:
        job = service.ended(service.backup(VM)["id"])

        assert job["state"] == "partial"
        assert LOCKED in job["steps"][-1]["detail"]
        assert vcenter.snapshots() == {}
        assert vcenter.vm(VM)["consolidation_needed"]
        told = wait_for(lambda: unmerged(service), what="the report")
        assert (told[0]["vm"], told[0]["job"]) == (VM, job["id"])
        assert LOCKED in told[0]["trouble"]

        wait_for(lambda: not vcenter.vm(VM)["consolidation_needed"], what="the merge", explain=service.log)
        wait_for(lambda: not unmerged(service), what="the all-clear")
        assert vcenter.count("ConsolidateVMDisks_Task") == 6
        assert ledger(service) == []


def test_person_is_told_of_disks_that_stay_locked_and_backups_go_on_when_they_are_free(
    vcenter: Vcsim, tmp_path: Path
) -> None:
    lock_disks(vcenter, merges=0)
    with RunningService(tmp_path, vcenter_settings(vcenter) | {"VMKOPS_REAP_SECONDS": "1"}) as service:
        job_id = service.ended(service.backup(VM)["id"])["id"]
        again = service.ended(service.backup(VM)["id"])
        note = wait_for(lambda: service.job(job_id)["notes"], timeout=180, what="the note", explain=service.log)[0]

        assert again["state"] == "failed"
        assert again["error"]["type"] == "urn:vmkops:consolidation-failed"
        assert LOCKED in again["error"]["detail"]
        assert vcenter.count("CreateSnapshot_Task") == 1
        assert LOCKED in note
        assert VM in note
        assert f"Later: {note}" in text(service, f"/jobs/{job_id}")
        assert note in service.log()

        vcenter.clear_faults()
        assert checked(service, "backup", vm=VM)["consolidation-needed"]["severity"] == "warn"
        assert service.ended(service.backup(VM)["id"])["state"] == "succeeded"
        assert not vcenter.vm(VM)["consolidation_needed"]
        wait_for(lambda: not unmerged(service), what="the all-clear")


def test_sweep_touches_no_snapshot_of_others_even_with_our_name(vcenter: Vcsim, tmp_path: Path) -> None:
    vcenter.fault("RemoveSnapshot_Task", "NoPermission", count=1)
    with RunningService(tmp_path, vcenter_settings(vcenter) | {"VMKOPS_REAP_SECONDS": "1"}) as service:
        job = service.ended(service.backup(VM)["id"])
        take_snapshot(vcenter, VM, f"vmkops {job['id']}")

        def ours_is_gone() -> bool:
            return [each["description"] for each in vcenter.snapshots()[VM]] == [""]

        wait_for(ours_is_gone, what="the removal of ours")
        wait_for(lambda: not ledger(service), what="the all-clear")
        assert ours_is_gone()


def test_half_package_of_a_dead_job_is_removed_at_the_start(vcenter: Vcsim, tmp_path: Path) -> None:
    half = tmp_path / "backups" / "old-vm" / "0123456789abcdef.partial"
    half.mkdir(parents=True)
    (half / "old-vm-disk-0.vmdk").write_bytes(b"half")

    with RunningService(tmp_path, vcenter_settings(vcenter)):
        wait_for(lambda: not half.exists(), what="its removal")


def test_snapshot_that_vcenter_takes_after_the_end_of_its_job_is_removed(vcenter: Vcsim, tmp_path: Path) -> None:
    vcenter.fault("CreateSnapshot_Task", hold="late", count=1)
    vcenter.fault("CreateSnapshot_Task", "NoPermission")
    settings = {"VMKOPS_REAP_SECONDS": "1", "VMKOPS_VCENTER_SECONDS": "25"}
    with RunningService(tmp_path, vcenter_settings(vcenter) | settings) as service:
        assert service.ended(service.backup(VM)["id"])["state"] == "failed"
        assert not vcenter.snapshots()

        vcenter.clear_faults()

        wait_for(lambda: vcenter.done("CreateSnapshot_Task", VM), what="the late snapshot")
        wait_for(lambda: vcenter.done("RemoveSnapshot_Task", VM), what="its removal", explain=service.log)
        wait_for(lambda: not vcenter.snapshots(), what="the end of the removal")
        wait_for(lambda: not ledger(service), what="the all-clear")


def test_temporary_vm_that_vcenter_makes_after_the_success_of_its_job_is_removed(
    vcenter: Vcsim, tmp_path: Path
) -> None:
    settings = {"VMKOPS_REAP_SECONDS": "1", "VMKOPS_VCENTER_SECONDS": "25"}
    with RunningService(tmp_path, vcenter_settings(vcenter) | settings) as service:
        backup = service.ended(service.backup(VM)["id"])["id"]
        act(service, "power-off", vm=VM)
        vcenter.fault("ImportVApp", hold="latest", count=1)
        job = act(service, "restore", backup=backup, onto=VM, overwrite=VM)
        assert job["state"] == "succeeded", job["error"]
        vms = {vm["name"] for vm in vcenter.vms()}
        clone = next(name for name in vms if name != VM)
        mark = {"config.annotation": f"vmkops job {job['id']}", "runtime.powerState": "poweredOff"}
        vcenter.change_vm(clone, properties=mark)  # as a clone of the temporary VM has it

        vcenter.clear_faults()

        wait_for(lambda: vcenter.done("ImportVApp") == 2, what="the late VM", explain=service.log)
        wait_for(lambda: vcenter.done("Destroy_Task") == 2, what="its removal", explain=service.log)
        assert {vm["name"] for vm in vcenter.vms()} == vms


def test_second_snapshot_that_comes_late_is_removed_once_no_job_works_on_the_vm(vcenter: Vcsim, tmp_path: Path) -> None:
    vcenter.fault("CreateSnapshot_Task", hold="late", count=1)
    settings = {"VMKOPS_REAP_SECONDS": "3600", "VMKOPS_VCENTER_SECONDS": "25"}
    with RunningService(tmp_path, vcenter_settings(vcenter) | settings) as service:
        kept = act(service, "snapshot-create", vm=VM, name="before")["result"]["snapshot"]
        wait_for(lambda: vcenter.done("CreateSnapshot_Task", VM) == 2, what="the late snapshot")
        vcenter.fault("ReconfigVM_Task", hold="task", count=1)
        working = begin(service, "set-time-sync", vm=VM)
        wait_for(lambda: vcenter.faults()[-1]["acted"], what="the other job to be held", explain=service.log)
        service.kill()
        service.environment |= {"VMKOPS_REAP_SECONDS": "1"}
        service.start()

        left = f"on {VM} is left for now: set-time-sync (job {working})"
        wait_for(lambda: left in service.log(), what="the sweep to let it be", explain=service.log)
        assert len(vcenter.snapshots()[VM]) + len(vcenter.snapshots()[VM][0]["children"]) == 2
        vcenter.clear_faults()

        assert service.ended(working)["state"] == "succeeded"
        wait_for(lambda: vcenter.done("RemoveSnapshot_Task", VM), what="its removal", explain=service.log)
        (left_over,) = vcenter.snapshots()[VM]
        assert (left_over["moref"], left_over["children"]) == (kept, [])
