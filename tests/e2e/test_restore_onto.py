"""Restores onto a VM that exists, and of one disk, from outside: the bytes of its disks before, after, and after a
revert; and that nothing is left when a restore fails."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from tests.e2e.actions import act, begin, checked, refused, text
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require
from tests.peers.person import add_disk, signed_in, take_snapshot
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings
from tests.terminal import Terminal

ORIGIN = "DC0_H0_VM0"
SIZES_MB = (10 << 10, 40)
"""Of the two disks of the VM that is backed up; the simulator's VMs have disks of 10 GiB."""


@dataclass
class Room:
    """A vCenter, a service, a backup of a VM with two disks, and what is on these disks."""

    vcsim: Vcsim
    service: RunningService
    backup: str
    contents: list[bytes]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """Sixteen VMs, one for each test; the reaper sweeps all the time."""
    require("qemu-img")
    folder = tmp_path_factory.mktemp("onto")
    with Vcsim(("-cluster", "0", "-vm", "16")) as vcsim:
        add_disk(vcsim, ORIGIN, size_mb=SIZES_MB[1], unit=1)
        contents = []
        for number, size in enumerate(SIZES_MB):
            disk = make_vmdk(
                folder / f"{number}.vmdk", size_mb=size, seed=number + 1, filled=0.0005 if number else 1e-5
            )
            vcsim.put_disk(vcsim.vm(ORIGIN)["disks"][number]["path"], disk)
            contents.append(disk.read_bytes())
        settings = vcenter_settings(vcsim) | {"VMKOPS_REAP_SECONDS": "1"}
        with RunningService(folder / "data", settings) as service:
            job = service.ended(service.backup(ORIGIN)["id"])
            assert job["state"] == "succeeded", job["error"]
            vcsim.change_vm(ORIGIN, properties={"runtime.powerState": "poweredOff"})
            yield Room(vcsim, service, job["id"], contents)


@pytest.fixture
def vm(room: Room, request: pytest.FixtureRequest) -> Iterator[str]:
    """A VM for one test: off, with contents of its own on its one disk."""
    name = next(name for each in room.vcsim.vms() if (name := each["name"]) not in used and "-restoring-" not in name)
    used.add(name)
    power(room, name, "poweredOff")
    yield name
    room.vcsim.clear_faults()


used = {ORIGIN}
"""The VMs that a test has had, and that of the backup."""


def power(room: Room, name: str, wanted: str) -> None:
    room.vcsim.change_vm(name, properties={"runtime.powerState": wanted})
    wait_for(
        lambda: room.service.call("GET", f"/vms/{name}")[1]["power_state"] == wanted, what=f"{name} to be {wanted}"
    )


def contents(room: Room, name: str) -> list[bytes]:
    return [room.vcsim.read_disk(disk["path"]) for disk in room.vcsim.vm(name)["disks"]]


def identity(room: Room, name: str) -> tuple[Any, ...]:
    with signed_in(room.vcsim) as person:
        config: Any = vim.VirtualMachine(room.vcsim.vm(name)["moref"], person._stub).config
        macs = [each.macAddress for each in config.hardware.device if hasattr(each, "macAddress")]
        return config.uuid, config.instanceUuid, config.files.vmPathName, macs


def onto(room: Room, vm: str, **more: Any) -> dict[str, Any]:
    return {"backup": room.backup, "onto": vm, "overwrite": vm, **more}


