"""A backup waits for its turn before it takes its snapshot, and stops before the snapshot fills a datastore."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from service.api.settings import read_settings
from service.store.copy_slots import CopySlots
from service.store.database import open_database
from tests.e2e.actions import act, begin, checked, details
from tests.e2e.conftest import VM
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

OTHER = "DC0_H0_VM1"
DATASTORE = "LocalDS_0"
GIB = 1 << 30
ONE_SLOT = {"VMKOPS_MAX_COPIES": "1"}


def quiesce_detail(service: RunningService, job_id: str) -> str:
    return str(service.job(job_id)["steps"][0]["detail"])


def snapshots_in_order(vcenter: Vcsim) -> list[tuple[str, str]]:
    """What was done to snapshots and leases, and of which VM."""
    wanted = ("CreateSnapshot_Task", "HttpNfcLeaseComplete")
    return [(call["method"], call["name"]) for call in vcenter.calls() if call["method"] in wanted]


def both(vcenter: Vcsim, service: RunningService) -> tuple[str, str]:
    """The backup of one VM that reads slowly, and that of another VM which waits for it."""
    vcenter.nfc(stall_after_bytes=1_000_000, vm=VM)
    first = service.backup(VM)["id"]
    service.reading(first)
    second = service.backup(OTHER)["id"]
    wait_for(lambda: "its turn" in quiesce_detail(service, second), what="the wait", explain=service.log)
    return first, second


def test_second_backup_takes_its_snapshot_after_the_copy_of_the_first(vcenter: Vcsim, tmp_path: Path) -> None:
    with RunningService(tmp_path, vcenter_settings(vcenter) | ONE_SLOT) as service:
        first, second = both(vcenter, service)

        said = quiesce_detail(service, second)
        assert set(vcenter.snapshots()) == {VM}
        vcenter.reset_nfc()
        ends = [service.ended(each)["state"] for each in (first, second)]

    assert first in said
    assert "VMKOPS_MAX_COPIES" in said
    assert ends == ["succeeded", "succeeded"]
    done = snapshots_in_order(vcenter)
    assert [name for method, name in done if method == "CreateSnapshot_Task"] == [VM, OTHER]


def test_export_locks_its_vm_only_when_its_turn_has_come(vcenter: Vcsim, tmp_path: Path) -> None:
    with RunningService(tmp_path, vcenter_settings(vcenter) | ONE_SLOT) as service:
        act(service, "power-off", vm=OTHER)
        vcenter.nfc(stall_after_bytes=1_000_000, vm=VM)
        first = service.backup(VM)["id"]
        service.reading(first)
        second = begin(service, "export-ovf", vm=OTHER)
        wait_for(lambda: "turn before the export" in details(service.job(second)), what="the wait", explain=service.log)

        leases = vcenter.count("ExportVm")
        vcenter.reset_nfc()
        ends = [service.ended(each)["state"] for each in (first, second)]

    assert leases == 0
    assert ends == ["succeeded", "succeeded"]
    assert {lease["state"] for lease in vcenter.leases()} == {"done"}


def test_backup_keeps_its_turn_across_a_restart(vcenter: Vcsim, tmp_path: Path) -> None:
    with RunningService(tmp_path, vcenter_settings(vcenter) | ONE_SLOT) as service:
        first, second = both(vcenter, service)
        service.kill()
        service.start()
        service.reading(first)
        wait_for(lambda: "its turn" in quiesce_detail(service, second), what="the wait", explain=service.log)

        assert set(vcenter.snapshots()) == {VM}
        vcenter.reset_nfc()
        assert [service.ended(each)["state"] for each in (first, second)] == ["succeeded", "succeeded"]
        assert vcenter.count("CreateSnapshot_Task") == 2


def test_hook_before_the_freeze_runs_after_the_wait(vcenter: Vcsim, tmp_path: Path) -> None:
    log = tmp_path / "hooks.log"
    hook = {"VMKOPS_PRE_FREEZE": f"echo $VMKOPS_VM_NAME >> {log}"}
    with RunningService(tmp_path / "data", vcenter_settings(vcenter) | ONE_SLOT | hook) as service:
        first, second = both(vcenter, service)

        assert log.read_text().split() == [VM]
        vcenter.reset_nfc()
        for each in (first, second):
            service.ended(each)
    assert log.read_text().split() == [VM, OTHER]


def test_backup_that_waits_can_be_cancelled_and_leaves_the_queue(vcenter: Vcsim, tmp_path: Path) -> None:
    with RunningService(tmp_path, vcenter_settings(vcenter) | ONE_SLOT) as service:
        first, second = both(vcenter, service)

        service.call("POST", f"/jobs/{second}/cancel")

        assert service.ended(second)["state"] == "cancelled"
        assert vcenter.count("CreateSnapshot_Task") == 1
        vcenter.reset_nfc()
        assert service.ended(first)["state"] == "succeeded"
        assert service.ended(service.backup(OTHER)["id"])["state"] == "succeeded"


def test_vm_that_changed_during_the_wait_is_checked_again(vcenter: Vcsim, tmp_path: Path) -> None:
    with RunningService(tmp_path, vcenter_settings(vcenter) | ONE_SLOT) as service:
        _, second = both(vcenter, service)
        vcenter.change_vm(OTHER, consolidation_needed=True)
        vcenter.reset_nfc()

        job = service.ended(second)

    assert job["state"] == "failed"
    assert "need consolidation" in job["error"]["detail"]
    assert vcenter.count("CreateSnapshot_Task") == 1


def test_turn_of_a_job_that_never_goes_on_is_given_back(vcenter: Vcsim, tmp_path: Path) -> None:
    with RunningService(tmp_path, vcenter_settings(vcenter) | ONE_SLOT | {"VMKOPS_REAP_SECONDS": "1"}) as service:
        vm = service.call("GET", f"/vms/{VM}")[1]
        engine = open_database(read_settings({"VMKOPS_DATA_DIR": str(tmp_path)}))
        lost = CopySlots(engine, 1, "local")
        asyncio.run(lost.take("0123456789abcdef", [f"host:{vm['host']}"], disks=1, waiting=lambda _: None))
        engine.dispose()

        assert service.ended(service.backup(VM)["id"])["state"] == "succeeded"


def test_backup_stops_and_removes_its_snapshot_when_the_datastore_runs_full(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.nfc(stall_after_bytes=1_000_000)
    job_id = service.backup(VM)["id"]
    service.reading(job_id)

    vcenter.fill_datastore(DATASTORE, free=200 << 20)

    job = service.ended(job_id)
    assert job["state"] == "failed"
    assert job["error"]["type"] == "urn:vmkops:datastore-low"
    assert DATASTORE in job["error"]["detail"]
    assert "209.7 MB" in job["error"]["detail"]
    assert vcenter.snapshots() == {}
    assert {lease["state"] for lease in vcenter.leases()} == {"aborted"}
    assert not list(service.data_dir.rglob("*.vmdk"))


def usage(service: RunningService, committed: int) -> dict[str, Any]:
    """The properties of a VM that takes so many bytes on its datastore."""
    moref = next(
        each["moref"] for each in service.call("GET", "/datastores")[1]["datastores"] if each["name"] == DATASTORE
    )
    each = {"datastore": {"type": "Datastore", "value": moref}, "committed": committed, "uncommitted": 0, "unshared": 0}
    return {"storage.perDatastoreUsage": [each]}


@pytest.mark.parametrize(("free", "refused"), [(99 * GIB, True), (101 * GIB, False)])
def test_room_for_the_delta_is_judged_by_the_size_of_the_vm(
    service: RunningService, vcenter: Vcsim, free: int, refused: bool
) -> None:
    vcenter.change_vm(VM, properties=usage(service, 1000 * GIB))
    vcenter.change_object("Datastore", DATASTORE, {"summary.freeSpace": free})

    found = checked(service, "backup", vm=VM)

    assert ("delta-room" in found) is refused
    if refused:
        assert found["delta-room"]["severity"] == "refuse"
        assert "106.3 GB free" in found["delta-room"]["message"]
        assert "107.4 GB" in found["delta-room"]["message"]
        assert service.call("POST", "/actions/backup", {"params": {"vm": VM}})[0] == 409
