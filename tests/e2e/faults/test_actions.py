"""All other actions: for every call, what can go wrong with it.

The job ends in the state that the table shows, with a reason, and the requested change was made once or not at all. A
snapshot that a person took is untouched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pyVmomi import vim

from tests.e2e.faults.action_cases import ACTIONS, HARMLESS, MERGE, TAKE
from tests.e2e.faults.cases import COLUMNS, Row
from tests.e2e.faults.stage import ENOUGH_SECONDS, Part, Stage, hold_to_the_table, staged
from tests.peers.person import wait_for_task
from tests.peers.waiting import wait_for

THEIRS, THEIRS_TOO = "before the upgrade", "after the upgrade"
ON_HOSTS = ("host-maintenance-enter", "host-maintenance-exit", "rescan", "iscsi-add-target")
ABOUT = {
    row.name: f"DC0_H{number}" if row.action in ON_HOSTS else f"DC0_H{number}_VM0" for number, row in enumerate(ACTIONS)
}
QUESTION = {"id": "7", "text": "The VM was moved or copied.", "choices": {"0": "Cancel", "1": "I moved it"}}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A host with two VMs for each row."""
    data = tmp_path_factory.mktemp("faults") / "data"
    with staged(("-host", str(len(ACTIONS)), "-vm", "2", "-cluster", "0"), data) as stage:
        yield stage


@pytest.mark.timeout(900)
@pytest.mark.parametrize("column", COLUMNS)
def test_actions_end_as_the_table_says(stage: Stage, column: str) -> None:
    rows = [row for row in ACTIONS if not row.why_blank(column)]
    parts = [Part(row=row, about=ABOUT[row.name], params=arranged(stage, row, column)) for row in rows]
    stage.vcsim.reset_calls()

    jobs = stage.play(column, parts)

    found = {row.name: end_of(stage, row, column, jobs[row.name]) for row in rows}
    hold_to_the_table({row.name: row.end(column) for row in rows}, found)


def arranged(stage: Stage, row: Row, column: str) -> dict[str, Any]:
    """Bring the VM or host of the row into the state that the action is for; returns the action's parameters."""
    about, number = ABOUT[row.name], COLUMNS.index(column)
    if row.action == "ping":
        return {}
    if row.action in ON_HOSTS:
        leaving = row.action == "host-maintenance-exit"
        for vm in (f"{about}_VM0", f"{about}_VM1"):
            stage.vcsim.change_vm(vm, properties={"runtime.powerState": "poweredOff"})  # nothing to wait for
        stage.vcsim.change_object("HostSystem", about, {"runtime.inMaintenanceMode": leaving})
        if row.call == "AddInternetScsiStaticTargets":
            return {"host": about, "type": "static", "address": f"192.0.2.{number},iqn.1992-04.com.example:array"}
        if row.action == "iscsi-add-target":
            return {"host": about, "address": f"192.0.2.{number}"}
        return {"host": about, **({"hba": "vmhba64"} if row.call == "RescanHba" else {})}
    off = row.action in ("power-on", "serial-pipe")
    stage.vcsim.change_vm(about, properties={"runtime.powerState": "poweredOff" if off else "poweredOn"})
    machine = machine_of(stage, about)
    match row.action:
        case "migrate":
            here = str(machine.runtime.host.name)
            return {"vm": about, "host": next(each for each in ("DC0_H0", about.replace("_VM0", "")) if each != here)}
        case "set-time-sync":
            return {"vm": about, "enabled": not machine.config.tools.syncTimeWithHost}
        case "answer-question":
            stage.vcsim.change_vm(about, question=QUESTION)
            return {"vm": about, "choice": "1"}
        case "disconnect-removables":
            drive = next(
                each for each in machine.config.hardware.device if isinstance(each, vim.vm.device.VirtualCdrom)
            )
            drive.connectable.connected = drive.connectable.startConnected = True
            change(stage, machine, vim.vm.device.VirtualDeviceSpec(operation="edit", device=drive))
        case "serial-pipe":
            peer = about.replace("_VM0", "_VM1")
            stage.vcsim.change_vm(peer, properties={"runtime.powerState": "poweredOff"})
            for each in (machine, machine_of(stage, peer)):
                for port in serial_ports(each):
                    change(stage, each, vim.vm.device.VirtualDeviceSpec(operation="remove", device=port))
            return {"vm": about, "peer": peer, "path": "/vmfs/volumes/datastore1/pipe"}
        case "consolidate":
            stage.vcsim.change_vm(about, consolidation_needed=True)
        case "snapshot-create":
            names = snapshots(stage, about)
            if not names:
                take(stage, machine, THEIRS)
        case "snapshot-remove" | "snapshot-revert":
            stage.vcsim.change_vm(
                about, consolidation_needed=False, consolidation_needed_after_remove=row.call == MERGE
            )
            if THEIRS not in snapshots(stage, about):
                take(stage, machine, THEIRS)
            take(stage, machine, THEIRS_TOO)
            moref = machine.snapshot.currentSnapshot._moId
            wait_for(lambda: moref in listed(stage), what="the snapshot in the inventory")
            return {"snapshot": moref}
    return {"vm": about}


