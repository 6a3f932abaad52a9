"""Example values that several tests share."""

from __future__ import annotations

from typing import Any

from service.api.client import (
    Job,
    JobState,
    Progress,
    Report,
    ReportGroup,
    ReportVm,
    Step,
    StepState,
    VmkerrAnswer,
    VmkerrMatch,
)

KNOWN = ("esx-3.5", "esxi-5.0", "esxi-5.1", "esxi-6.0", "ddk-2024")
"""The releases that the service knows, oldest first."""

NEWER = ["esxi-5.0", "esxi-5.1", "esxi-6.0", "ddk-2024"]
STEPS = ("quiesce", "snapshot", "unquiesce", "mount", "back up", "unmount", "remove snapshot")


def meaning(number: int, name: str, description: str, releases: list[str], errno: str = "EAGAIN") -> VmkerrMatch:
    """One meaning of a status code."""
    return VmkerrMatch(
        code=f"{number:x}",
        hex=f"0x{number:x}",
        decimal=number,
        name=name,
        errno=errno,
        description=description,
        releases=releases,
    )


RESERVATION_CONFLICT = meaning(0xBAD0022, "VMK_RESERVATION_CONFLICT", "SCSI reservation conflict", ["esx-3.5"])
READ_ONLY = meaning(0xBAD0022, "VMK_READ_ONLY", "Read only", NEWER, "EROFS")
NEWER_CONFLICT = meaning(0xBAD0023, "VMK_RESERVATION_CONFLICT", "SCSI reservation conflict", NEWER)

BOTH_READINGS = VmkerrAnswer(query="0xbad0022", kind="code", matches=(RESERVATION_CONFLICT, READ_ONLY), differs=True)


def job(state: JobState = JobState.RUNNING, **changes: Any) -> Job:
    """A backup of web-01 in this state, requested by U1, with a thread in C1."""
    values: dict[str, Any] = {
        "id": "job1",
        "action": "backup",
        "target": "web-01",
        "state": state,
        "requested_by": "slack:U1",
        "reply_to": {"slack": {"channel": "C1", "announcement_ts": "1.1", "card_ts": "1.2", "user": "U1"}},
    }
    if state.final:
        values |= {"started_at": "2026-01-31T10:00:00+00:00", "finished_at": "2026-01-31T10:03:12+00:00"}
    return Job(**values | changes)


def copying(percent: float, **changes: Any) -> Job:
    """The backup while its disk is being copied."""
    steps = [Step(name=name, state=StepState.SUCCEEDED) for name in STEPS[:4]]
    steps += [Step(name=STEPS[4], state=StepState.RUNNING)]
    steps += [Step(name=name) for name in STEPS[5:]]
    progress = Progress(done=int(percent * 42e6), total=4_200_000_000, percent=percent, rate=85_200_000, eta_seconds=28)
    return job(steps=steps, progress=progress, **changes)


def report(*groups: ReportGroup, again: str = "", state: JobState = JobState.PARTIAL, **changes: Any) -> Report:
    """The report of a fleet of backups that a schedule started, for #ops."""
    values: dict[str, Any] = {
        "action": "fleet",
        "target": "tag:gold",
        "requested_by": "schedule:nightly",
        "params": {"vms": "tag:gold", "action": "backup", "params": {"quiesce": "none"}},
    }
    made = job(state, **values | changes)
    return Report(id=made.id, channel="#ops", schedule="nightly", job=made, groups=list(groups), again=again)


def report_group(name: str, count: int, *vms: str, why: str = "", job: str = "") -> ReportGroup:
    """A group of a report."""
    return ReportGroup(name=name, count=count, vms=[ReportVm(vm=vm, job=job, why=why) for vm in vms])
