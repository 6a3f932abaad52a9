"""Exports: for every call, what can go wrong with it.

Whatever happens, there is one complete package in the end or nothing of it, and no open lease that vmkops knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyVmomi import vim

from tests.e2e.faults.cases import COLUMNS, Row
from tests.e2e.faults.export_cases import EXPORT
from tests.e2e.faults.stage import Part, Stage, hold_to_the_table, staged
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require
from tests.peers.person import wait_for_task

VMS = {row.name: f"DC0_H0_VM{number}" for number, row in enumerate(EXPORT)}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A VM that is off, with a disk, for each row."""
    require("qemu-img")
    folder = tmp_path_factory.mktemp("faults")
    disk = make_vmdk(folder / "disk.vmdk", size_mb=3, seed=13)
    with staged(("-vm", str(len(EXPORT)), "-cluster", "0"), folder / "data") as stage:
        for name in VMS.values():
            vm = stage.vcsim.vm(name)
            stage.vcsim.put_disk(vm["disks"][0]["path"], disk)
            wait_for_task(vim.VirtualMachine(vm["moref"], stage.person._stub).PowerOffVM_Task())
        stage.disk = disk.read_bytes()
        yield stage


@pytest.mark.timeout(900)
@pytest.mark.parametrize("column", [each for each in COLUMNS if each != "task fails"])
def test_exports_end_as_the_table_says(stage: Stage, column: str) -> None:
    leases = len(stage.vcsim.leases())
    parts = [Part(row=row, about=VMS[row.name], params={"vm": VMS[row.name]}) for row in EXPORT]

    # A login over a lost session leaves the leases of the old one behind, those of other jobs too.
    jobs = stage.play(column, parts, one_by_one=column == "session lost")

    found = {row.name: end_of(stage, row, column, jobs[row.name]) for row in EXPORT}
    hold_to_the_table({row.name: row.end(column) for row in EXPORT}, found)
    open_ones = {each["vm"] for each in stage.vcsim.leases()[leases:] if each["state"] == "ready"}
    assert open_ones <= {VMS[row.name] for row in EXPORT if row.may_leave_lease(column)}


def end_of(stage: Stage, row: Row, column: str, job: dict[str, Any]) -> str:
    """How the export has ended; fails when something that must hold does not."""
    where = f"{row.name}, {column}: {job}"
    written = list((stage.service.data_dir / "exports").glob(f"*/{job['id']}*"))
    if job["state"] == "succeeded":
        assert [str(each) for each in written] == [job["result"]["path"]], where
        disk = Path(job["result"]["path"]) / job["result"]["disks"][0]["file"]
        assert disk.read_bytes() == stage.disk, where
    else:
        assert job["error"]["detail"], where
        assert "Unexpected" not in job["error"]["detail"], where
        assert not written, where
    return str(job["state"])
