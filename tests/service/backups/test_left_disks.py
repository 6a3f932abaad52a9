"""A disk file that a failed restore has left is deleted only while nobody can need it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.api.models import Job, JobState
from service.backups.left_disks import CLAIM, why_not_delete
from service.store.disk_ledger import DiskRow

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "used", "why"),
    [
        (timedelta(minutes=1), False, ""),
        (timedelta(minutes=1), True, "A VM had it"),
        (CLAIM + timedelta(seconds=1), False, "more than a day ago"),
        (None, False, "more than a day ago"),
    ],
)
def test_file_that_somebody_may_need_is_not_deleted(age: timedelta | None, used: bool, why: str) -> None:
    row = DiskRow(
        job="j",
        number=1,
        vcenter="default",
        datacenter="datacenter-2",
        vm="vm-1",
        vm_name="web",
        source="[ds] web-restoring-j/disk-0.vmdk",
        target="[ds] web/web-restored-j-1.vmdk",
        used_at=NOW.isoformat() if used else None,
    )
    job = age and Job(id="j", action="restore", target="t", state=JobState.FAILED, finished_at=(NOW - age).isoformat())

    reason = why_not_delete(row, job, NOW)

    assert why in reason
    assert bool(reason) == bool(why)
