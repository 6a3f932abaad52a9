"""An unfinished VM of a restore is removed only while nobody else can have started to use it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.api.models import Job, JobState
from service.reaper import CLAIM, is_passing, is_unfinished, why_not_remove
from service.vsphere.inventory import Vm

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("power", "age", "why"),
    [
        ("poweredOff", timedelta(minutes=1), ""),
        ("poweredOn", timedelta(minutes=1), "somebody uses it"),
        ("suspended", timedelta(minutes=1), "somebody uses it"),
        ("poweredOff", CLAIM + timedelta(seconds=1), "somebody may use it"),
    ],
)
def test_unfinished_vm_that_somebody_may_use_is_not_removed(power: str, age: timedelta, why: str) -> None:
    vm = Vm(moref="vm-1", name="half", power_state=power)
    job = Job(id="j", action="restore", target="t", state=JobState.FAILED, finished_at=(NOW - age).isoformat())

    reason = why_not_remove(vm, job, NOW)

    assert why in reason
    assert bool(reason) == bool(why)


@pytest.mark.parametrize(
    ("name", "action", "state", "late"),
    [
        ("web-drill-01234567", "restore-drill", JobState.SUCCEEDED, True),
        ("web-drill-01234567", "restore-drill", JobState.RUNNING, False),
        ("a clone of it", "restore-drill", JobState.SUCCEEDED, False),
        ("web-drill-01234567", "restore", JobState.SUCCEEDED, False),
        ("web-restoring-01234567", "restore", JobState.SUCCEEDED, True),
        ("web-restoring-01234567", "restore-disk", JobState.SUCCEEDED, True),
        ("web-restoring-01234567", "restore", JobState.RUNNING, False),
        ("web-restored-01234567", "restore", JobState.SUCCEEDED, False),
        ("web-restoring-76543210", "restore", JobState.SUCCEEDED, False),
        ("web-restoring-01234567", "import-ovf", JobState.SUCCEEDED, False),
    ],
)
def test_vm_that_a_job_makes_for_a_while_is_removed_when_it_comes_after_the_job(
    name: str, action: str, state: JobState, late: bool
) -> None:
    vm = Vm(moref="vm-1", name=name, power_state="poweredOff")

    assert is_passing(vm, Job(id="0123456789abcdef", action=action, target="t", state=state)) is late


@pytest.mark.parametrize(
    ("name", "action", "state", "unfinished"),
    [
        ("half", "restore", JobState.FAILED, True),
        ("half", "import-ovf", JobState.CANCELLED, True),
        ("half", "restore", JobState.SUCCEEDED, False),
        ("a clone of it", "restore", JobState.FAILED, False),
        ("web-restored-01234567", "restore", JobState.FAILED, True),
        ("web-restoring-01234567", "restore", JobState.FAILED, True),
        ("web-restoring-01234567", "restore-disk", JobState.CANCELLED, True),
        ("web-drill-01234567", "restore-drill", JobState.FAILED, True),
        ("web-drill-01234567-clone", "restore-drill", JobState.FAILED, False),
        ("web-drill-76543210", "restore-drill", JobState.FAILED, False),
    ],
)
def test_vm_of_a_failed_job_is_unfinished_only_under_the_name_that_the_job_gives_it(
    name: str, action: str, state: JobState, unfinished: bool
) -> None:
    vm = Vm(moref="vm-1", name=name, power_state="poweredOff")
    job = Job(id="0123456789abcdef", action=action, target="t", state=state, params={"name": "half"})

    assert is_unfinished(vm, job) is unfinished
