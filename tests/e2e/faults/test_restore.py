"""Restores: every call x what can go wrong with it.

Whatever happens, there is one whole VM in the end, powered off, or none; of one that cannot be removed the job tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.faults.cases import COLUMNS, Row
from tests.e2e.faults.restore_cases import RESTORE
from tests.e2e.faults.stage import Part, Stage, hold_to_the_table, staged
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require

VM = "DC0_H0_VM0"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A vCenter, a service, and a backup of a VM whose disk is mostly empty."""
    require("qemu-img")
    folder = tmp_path_factory.mktemp("faults")
    disk = make_vmdk(folder / "disk.vmdk", size_mb=10 << 10, seed=3, filled=0.0002)
    with staged(("-cluster", "0"), folder / "data") as stage:
        stage.vcsim.put_disk(stage.vcsim.vm(VM)["disks"][0]["path"], disk)
        assert stage.service.ended(stage.service.backup(VM)["id"])["state"] == "succeeded"
        yield stage


@pytest.mark.timeout(900)
@pytest.mark.parametrize("column", COLUMNS)
def test_restores_end_as_the_table_says(stage: Stage, column: str) -> None:
    rows = [row for row in RESTORE if not row.why_blank(column)]
    before = names(stage)

    # A login over a lost session leaves the leases of the old one behind, those of other jobs too.
    jobs = stage.play(column, [part(row, column) for row in rows], one_by_one=column == "session lost")

    found = {row.name: end_of(stage, row, column, jobs[row.name]) for row in rows}
    hold_to_the_table({row.name: row.end(column) for row in rows}, found)
    restored = {row.name: job for row in rows if (job := jobs[row.name])["action"] == "restore"}
    whole = {job["params"]["name"] for job in restored.values() if job["state"] == "succeeded"}
    told = {job["params"].get("name") or f"{VM}-drill-{job['id'][:8]}" for job in jobs.values() if is_told(job)}
    assert whole <= names(stage) - before <= whole | told


def part(row: Row, column: str) -> Part:
    """What the row restores, and as what."""
    backup = f"newest:{VM}"
    if row.action == "restore-drill":
        return Part(row=row, about="", params={"backup": backup})
    name = f"{column}-{RESTORE.index(row)}".replace(" ", "-")
    return Part(row=row, about=name, params={"backup": backup, "name": name})


def end_of(stage: Stage, row: Row, column: str, job: dict[str, Any]) -> str:
    """How a restore has ended, once all that has to hold of it holds."""
    where = f"{row.name}, {column}: {job}"
    if job["state"] == "succeeded":
        if row.action == "restore":
            made = stage.vcsim.vm(job["result"]["vm"]["name"])
            assert made["power_state"] == "poweredOff", where
            assert [disk["capacity"] for disk in made["disks"]] == job["result"]["disks"], where
        return "succeeded"
    assert job["error"]["detail"], where
    assert "Unexpected" not in job["error"]["detail"], where
    return f"{job['state']}, told" if is_told(job) else str(job["state"])


def is_told(job: dict[str, Any]) -> bool:
    """Whether the job says that it had to leave a VM."""
    return bool(job["error"]) and "still there" in job["error"]["detail"]


def names(stage: Stage) -> set[str]:
    """The VMs of the vCenter."""
    return {vm["name"] for vm in stage.vcsim.vms()}
