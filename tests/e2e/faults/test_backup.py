"""Backups and mounts: for every call and step, what can go wrong with it.

Whatever happens, the job ends in the state that the table shows, with a reason; at most one snapshot was taken, and one
that is left is reported; the snapshot that a person took is untouched; no lease stays open; and a package is complete
or missing. A mount is staged only when all of it went well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from tests.e2e.faults.backup_cases import BACKUP, MERGE, MOUNTING, TAKE
from tests.e2e.faults.cases import COLUMNS, Row
from tests.e2e.faults.stage import ENOUGH_SECONDS, Moment, Part, Stage, hold_to_the_table
from tests.e2e.faults.stage import staged as set_stage
from tests.e2e.test_backup import verify
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require
from tests.peers.person import wait_for_task
from tests.peers.waiting import wait_for

THEIRS = "before the upgrade"
ROWS = [*BACKUP, *MOUNTING]
VMS = {row.name: f"DC0_H0_VM{number}" for number, row in enumerate(ROWS)}
HOOK = 'd={dir}; touch "$d/$VMKOPS_VM_NAME.begun"; while [ -e "$d/$VMKOPS_VM_NAME" ]; do sleep 0.05; done'


class HookRuns(Moment):
    """A hook that runs as long as a file exists."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder

    @property
    def command(self) -> str:
        """The setting."""
        return HOOK.format(dir=self.folder)

    def hold(self, about: str) -> None:
        (self.folder / f"{about}.begun").unlink(missing_ok=True)
        (self.folder / about).touch()

    def reached(self, about: str) -> bool:
        return (self.folder / f"{about}.begun").exists()

    def release(self) -> None:
        for file in self.folder.iterdir():
            if file.suffix != ".begun":
                file.unlink()


class HalfRead(Moment):
    """A download that stalls."""

    stage: Stage

    def hold(self, about: str) -> None:
        self.stage.vcsim.nfc(stall_after_bytes=1_000_000, vm=about)

    def reached(self, about: str) -> bool:
        return any(each["result"] == "running" and each["bytes"] for each in self.stage.vcsim.transfers())

    def release(self) -> None:
        self.stage.vcsim.reset_nfc()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A VM with a disk and a person's snapshot for each row."""
    require("qemu-img")
    folder = tmp_path_factory.mktemp("faults")
    disk = make_vmdk(folder / "disk.vmdk", size_mb=3, seed=11)
    freeze, thaw, half = HookRuns(folder / "freeze"), HookRuns(folder / "thaw"), HalfRead()
    settings = {
        "VMKOPS_PRE_FREEZE": freeze.command,
        "VMKOPS_POST_THAW": thaw.command,
        "VMKOPS_REAP_SECONDS": "1",
    }
    with set_stage(("-vm", str(len(ROWS)), "-cluster", "0"), folder / "data", settings) as stage:
        half.stage = stage
        stage.moments = {
            "<the hook before the freeze runs>": freeze,
            "<the hook after the thaw runs>": thaw,
            "<half of a disk is read>": half,
        }
        for name in VMS.values():
            vm = stage.vcsim.vm(name)
            stage.vcsim.put_disk(vm["disks"][0]["path"], disk)
            machine = vim.VirtualMachine(vm["moref"], stage.person._stub)
            task = machine.CreateSnapshot_Task(name=THEIRS, description="", memory=False, quiesce=False)
            wait_for_task(task)
        stage.disk = disk.read_bytes()
        yield stage


@pytest.mark.timeout(900)
@pytest.mark.parametrize("column", COLUMNS)
def test_backups_end_as_the_table_says(stage: Stage, column: str) -> None:
    rows = [row for row in ROWS if not row.why_blank(column)]
    for merging in [VMS[row.name] for row in ROWS if row.call == MERGE]:
        stage.vcsim.change_vm(merging, consolidation_needed=False, consolidation_needed_after_remove=True)
    stage.vcsim.reset_calls()
    leases = len(stage.vcsim.leases())

    jobs = stage.play(column, [Part(row=row, about=VMS[row.name], params={"vm": VMS[row.name]}) for row in rows])

    found = {row.name: end_of(stage, row, column, jobs[row.name]) for row in rows}
    hold_to_the_table({row.name: row.end(column) for row in rows}, found)
    swept = {"timeout": ENOUGH_SECONDS, "explain": stage.service.log}
    wait_for(lambda: not any(ours(stage, name) for name in VMS.values()), what="the sweep", **swept)
    wait_for(lambda: not left(stage), what="the all-clear", **swept)
    open_ones = {each["vm"] for each in stage.vcsim.leases()[leases:] if each["state"] == "ready"}
    assert open_ones <= {VMS[row.name] for row in rows if row.may_leave_lease(column)}


def end_of(stage: Stage, row: Row, column: str, job: dict[str, Any]) -> str:
    """How the job has ended; fails when something that must hold does not."""
    vm = VMS[row.name]
    where = f"{row.name}, {column}: {job}"
    if row.action == "mount":
        package = staged(stage, vm, job, where)
    else:
        package = list((stage.service.data_dir / "backups").glob(f"*/{job['id']}*"))
    left_behind = bool(job["error"]) and job["error"]["type"] == "urn:vmkops:snapshot-left"
    assert THEIRS in snapshots(stage, vm), where
    taken = stage.vcsim.done("CreateSnapshot_Task", vm)
    assert taken <= (2 if column == "late" and row.call == TAKE else 1), where
    if job["state"] in ("succeeded", "partial"):
        assert [item.name for item in package] == [vm if row.action == "mount" else job["id"]], where
        verify(package[0])
        assert next(package[0].glob("*.vmdk")).read_bytes() == stage.disk, where
        assert ours(stage, vm) == [], where
        assert stage.vcsim.done("RemoveSnapshot_Task", vm) == taken > 0, where
    else:
        assert job["error"]["detail"], where
        assert "Unexpected" not in job["error"]["detail"], where
        assert not [item for item in package if item.name != job["id"]], where
    if row.action == "mount" and package:
        assert stage.service.call("DELETE", f"/mounts/{vm}")[0] == 200, where
        assert not package[0].exists(), where
    if left_behind:
        assert vm in job["error"]["detail"], where
    return f"{job['state']}, reported" if left_behind else str(job["state"])


def staged(stage: Stage, vm: str, job: dict[str, Any], where: str) -> list[Path]:
    """The folder that the mount has staged, if it has; no folder may be left half-staged."""
    mounts = stage.service.data_dir / "mounts"
    assert not list(mounts.glob(f".vmkops-{job['id']}*")), where
    return [each for each in [mounts / vm] if each.exists()]


def snapshots(stage: Stage, vm: str) -> list[str]:
    """The names of the VM's snapshots."""
    waiting, found = list(stage.vcsim.snapshots().get(vm, [])), []
    while waiting:
        node = waiting.pop()
        waiting += node["children"]
        found.append(node["name"])
    return found


def ours(stage: Stage, vm: str) -> list[str]:
    """The names of those that vmkops took."""
    return [name for name in snapshots(stage, vm) if name.startswith("vmkops")]


def left(stage: Stage) -> list[dict[str, Any]]:
    """The snapshots that /readyz reports."""
    return list(stage.service.call("GET", "/readyz")[1]["parts"]["ledger"]["snapshots_left"])
