"""What a dead job left is ended by whoever lives, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.conftest import VM
from tests.peers.person import take_snapshot
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
