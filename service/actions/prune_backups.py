"""Prunes kept backups by a policy; the last good one of a VM always stays."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from service.actions._targeted import info
from service.api.models import ActionClass, Check
from service.api.units import amount, when
from service.api.words import counted
from service.backups.catalogue import read_catalogue
from service.backups.pruning import finish_removals, remove_package
from service.backups.retention import Decision, Policy, keep
from service.backups.vm_choice import backups_of, shown_vm, vm_selector
from service.errors import Conflict, NotFound, VmkopsError
from service.jobs.action import Action, Context, JobControl, Params, StepResult, Target
from service.saving.store import Store

CHOOSE, REMOVE = "choose", "remove"
DEFAULT = Policy()


class PruneBackups(Params):
    """How many backups of each VM to keep, and of which VM."""

    vm: str = Field(
        default="",
        max_length=300,
        description="Only backups of this VM: its name, or uuid: or moref: and the value, also after the name of its "
        "vCenter (prod/web-01); by default of all.",
    )
    last: int = Field(
        default=DEFAULT.last, ge=1, le=10_000, description="How many of the newest backups of each VM to keep."
    )
    daily: int = Field(
        default=DEFAULT.daily,
        ge=0,
        le=10_000,
        description="Of how many days to keep the newest backup; days without one do not count.",
    )
    weekly: int = Field(
        default=DEFAULT.weekly,
        ge=0,
        le=10_000,
        description="Of how many weeks to keep the newest backup; weeks without one do not count.",
    )
    monthly: int = Field(
        default=DEFAULT.monthly,
        ge=0,
        le=10_000,
        description="Of how many months to keep the newest backup; months without one do not count.",
    )


class Choice(StepResult):
    """The ids of the backups to remove, and how many stay."""

    going: list[str]
    staying: int
    profiles: list[str] = Field(default_factory=list)
    """The save profiles whose stores have space to free afterwards."""


class Removal(StepResult):
    """Whether a backup is gone, and the bytes that this freed."""

    removed: bool
    freed: int


class Prune(Action):
    """Decides, then removes one backup after the other."""

    name = "prune-backups"
    summary = "Remove kept backups that a policy does not keep; never the last good one of a VM."
    action_class = ActionClass.DESTRUCTIVE
    label = "Prune {target}"
    steps = (CHOOSE, REMOVE)
    params = PruneBackups

    async def pinned(self, context: Context, params: PruneBackups) -> PruneBackups:
        """See `Action.pinned`."""
        if not params.vm:
            return params
        every, names = await asyncio.to_thread(read_catalogue, context.settings.backups_dir), context.vcenters.names()
        (first, *_) = backups_of(every, params.vm, names)
        return params.model_copy(update={"vm": context.vcenters.pinned(params.vm, first.vm.vcenter)})

    async def target(self, context: Context, params: PruneBackups) -> Target:
        """What would be removed, and why the others stay; raises NotFound when that VM has no backup, and Ambiguous."""
        exact = await asyncio.to_thread(_exact, context, params)
        decisions = await asyncio.to_thread(_decide, context, exact)
        vcenters = context.vcenters.names()
        policy = ":".join(map(str, exact.model_dump(exclude={"vm"}).values()))
        return Target(
            key=f"prune:{exact.vm}:{policy}",
            name=f"backups of {shown_vm(decisions[0].backup, vcenters)}" if params.vm else "all backups",
            params=exact.model_dump(),
            checks=tuple(_check(each, vcenters) for each in sorted(decisions, key=lambda each: each.stays)),
            also=("backups",),
        )

    async def run(self, context: Context, job: JobControl, params: PruneBackups) -> dict[str, Any]:
        """Each removal decides again, because the verified backup that allowed it may be gone meanwhile."""

        async def choose() -> Choice:
            finished, profiles = await finish_removals(context.settings)
            decisions = await asyncio.to_thread(_decide, context, params)
            going = [each.backup.id for each in decisions if not each.stays]
            more = f"; {counted(finished, 'interrupted removal')} finished" if finished else ""
            detail = f"{len(going)} of {counted(len(decisions), 'backup')} to remove{more}"
            profiles |= {each.backup.saved.profile for each in decisions if each.backup.saved and not each.stays}
            staying = len(decisions) - len(going)
            return Choice(going=going, staying=staying, profiles=sorted(profiles), detail=detail)

        async def remove(backup: str) -> Removal:
            return await _remove(context, params, backup)

        choice = await job.step_as(Choice, CHOOSE, choose)
        removed: list[str] = []
        kept: list[str] = []
        freed = 0
        for backup in choice.going:
            removal = await job.step_as(Removal, REMOVE, partial(remove, backup), part=backup)
            (removed if removal.removed else kept).append(backup)
            freed += removal.freed
        for profile in choice.profiles:
            await job.step_as(StepResult, REMOVE, partial(_free, context, profile), part=f"space of {profile}")
        return {"removed": removed, "kept_after_all": kept, "staying": choice.staying + len(kept), "freed": freed}


ACTION = Prune()


def _exact(context: Context, params: PruneBackups) -> PruneBackups:
    """The parameters with a selector that means the same VM for as long as it has backups."""
    if not params.vm:
        return params
    every = read_catalogue(context.settings.backups_dir)
    (first, *_) = backups_of(every, params.vm, context.vcenters.names())
    return params.model_copy(update={"vm": vm_selector(every, first) or params.vm})


def _decide(context: Context, params: PruneBackups) -> list[Decision]:
    every = read_catalogue(context.settings.backups_dir)
    policy = Policy.model_validate(params.model_dump(exclude={"vm"}))
    try:
        chosen = backups_of(every, params.vm, context.vcenters.names()) if params.vm else every
    except NotFound:  # another job removed them meanwhile
        chosen = []
    own = {kept.path for kept in chosen}
    return [each for each in keep(every, policy, datetime.now(UTC)) if each.backup.path in own]


async def _free(context: Context, profile: str) -> StepResult:
    """Free the space of removed archives in a store; that it failed is only reported, as they are removed."""
    try:
        freed = await Store.of(context.settings, profile).free()
    except VmkopsError as error:
        return StepResult(detail=f"the space of {profile} was not freed: {error}")
    return StepResult(detail=f"the space of {profile} was freed" if freed else "")


async def _remove(context: Context, params: PruneBackups, backup: str) -> Removal:
    gone = Removal(removed=True, freed=0, detail=f"{backup} was already gone")
    decisions = await asyncio.to_thread(_decide, context, params)
    decision = next((each for each in decisions if each.backup.id == backup), None)
    if decision is None:
        return gone
    if decision.stays:
        return Removal(removed=False, freed=0, detail=f"{backup} now stays: {'; '.join(decision.why)}")
    try:
        freed, left = await remove_package(context.settings, Path(decision.backup.path))
    except NotFound:
        return gone
    except Conflict as error:
        return Removal(removed=False, freed=0, detail=str(error))
    return Removal(
        removed=True,
        freed=freed,
        detail=f"{decision.backup.vm.name} {backup}: {amount(freed)} freed{f'; {left}' if left else ''}",
    )


def _check(decision: Decision, vcenters: Sequence[str]) -> Check:
    kept = decision.backup
    made = when(kept.created_at) or "unknown date"
    verb, rule = ("stays", "backup-stays") if decision.stays else ("is removed", "backup-goes")
    why = "; ".join(decision.why)
    return info(rule, f"{shown_vm(kept, vcenters)} {kept.id} ({made}, {kept.state}) {verb}: {why}.")