def check_text(room: Room, params: dict[str, str]) -> str:
    """A dry run of a restore, as text over HTTP."""
    request = urllib.request.Request(
        f"{room.service.url}/actions/restore/check?format=text",
        data=json.dumps({"params": params}).encode(),
        headers={"Authorization": f"Bearer {room.service.token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read()).decode()


def unchanged(room: Room, name: str, before: tuple[Any, ...], disks: list[bytes], files: list[str], vms: int) -> None:
    """Nothing is left of a restore: no snapshot, no temporary VM, no file, and the VM has its own disks."""
    wait_for(lambda: len(room.vcsim.vms()) == vms, what="the end of the temporary VM", explain=room.service.log)
    wait_for(lambda: not room.vcsim.vm(name)["snapshots"], what="the end of the snapshot", explain=room.service.log)
    assert identity(room, name) == before
    assert contents(room, name) == disks
    assert room.vcsim.disk_files(name) == files


def left(room: Room, job: str) -> list[dict[str, Any]]:
    """The disk files of a job that the service reports."""
    reported: list[dict[str, Any]] = room.service.call("GET", "/readyz")[1]["parts"]["ledger"]["disks_left"]
    return [each for each in reported if each["job"] == job]


def test_shell_asks_for_yes_and_the_name_and_the_way_back_leads_to_the_old_disks(room: Room, vm: str) -> None:
    old, before, vms = contents(room, vm), identity(room, vm), len(room.vcsim.vms())

    with Terminal(room.service, "action", "restore", room.backup, f"onto={vm}") as terminal:
        shown = terminal.read_until("Type yes to replace the disks of")
        assert f"{vm} in the vCenter" in shown
        assert f"The backup {room.backup} is of {ORIGIN} (" in shown
        assert "Replaces disk-" in shown
        assert "Adds disk 2 of the backup" in shown
        terminal.type("yes")
        terminal.read_until("Type the name of the VM whose disks are replaced: ")
        terminal.type(vm)
        said = terminal.read_until("vmkops action snapshot-revert")
        terminal.read_until("Go back: ")
        assert terminal.wait() == 0, said

    steps = room.service.call("GET", "/jobs?action=restore&limit=1")[1]["jobs"][0]["steps"]
    assert "Replaces disk-" not in steps[0]["detail"]  # which the dry run has shown
    assert (steps[-1]["name"], steps[-1]["state"]) == ("remove the temporary VM", "succeeded")
    assert contents(room, vm) == room.contents
    assert identity(room, vm) == before
    assert len(room.vcsim.vms()) == vms
    (kept,) = room.vcsim.vm(vm)["snapshots"]
    assert kept["name"].startswith("vmkops before restore ")
    assert f"vmkops, kept {vm}: {kept['name']}" in text(room.service, f"/snapshots?q={vm}")

    back = room.service.run("action", "snapshot-revert", kept["moref"], "--yes")
    assert back.returncode == 0, back.stderr
    assert contents(room, vm) == old
    assert identity(room, vm) == before


def test_restore_onto_is_refused_until_the_name_is_typed(room: Room, vm: str) -> None:
    script = room.service.run("action", "restore", room.backup, f"onto={vm}", "--yes")
    wrong = room.service.run("action", "restore", room.backup, f"onto={vm}", "overwrite=other", "--yes")
    with Terminal(room.service, "action", "restore", room.backup, f"onto={vm}") as terminal:
        terminal.read_until("Type yes to ")
        terminal.type("yes")
        terminal.read_until("are replaced: ")
        terminal.type("somebody-else")
        terminal.read_until("Nothing was started.")
        assert terminal.wait() == 1
    without_yes = room.service.run("action", "restore", room.backup, f"onto={vm}", f"overwrite={vm}")
    nobody = room.service.run("action", "restore", room.backup, f"onto={vm}")
    dry = room.service.run("action", "restore", room.backup, f"onto={vm}", "--dry-run")
    as_text = check_text(room, {"backup": room.backup, "onto": vm})

    whole = f"vmkops action restore {room.backup} onto={vm} overwrite={vm} --yes"
    assert (nobody.returncode, dry.returncode) == (2, 1)
    assert nobody.stderr.endswith(f"In a script, add --yes. The whole command:\n  {whole}\n")
    assert without_yes.stderr.endswith(f"In a script, add --yes. The whole command:\n  {whole}\n")
    assert "refuse" not in dry.stdout + nobody.stderr
    assert f"restore of {vm} from the backup {room.backup}: may go ahead once it is confirmed" in dry.stdout
    assert "asks    for a yes first, and then for the name of the VM whose disks are replaced" in dry.stdout
    assert f"script  {whole}\n" in dry.stdout
    assert "swap the disks, remove the temporary VM\n" in dry.stdout
    assert f"confirm: To confirm, type the name of the VM whose disks are replaced again: overwrite={vm}" in as_text
    assert script.returncode == wrong.returncode == 1
    assert f"type the name of the VM whose disks are replaced again: overwrite={vm}" in script.stderr
    assert "overwrite=other is not the name" in wrong.stderr
    assert (without_yes.returncode, "add --yes" in without_yes.stderr) == (2, True)
    listed = room.service.call("GET", "/actions")[1]["actions"]
    assert next(each for each in listed if each["name"] == "restore")["type_again"]["parameter"] == "overwrite"


def test_what_cannot_be_replaced_is_refused_and_the_rest_is_explained(room: Room, vm: str) -> None:
    assert "leave name, datastore out" in refused(room.service, "restore", **onto(room, vm, name="x", datastore="y"))
    power(room, vm, "poweredOn")
    assert f"{vm} is powered on" in refused(room.service, "restore", **onto(room, vm))
    power(room, vm, "poweredOff")
    extra = add_disk(room.vcsim, vm, size_mb=8, unit=5)
    take_snapshot(room.vcsim, vm, "of a person")

    found = checked(room.service, "restore", **onto(room, vm))
    job = act(room.service, "restore", **onto(room, vm))

    assert extra in found["disk-stays"]["message"]
    assert f"of another VM, {ORIGIN}" in found["other-vm"]["message"]
    assert re.search(r"at least \d+\.\d [kM]B, and up to 10\.8 GB .* has \d+\.\d [GT]B free", found["room"]["message"])
    assert "since the backup" in found["lost"]["message"]
    assert "keep the old disks" in found["other-snapshots"]["message"]
    assert job["state"] == "succeeded", job["error"]
    assert extra in {disk["path"] for disk in room.vcsim.vm(vm)["disks"]}
    assert len(room.vcsim.vm(vm)["disks"]) == 3


def test_swap_that_fails_after_its_work_is_reverted_and_nothing_is_left(room: Room, vm: str) -> None:
    state = identity(room, vm), contents(room, vm), room.vcsim.disk_files(vm), len(room.vcsim.vms())
    room.vcsim.fault("ReconfigVM_Task", "FileLocked", object_name=vm, as_task=True, after=True)

    job = act(room.service, "restore", **onto(room, vm))

    assert job["state"] == "failed", job
    assert room.vcsim.count("RevertToSnapshot_Task") >= 1
    unchanged(room, vm, *state)


def test_snapshot_that_is_the_only_way_back_stays_and_is_named(room: Room, vm: str) -> None:
    room.vcsim.fault("ReconfigVM_Task", "FileLocked", object_name=vm, as_task=True, after=True)
    room.vcsim.fault("RevertToSnapshot_Task", "NoPermission", object_name=vm)

    job = act(room.service, "restore", **onto(room, vm))

    (kept,) = room.vcsim.vm(vm)["snapshots"]
    assert job["state"] == "failed"
    assert f"vmkops action snapshot-revert {kept['moref']}" in job["error"]["detail"]
    assert kept["name"] == f"vmkops before restore {job['id']}"
    assert not [each["name"] for each in room.vcsim.vms() if "-restoring-" in each["name"]]
    assert contents(room, vm) == room.contents

    room.vcsim.clear_faults()
    back = room.service.run("action", "snapshot-revert", kept["moref"], "--yes")
    assert back.returncode == 0, back.stderr
    files = [name for name in room.vcsim.disk_files(vm) if job["id"] in name]
    assert len(files) == 2

    def told() -> list[dict[str, Any]]:
        found = left(room, job["id"])
        return found if sorted(Path(each["file"]).name for each in found) == files else []

    reported = wait_for(told, what="the report of the new disks", explain=room.service.log)
    assert all("A VM had it after the job" in each["trouble"] for each in reported)
    assert [name for name in room.vcsim.disk_files(vm) if job["id"] in name] == files


@pytest.mark.parametrize("action", ["restore", "restore-disk"])
def test_file_that_could_not_be_deleted_is_reported_and_deleted_later(room: Room, vm: str, action: str) -> None:
    state = identity(room, vm), contents(room, vm), room.vcsim.disk_files(vm), len(room.vcsim.vms())
    room.vcsim.fault("ReconfigVM_Task", "FileLocked", object_name=vm, as_task=True)
    room.vcsim.fault("DeleteVirtualDisk_Task", "FileLocked", as_task=True)

    params = onto(room, vm) if action == "restore" else {"backup": room.backup, "disk": "2", "vm": vm}
    job = act(room.service, action, **params)

    assert job["state"] == "failed"
    told = wait_for(lambda: left(room, job["id"]), what="the report", explain=room.service.log)
    assert told[0]["vm"] == vm
    assert told[0]["file"] in job["error"]["detail"]
    assert "vmkops tries again" in job["error"]["detail"]

    room.vcsim.clear_faults()
    wait_for(lambda: room.vcsim.disk_files(vm) == state[2], what="the end of the file", explain=room.service.log)
    wait_for(lambda: not left(room, job["id"]), what="the all-clear")
    unchanged(room, vm, *state)


def test_sweep_removes_the_snapshot_of_a_restore_that_failed_before_the_swap_only(room: Room, vm: str) -> None:
    assert act(room.service, "restore", **onto(room, ORIGIN))["state"] == "succeeded"
    others = room.vcsim.snapshots()
    state = identity(room, vm), contents(room, vm), room.vcsim.disk_files(vm), len(room.vcsim.vms())
    room.vcsim.fault("ReconfigVM_Task", "FileLocked", object_name=vm, as_task=True)
    room.vcsim.fault("RemoveSnapshot_Task", "NoPermission", object_name=vm)

    job = act(room.service, "restore", **onto(room, vm))
    assert "vmkops before restore" in job["error"]["detail"]
    assert room.vcsim.vm(vm)["snapshots"]
    room.vcsim.clear_faults()

    unchanged(room, vm, *state)
    assert room.vcsim.snapshots() == others != {}


@pytest.mark.parametrize(
    ("method", "skip", "hold"),
    [("ReconfigVM_Task", 0, "answer"), ("MoveVirtualDisk_Task", 1, "call"), ("MoveVirtualDisk_Task", 1, "answer")],
    ids=["detached", "before a move", "after a move"],
)
def test_service_that_is_killed_between_detaching_and_swapping_goes_on(
    room: Room, vm: str, method: str, skip: int, hold: str
) -> None:
    vms = len(room.vcsim.vms())
    room.vcsim.fault(method, hold=hold, skip=skip, count=1)
    job = begin(room.service, "restore", **onto(room, vm))
    wait_for(lambda: room.vcsim.faults()[0]["acted"], what=f"{method} to be held", explain=room.service.log)

    room.service.kill()
    room.vcsim.clear_faults()
    room.service.start()

    assert room.service.ended(job)["state"] == "succeeded", room.service.job(job)["error"]
    assert contents(room, vm) == room.contents
    assert len(room.vcsim.vm(vm)["snapshots"]) == 1
    assert len([name for name in room.vcsim.disk_files(vm) if job in name]) == 2
    assert len(room.vcsim.vms()) == vms


def test_one_disk_is_sent_to_a_running_vm(room: Room, vm: str) -> None:
    power(room, vm, "poweredOn")
    old, vms = contents(room, vm), len(room.vcsim.vms())
    shown = room.service.run("backups", room.backup).stdout
    assert "disk 2 at scsi0:1" in shown
    assert "no disk 'scsi3:0'" in refused(room.service, "restore-disk", backup=room.backup, disk="scsi3:0", vm=vm)

    done = room.service.run("action", "restore-disk", room.backup, "disk=scsi0:1", f"vm={vm}", "--json")

    job = json.loads(done.stdout)
    assert job["state"] == "succeeded", job["error"]
    assert contents(room, vm) == [*old, room.contents[1]]
    assert (job["result"]["place"], job["result"]["file"]) == ("scsi0:1", room.vcsim.vm(vm)["disks"][1]["path"])
    assert job["progress"]["unit"] == "percent" or job["progress"]["done"] == len(room.contents[1])
    assert "rescan" in job["result"]["next"]
    assert len(room.vcsim.vms()) == vms


def test_cancelled_disk_leaves_nothing(room: Room, vm: str) -> None:
    state = identity(room, vm), contents(room, vm), room.vcsim.disk_files(vm), len(room.vcsim.vms())
    room.vcsim.fault("MoveVirtualDisk_Task", hold="answer", count=1)
    job = begin(room.service, "restore-disk", backup=room.backup, disk="1", vm=vm)
    wait_for(lambda: room.vcsim.faults()[0]["acted"], what="the move", explain=room.service.log)
    room.service.call("POST", f"/jobs/{job}/cancel")
    room.vcsim.clear_faults()

    assert room.service.ended(job)["state"] == "cancelled"
    unchanged(room, vm, *state)


def test_file_stays_when_its_vm_leaves_the_inventory_meanwhile(room: Room, vm: str) -> None:
    room.vcsim.fault("ReconfigVM_Task", hold="answer", object_name=vm, count=1)
    job = begin(room.service, "restore-disk", backup=room.backup, disk="2", vm=vm)
    wait_for(lambda: room.vcsim.faults()[0]["acted"], what="the new disk", explain=room.service.log)
    (new,) = [disk["path"] for disk in room.vcsim.vm(vm)["disks"] if job in disk["path"]]
    with signed_in(room.vcsim) as person:
        vim.VirtualMachine(room.vcsim.vm(vm)["moref"], person._stub).UnregisterVM()
    room.vcsim.clear_faults()

    assert room.service.ended(job)["state"] == "failed"
    (told,) = wait_for(lambda: left(room, job), what="the report", explain=room.service.log)
    assert told["file"] == new
    assert "A VM had it after the job" in told["trouble"]


def test_backup_file_is_not_changed(room: Room) -> None:
    package = Path(room.service.call("GET", f"/backups/{room.backup}")[1]["path"])
    assert [each.read_bytes() for each in sorted(package.glob("*.vmdk"))] == room.contents
