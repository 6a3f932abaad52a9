"""What a job says of its snapshot and its disk files in its last moments counts, also for a sweep under way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service.api.models import Job, JobState
from service.api.settings import Settings
from service.backups import left_disks
from service.reaper import Reaper
from service.store.database import open_database
from service.store.disk_ledger import DiskLedger, DiskRow
from service.store.snapshot_ledger import SnapshotLedger

JOB = "0123456789abcdef"


class EndingJobs:
    """Jobs of which one ends just when somebody asks for it, after the rows of the ledger were read."""

    def __init__(self, last_act: Callable[[], Awaitable[None]]) -> None:
        self._last_act = last_act

    async def get(self, job_id: str) -> Job:
        await self._last_act()
        now = datetime.now(UTC).isoformat()
        return Job(id=job_id, action="restore", target="web", state=JobState.FAILED, finished_at=now)


async def test_snapshot_that_a_job_keeps_at_its_end_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = SnapshotLedger(open_database(Settings.model_validate({"VMKOPS_DATA_DIR": tmp_path})))
    await ledger.intend(JOB, "default", "vm-1", "web")
    await ledger.taken(JOB, "snapshot-1")
    removed: list[str] = []

    async def remove(_: Reaper, row: Any) -> str:
        removed.append(row.moref)
        return ""

    monkeypatch.setattr(Reaper, "_remove_snapshot", remove)
    context: Any = SimpleNamespace(ledger=ledger)
    jobs: Any = EndingJobs(lambda: ledger.keep(JOB))

    await Reaper(context, jobs, audit=None)._end_snapshots()  # type: ignore[arg-type]

    assert removed == []
    assert [row.moref for row in await ledger.kept_rows()] == ["snapshot-1"]


async def test_disk_file_that_a_vm_may_need_at_the_end_of_its_job_is_not_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disks = DiskLedger(open_database(Settings.model_validate({"VMKOPS_DATA_DIR": tmp_path})))
    where = {"vcenter": "default", "datacenter": "datacenter-2", "vm": "vm-1", "vm_name": "web"}
    row = DiskRow(job=JOB, number=1, source="[ds] made/disk-0.vmdk", target="[ds] web/web-1.vmdk", **where)
    await disks.intend([row])
    deleted: list[str] = []

    async def is_there(*_: object) -> bool:
        return True

    async def nobody(*_: object) -> list[Any]:
        return []

    async def delete(_: object, __: str, path: str) -> None:
        deleted.append(path)

    monkeypatch.setattr(left_disks, "find_disk", is_there)
    monkeypatch.setattr(left_disks, "users_of", nobody)
    monkeypatch.setattr(left_disks, "delete_disk", delete)
    vcenters = SimpleNamespace(link=lambda _: SimpleNamespace(session=None), shown=lambda _, name: name)
    context: Any = SimpleNamespace(disks=disks, vcenters=vcenters)
    jobs: Any = EndingJobs(lambda: disks.used(row))

    told = await left_disks.LeftDisks(context, jobs).sweep()

    assert deleted == []
    assert [each["vm"] for each in told] == ["web"]
