"""Restores onto a VM, and of one disk: for every call, what can go wrong with it.

Whatever happens, the VM has the disks of the backup and a snapshot to go back to, or the disks that it had and nothing
else; what could not be removed is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.faults.cases import COLUMNS, Row
from tests.e2e.faults.restore_cases import ONTO
from tests.e2e.faults.stage import Part, Stage, hold_to_the_table, staged
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require

ORIGIN = "DC0_H0_VM0"
VMS = {row.name: f"DC0_H0_VM{number + 1}" for number, row in enumerate(ONTO)}
TEMPORARY = "-restoring-"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A backup, and a VM that is off for each row."""
    require("qemu-img")
    folder = tmp_path_factory.mktemp("faults")
    disk = make_vmdk(folder / "disk.vmdk", size_mb=10 << 10, seed=5, filled=1e-5)
    with staged(("-cluster", "0", "-vm", str(len(ONTO) + 1)), folder / "data") as stage:
        stage.vcsim.put_disk(stage.vcsim.vm(ORIGIN)["disks"][0]["path"], disk)
        stage.disk = disk.read_bytes()
        assert stage.service.ended(stage.service.backup(ORIGIN)["id"])["state"] == "succeeded"
        for vm in VMS.values():
            stage.vcsim.change_vm(vm, properties={"runtime.powerState": "poweredOff"})
        yield stage


@pytest.mark.timeout(900)
@pytest.mark.parametrize("column", COLUMNS)
def test_restores_onto_a_vm_end_as_the_table_says(stage: Stage, column: str) -> None:
    rows = [row for row in ONTO if not row.why_blank(column)]
    before = {row.name: paths(stage, VMS[row.name]) for row in rows}

    jobs = stage.play(column, [part(row) for row in rows], one_by_one=column == "session lost")

    found = {row.name: end_of(stage, row, column, jobs[row.name], before[row.name]) for row in rows}
    hold_to_the_table({row.name: row.end(column) for row in rows}, found)


def part(row: Row) -> Part:
    """What the row is asked with."""
    vm, backup = VMS[row.name], {"backup": f"newest:{ORIGIN}"}
    params = {"disk": "1", "vm": vm} if row.action == "restore-disk" else {"onto": vm, "overwrite": vm}
    return Part(row=row, about=vm, params=backup | params)


def paths(stage: Stage, vm: str) -> list[str]:
    """The files of the disks that a VM has."""
    return [disk["path"] for disk in stage.vcsim.vm(vm)["disks"]]


def end_of(stage: Stage, row: Row, column: str, job: dict[str, Any], before: list[str]) -> str:
    """How the job has ended; fails when something that must hold does not."""
    where, vm = f"{row.name}, {column}: {job}", VMS[row.name]
    ours = [each for each in stage.vcsim.vm(vm)["snapshots"] if job["id"] in str(each)]
    temporary = [each["name"] for each in stage.vcsim.vms() if f"{TEMPORARY}{job['id'][:8]}" in each["name"]]
    files = [name for name in stage.vcsim.disk_files(vm) if job["id"] in name]
    reported = bool(job["error"]) and any(
        words in job["error"]["detail"] for words in ("could not be", "snapshot-revert")
    )
    if job["state"] == "succeeded":
        new = [path for path in paths(stage, vm) if job["id"] in path]
        assert [stage.vcsim.read_disk(path) for path in new] == [stage.disk], where
        assert len(ours) == (row.action == "restore"), where
        assert not temporary, where
        return "succeeded"
    assert "Unexpected" not in job["error"]["detail"], where
    if reported:
        assert ours or temporary or files, where
        return f"{job['state']}, reported"
    assert paths(stage, vm) == before, where
    assert [*ours, *temporary, *files] == [], where
    return str(job["state"])
