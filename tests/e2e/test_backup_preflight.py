"""What prevents a backup is reported before anything changes, in a dry run and as a refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from tests.e2e.actions import act, checked, refused
from tests.e2e.conftest import VM
from tests.peers.person import signed_in, take_snapshot, wait_for_task
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings


def check(service: RunningService, **params: str) -> dict[str, Any]:
    status, preview = service.call("POST", "/actions/backup/check", {"params": {"vm": VM, **params}})
    assert status == 200, preview
    return dict(preview)


def test_dry_run_shows_the_steps_and_changes_nothing(service: RunningService, vcenter: Vcsim) -> None:
    preview = check(service)

    assert preview["allowed"] is True
    assert preview["target"] == VM
    assert len(preview["steps"]) == 7
    assert vcenter.count("CreateSnapshot_Task") == 0
    assert service.call("GET", "/jobs")[1]["jobs"] == []


@pytest.mark.parametrize(
    ("properties", "rule"),
    [
        ({"config.template": True}, "template"),
        ({"runtime.consolidationNeeded": True}, "consolidation-needed"),
        ({"runtime.connectionState": "disconnected"}, "not-connected"),
    ],
)
def test_state_that_forbids_a_snapshot_is_refused_with_the_reason(
    service: RunningService, vcenter: Vcsim, properties: dict[str, Any], rule: str
) -> None:
    vcenter.change_vm(VM, properties=properties)

    preview = check(service)
    status, problem = service.call("POST", "/actions/backup", {"params": {"vm": VM}})

    refused = [each for each in preview["checks"] if each["severity"] == "refuse"]
    assert [each["rule"] for each in refused] == [rule]
    assert preview["allowed"] is False
    assert status == 409
    assert problem["detail"] == refused[0]["message"]
    assert vcenter.count("CreateSnapshot_Task") == 0


def change_devices(vcenter: Vcsim, change: Callable[[list[Any]], list[Any]]) -> None:
    """Change the devices of the VM by hand; `change` gives the edits for its devices."""
    with signed_in(vcenter) as person:
        machine = vim.VirtualMachine(vcenter.vm(VM)["moref"], person._stub)
        devices = change(machine.config.hardware.device)
        edits = [vim.vm.device.VirtualDeviceSpec(operation=kind, device=device) for kind, device in devices]
        wait_for_task(machine.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=edits)))


def share_bus(devices: list[Any]) -> list[Any]:
    controller = next(each for each in devices if isinstance(each, vim.vm.device.VirtualSCSIController))
    controller.sharedBus = "physicalSharing"
    return [("edit", controller)]


def share_disk(devices: list[Any]) -> list[Any]:
    disk = next(each for each in devices if isinstance(each, vim.vm.device.VirtualDisk))
    disk.backing.sharing = "sharingMultiWriter"
    return [("edit", disk)]


def share_independent_disk(devices: list[Any]) -> list[Any]:
    ((kind, disk),) = share_disk(devices)
    disk.backing.diskMode = "independent_persistent"
    return [(kind, disk)]


def add_tpm(_: list[Any]) -> list[Any]:
    return [("add", vim.vm.device.VirtualTPM(key=-1))]


@pytest.mark.parametrize(
    ("change", "fault", "rule"),
    [
        (share_bus, "SharedBusControllerNotSupported", "shared-bus"),
        (share_disk, "MultiWriterNotSupported", "multi-writer"),
    ],
)
def test_vm_that_shares_disks_is_refused_before_vsphere_refuses_its_snapshot(
    service: RunningService, vcenter: Vcsim, change: Callable[[list[Any]], list[Any]], fault: str, rule: str
) -> None:
    change_devices(vcenter, change)
    with pytest.raises(getattr(vim.fault, fault)):
        take_snapshot(vcenter, VM, "by hand")
    vcenter.reset_calls()

    found = checked(service, "backup", vm=VM)
    kept = checked(service, "snapshot-create", vm=VM)

    assert (found[rule]["severity"], kept[rule]["severity"]) == ("refuse", "refuse")
    assert "within its guest" in found[rule]["message"]
    assert found[rule]["message"] in refused(service, "backup", vm=VM)
    assert vcenter.count("CreateSnapshot_Task") == 0


def test_independent_disk_that_vms_share_is_left_out_of_the_snapshot(service: RunningService, vcenter: Vcsim) -> None:
    change_devices(vcenter, share_independent_disk)

    take_snapshot(vcenter, VM, "by hand")
    found = checked(service, "backup", vm=VM)

    assert "multi-writer" not in found
    assert "independent persistent" in found["disk-left-out"]["message"]


@pytest.mark.parametrize("what", ["encrypted", "virtual-tpm"])
def test_vm_that_vsphere_does_not_export_is_refused_before_a_snapshot(
    service: RunningService, vcenter: Vcsim, what: str
) -> None:
    if what == "encrypted":
        vcenter.change_vm(VM, properties={"config.keyId": {"keyId": "k1", "providerId": {"id": "kms"}}})
    else:
        change_devices(vcenter, add_tpm)
    take_snapshot(vcenter, VM, "by hand")
    with signed_in(vcenter) as person:
        lease = vim.VirtualMachine(vcenter.vm(VM)["moref"], person._stub).snapshot.currentSnapshot.ExportSnapshot()
        assert wait_for(lambda: lease.error, what="the error of the lease") is not None
    vcenter.reset_calls()

    found = checked(service, "backup", vm=VM)

    assert found[what]["severity"] == "refuse"
    assert found[what]["message"] in refused(service, "backup", vm=VM)
    act(service, "power-off", vm=VM)
    assert checked(service, "export-ovf", vm=VM)[what]["severity"] == "refuse"
    assert what not in checked(service, "snapshot-create", vm=VM)
    assert vcenter.count("CreateSnapshot_Task") == 0


def fault_tolerance(role: int) -> dict[str, Any]:
    """The properties of the primary VM (role 1) or of a secondary VM (role 2) of a pair."""
    pair = {"instanceUuids": ["5021a0e0-0001", "5021a0e0-0002"], "configPaths": ["[ds] a/a.vmx", "[ds] b/b.vmx"]}
    return {"config.ftInfo": {"_typeName": "FaultToleranceConfigInfo", "role": role, **pair}}


def test_fault_tolerance_stays_on_during_a_backup_and_prevents_a_snapshot_that_is_kept(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.change_vm(VM, properties=fault_tolerance(role=1))

    found = {action: checked(service, action, vm=VM)["fault-tolerance"] for action in ("backup", "snapshot-create")}
    job = service.ended(service.backup(VM)["id"])

    assert {action: check["severity"] for action, check in found.items()} == {
        "backup": "info",
        "snapshot-create": "refuse",
    }
    assert not any("off" in check["message"] for check in found.values())
    assert job["state"] == "succeeded", job["error"]


def test_secondary_vm_of_fault_tolerance_is_not_backed_up(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm(VM, properties=fault_tolerance(role=2))

    refused = checked(service, "backup", vm=VM)["fault-tolerance"]

    assert refused["severity"] == "refuse"
    assert "Use the primary VM" in refused["message"]


@pytest.mark.parametrize("name", ["Consolidate Helper", "_VCB-BACKUP_", "VEEAM BACKUP TEMPORARY SNAPSHOT"])
def test_snapshot_of_another_backup_product_stops_it(service: RunningService, vcenter: Vcsim, name: str) -> None:
    take_snapshot(vcenter, VM, name)

    assert [each["rule"] for each in check(service)["checks"] if each["severity"] == "refuse"] == ["foreign-snapshot"]


def test_snapshot_of_a_person_is_reported_and_survives_the_backup(service: RunningService, vcenter: Vcsim) -> None:
    take_snapshot(vcenter, VM, "before the upgrade")

    rules = [each["rule"] for each in check(service)["checks"]]
    job = service.ended(service.backup(VM)["id"])

    assert "snapshots" in rules
    assert job["state"] == "succeeded"
    assert [each["name"] for each in vcenter.snapshots()[VM]] == ["before the upgrade"]


def test_task_that_runs_on_the_vm_stops_snapshots_and_is_a_warning_for_other_actions(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.fault("ReconfigVM_Task", hold="task")
    with signed_in(vcenter) as person:
        machine = vim.VirtualMachine(vcenter.vm(VM)["moref"], person._stub)
        task = machine.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="in use"))
        actions = ("backup", "snapshot-create", "power-off", "set-time-sync")
        found = {action: checked(service, action, vm=VM)["task-running"] for action in actions}
        vcenter.clear_faults()
        wait_for_task(task)

    severities = {action: check["severity"] for action, check in found.items()}
    assert severities == {
        "backup": "refuse",
        "snapshot-create": "refuse",
        "power-off": "warn",
        "set-time-sync": "warn",
    }
    assert all("reconfig" in check["message"] for check in found.values())
    assert "task-running" not in checked(service, "backup", vm=VM)


@pytest.mark.gives_back
def test_visitor_from_slack_is_refused_already_at_the_dry_run(service: RunningService) -> None:
    status, _ = service.call_as("slack:U0VISITOR", "POST", "/actions/backup/check", {"params": {"vm": VM}})

    assert status == 403


def test_hooks_run_around_the_snapshot_with_the_vm_in_their_environment(vcenter: Vcsim, tmp_path: Path) -> None:
    log = tmp_path / "hooks.log"
    hooks = {
        "VMKOPS_PRE_FREEZE": f'echo "freeze $VMKOPS_VM_NAME" >> {log}',
        "VMKOPS_POST_THAW": f'echo "thaw $VMKOPS_VM_NAME $VMKOPS_VCENTER_PASSWORD" >> {log}',
    }
    with RunningService(tmp_path / "data", vcenter_settings(vcenter) | hooks) as service:
        job = service.ended(service.backup(VM)["id"])

    assert job["state"] == "succeeded"
    assert log.read_text() == f"freeze {VM}\nthaw {VM} \n"


def test_thaw_runs_also_when_the_snapshot_fails(vcenter: Vcsim, tmp_path: Path) -> None:
    log = tmp_path / "hooks.log"
    vcenter.fault("CreateSnapshot_Task", "SnapshotFault", message="no room", as_task=True)
    hooks = {"VMKOPS_PRE_FREEZE": f"echo freeze >> {log}", "VMKOPS_POST_THAW": f"echo thaw >> {log}"}
    with RunningService(tmp_path / "data", vcenter_settings(vcenter) | hooks) as service:
        job = service.ended(service.backup(VM)["id"])

    assert job["state"] == "failed"
    assert log.read_text() == "freeze\nthaw\n"


def test_failing_pre_freeze_hook_stops_the_backup_before_the_snapshot(vcenter: Vcsim, tmp_path: Path) -> None:
    hooks = {"VMKOPS_PRE_FREEZE": "echo the database is busy; exit 3"}
    with RunningService(tmp_path / "data", vcenter_settings(vcenter) | hooks) as service:
        job = service.ended(service.backup(VM)["id"])

    assert job["state"] == "failed"
    assert job["error"]["type"] == "urn:vmkops:hook-failed"
    assert "the database is busy" in job["error"]["detail"]
    assert vcenter.count("CreateSnapshot_Task") == 0


def test_backup_that_would_take_the_space_of_the_databases_is_refused(vcenter: Vcsim, tmp_path: Path) -> None:
    keep = {"VMKOPS_KEEP_FREE": str(1 << 40)}
    with RunningService(tmp_path / "data", vcenter_settings(vcenter) | keep) as service:
        refused = [each for each in check(service)["checks"] if each["severity"] == "refuse"]

    assert [each["rule"] for each in refused] == ["backup-room"]
    assert "VMKOPS_KEEP_FREE" in refused[0]["message"]
    assert vcenter.count("CreateSnapshot_Task") == 0
