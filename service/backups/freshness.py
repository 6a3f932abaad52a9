"""Which VMs have no recent good backup; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import AwareDatetime, Field

from service.api.models import Freshness, Value
from service.api.vcenter import DEFAULT
from service.api.words import counted
from service.backups.catalogue import KeptBackup, KeptVm
from service.backups.owner import Owner, Owners

AGE = r"[0-9]{1,4}[mhd]"
"""Minutes, hours or days, such as `90m`, `24h`, `7d`."""
UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class StaleVm(Value):
    """A VM without a recent good backup, and why."""

    vm: str
    vcenter: str = DEFAULT
    moref: str
    last_good: str = ""
    """The id of its newest backup that is good and has no missing disk; empty when there is none."""
    last_good_at: AwareDatetime | None = None
    age_seconds: int | None = None
    reason: str


class ManagedVm(Value):
    """A VM that an extension of vCenter manages; `managed_by` is the key of the extension."""

    vm: str
    vcenter: str = DEFAULT
    moref: str
    managed_by: str


class UnscheduledVm(Value):
    """A VM that no schedule backs up."""

    vm: str
    vcenter: str = DEFAULT
    moref: str


class FreshnessReport(Value):
    """VMs without a recent good backup; templates, and VMs that another product manages, are not counted."""

    older_than: str
    """The oldest that a good backup may be; with `schedules`, it holds for none of the VMs."""
    schedules: list[str] = Field(default_factory=list)
    """The schedules that the VMs are judged by, each VM by those that select it; empty when `older_than` counts."""
    unscheduled: list[UnscheduledVm] = Field(default_factory=list)
    """VMs that none of these schedules selects."""
    vms_checked: int
    stale: list[StaleVm]
    managed: list[ManagedVm] = Field(default_factory=list)
    """VMs that are not counted because an extension of vCenter made and manages them, such as vCLS."""
    inventory: list[Freshness]
    """How up to date the list of VMs of each vCenter is."""


class Plan(NamedTuple):
    """A schedule that backs VMs up: which ones, since when there must be a good backup, and what failed last time."""

    name: str
    vms: frozenset[tuple[str, str]]
    """Each by its vCenter and moref."""
    since: datetime | None
    """When the schedule was due the last time but one; None when it never was."""
    last_at: datetime | None = None
    """When it fired last."""
    trouble: str = ""
    """Why the last firing backed up nothing, as a sentence."""
    failed: Mapping[tuple[str, str], str] = {}
    """Why the last firing backed up none of these VMs."""


def read_duration(text: str) -> timedelta:
    """The duration that `text` means, which matches `AGE`."""
    return int(text[:-1]) * UNITS[text[-1]]


def stale_vms(
    backups: Iterable[KeptBackup], vms: Iterable[KeptVm], older_than: timedelta, now: datetime
) -> list[StaleVm]:
    """Those of `vms` whose newest good backup is older than `older_than`, or that have none.

    A backup counts for the VM that it was made of, even when the VM was renamed or registered anew.
    """
    there = list(vms)
    return [
        stale
        for vm, own in zip(there, _own(backups, there), strict=True)
        if (stale := _check(vm, own, older_than, now))
    ]


def stale_by_plans(
    backups: Iterable[KeptBackup], vms: Iterable[KeptVm], plans: Sequence[Plan], now: datetime
) -> tuple[list[StaleVm], list[UnscheduledVm]]:
    """The VMs without the good backup that the schedules that select them should have made, and those without any.

    A VM is stale when its newest good backup is older than two periods of a schedule, and when there is none since the
    last firing of a schedule because that failed, was skipped or came to nothing.
    """
    there = list(vms)
    stale: list[StaleVm] = []
    unscheduled: list[UnscheduledVm] = []
    for vm, own in zip(there, _own(backups, there), strict=True):
        key = vm.vcenter, vm.moref
        judging = [plan for plan in plans if key in plan.vms]
        if not judging:
            unscheduled.append(UnscheduledVm(vm=vm.name, vcenter=vm.vcenter, moref=vm.moref))
            continue
        found = [each for plan in judging if (each := _by_plan(vm, own, plan, now))]
        stale += found[:1]
    return stale, unscheduled


def _by_plan(vm: KeptVm, own: list[KeptBackup], plan: Plan, now: datetime) -> StaleVm | None:
    trouble = plan.trouble or plan.failed.get((vm.vcenter, vm.moref), "")
    missed = _check(vm, own, now - plan.last_at, now) if trouble and plan.last_at else None
    old = missed or _check(vm, own, now - plan.since if plan.since else timedelta.max, now)
    if old is None:
        return None
    if missed is None:
        return old.model_copy(update={"reason": f"{old.reason} The schedule {plan.name} should have made one."})
    return old.model_copy(update={"reason": f"{old.reason} The last run of the schedule {plan.name}: {trouble}"})


def newest_good(backups: Iterable[KeptBackup], vms: Iterable[KeptVm]) -> list[tuple[KeptVm, datetime | None]]:
    """Each of `vms` with the time of its newest good backup; None when it has none."""
    there = list(vms)
    newest = [max((at for at, _ in _good(own)), default=None) for own in _own(backups, there)]
    return list(zip(there, newest, strict=True))


def _own(backups: Iterable[KeptBackup], vms: Sequence[KeptVm]) -> list[list[KeptBackup]]:
    """For each of `vms` the backups that were made of it; those of files are none of the VM."""
    every = [kept for kept in backups if kept.whole_vm]
    # The VMs of the inventory have instance UUIDs, so they tell which VM a record without one means.
    owners = Owners([*every, *(KeptBackup(id="", state="unverified", vm=vm, path="") for vm in vms)])
    own: dict[Owner, list[KeptBackup]] = {}
    for kept in every:
        own.setdefault(owners.of(kept), []).append(kept)
    return [own.get(owners.of_vm(vm), []) for vm in vms]


def _good(own: Iterable[KeptBackup]) -> list[tuple[datetime, KeptBackup]]:
    return [(kept.created_at, kept) for kept in own if kept.created_at and kept.good and not kept.missing]


def _check(vm: KeptVm, own: list[KeptBackup], older_than: timedelta, now: datetime) -> StaleVm | None:
    dated = sorted(((kept.created_at, kept) for kept in own if kept.created_at), key=lambda pair: pair[0], reverse=True)
    good = _good(kept for _, kept in dated)
    if not good:
        bad = f"Its newest backup {dated[0][1].id} is not good: {_why_not_good(dated[0][1])}" if dated else ""
        return StaleVm(vm=vm.name, vcenter=vm.vcenter, moref=vm.moref, reason=bad or "It has no backup here.")
    at, kept = good[0]
    age = now - at
    if age <= older_than:
        return None
    reason = f"Its last good backup is {_in_words(age)} old."
    if dated[0][1].id != kept.id:
        reason += f" The newer one {dated[0][1].id} is not good: {_why_not_good(dated[0][1])}"
    return StaleVm(
        vm=vm.name,
        vcenter=vm.vcenter,
        moref=vm.moref,
        last_good=kept.id,
        last_good_at=at,
        age_seconds=int(age.total_seconds()),
        reason=reason,
    )


def _why_not_good(kept: KeptBackup) -> str:
    return kept.reason or f"{counted(kept.missing, 'disk')} of the VM {'is' if kept.missing == 1 else 'are'} missing."


def _in_words(age: timedelta) -> str:
    hours = int(age.total_seconds()) // 3600
    if hours >= 48:
        return counted(hours // 24, "day")
    return counted(hours, "hour") if hours >= 2 else counted(int(age.total_seconds()) // 60, "minute")