def end_of(stage: Stage, row: Row, column: str, job: dict[str, Any]) -> str:
    """How the action has ended; fails when something that must hold does not."""
    about, state = ABOUT[row.name], str(job["state"])
    where = f"{row.name}, {column}: {job}"
    if state not in ("succeeded", "partial"):
        assert job["error"]["detail"], where
        assert "Unexpected" not in job["error"]["detail"], where
    if row.action.startswith("snapshot"):
        assert THEIRS in snapshots(stage, about), where
    if row.action == "serial-pipe" and state == "succeeded":
        ends = [len(serial_ports(machine_of(stage, name))) for name in (about, about.replace("_VM0", "_VM1"))]
        if ends != [1, 1]:
            return f"{state} with {ends} serial ports"
    if not row.changes:
        return state
    done = stage.vcsim.done(row.effect or row.call, about)
    if row.action == "snapshot-create" and state == "cancelled":
        assert done == stage.vcsim.done("RemoveSnapshot_Task", about), where
        return state
    if row.call == TAKE and column == "late":
        left = {"timeout": ENOUGH_SECONDS, "explain": stage.service.log}
        wait_for(lambda: done - stage.vcsim.done("RemoveSnapshot_Task", about) == 1, what="the sweep", **left)
        done = 1
    if done == 2 and column == "late" and row.call in HARMLESS:
        done = 1
    if done > 1 or (done == 0 and state in ("succeeded", "partial")):
        return f"{state}, done {done} times"
    return f"{state}, done" if done and state not in ("succeeded", "partial") else state


def machine_of(stage: Stage, name: str) -> Any:
    """The VM, as the person sees it."""
    return vim.VirtualMachine(stage.vcsim.vm(name)["moref"], stage.person._stub)


def change(stage: Stage, machine: Any, device: Any) -> None:
    """The person changes a device."""
    wait_for_task(machine.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[device])))


def take(stage: Stage, machine: Any, name: str) -> None:
    """The person takes a snapshot."""
    task = machine.CreateSnapshot_Task(name=name, description="", memory=False, quiesce=False)
    wait_for_task(task)


def listed(stage: Stage) -> set[str]:
    """The morefs of the snapshots that the service knows."""
    return {each["moref"] for each in stage.service.call("GET", "/snapshots")[1]["snapshots"]}


def serial_ports(machine: Any) -> list[Any]:
    """The VM's serial ports."""
    return [each for each in machine.config.hardware.device if isinstance(each, vim.vm.device.VirtualSerialPort)]


def snapshots(stage: Stage, vm: str) -> list[str]:
    """The names of the VM's snapshots."""
    waiting, found = list(stage.vcsim.snapshots().get(vm, [])), []
    while waiting:
        node = waiting.pop()
        waiting += node["children"]
        found.append(node["name"])
    return found
