"""What a dead job left is ended by whoever lives, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.actions import checked, text
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
