"""Prunes kept backups by a policy; the last good one of a VM always stays."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from service.actions._targeted import info, warn
from service.api.models import ActionClass, Check, JobState
from service.api.units import amount, when
from service.api.words import counted
from service.backups.catalogue import read_catalogue
from service.backups.pruning import finish_removals, remove_package
from service.backups.retention import Decision, Policy, keep
from service.backups.vm_choice import backups_of, shown_vm, vm_selector
from service.copies.pruning import decide, prune
from service.copies.store import CopyStore
from service.errors import Conflict, NotFound, VmkopsError
from service.jobs.action import Action, Context, JobControl, Params, StepResult, Target
from service.saving.store import Store

CHOOSE, REMOVE, COPIES = "choose", "remove", "prune copies"
LOOK_SECONDS = 60.0
"""How long a dry run waits for one copy target."""
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
    targets: list[str] = Field(default_factory=list)
    """The copy targets with a retention of their own."""


class Removal(StepResult):
    """Whether a backup is gone, and the bytes that this freed."""

    removed: bool
    freed: int


class CopiesPruned(StepResult):
    """What became of the copies at one target; `why` is empty unless the target could not be asked."""

    to: str
    removed: list[str] = Field(default_factory=list)
    refused: list[str] = Field(default_factory=list)
    why: str = ""


class Prune(Action):
    """Decides, then removes one backup after the other."""

    name = "prune-backups"
    summary = (
        "Remove kept backups, and copies at targets, that a policy does not keep; never the last good one of a VM."
    )
    action_class = ActionClass.DESTRUCTIVE
    label = "Prune {target}"
    steps = (CHOOSE, REMOVE, COPIES)
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

    async def more_checks(self, context: Context, params: PruneBackups, target: Target) -> list[Check]:  # noqa: ARG002
        """See `Action.more_checks`: what the copy targets with a retention would lose."""
        checks = []
        for name in _targets(context):
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    store = CopyStore.of(context.settings, name)
                    decisions = await decide(store, context.signer, params.vm, context.vcenters.names())
            except TimeoutError:
                checks.append(warn("copies", f"The copy target {name} has not answered in {LOOK_SECONDS:.0f} seconds."))
            except VmkopsError as error:
                checks.append(warn("copies", str(error)))
            else:
                checks += _copy_checks(name, decisions, context.vcenters.names())
        return checks

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
            profiles_left, targets = sorted(profiles), _targets(context)
            return Choice(going=going, staying=staying, profiles=profiles_left, targets=targets, detail=detail)

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
        copies = [
            await job.step_as(CopiesPruned, COPIES, partial(_prune_copies, context, params, name), part=name)
            for name in choice.targets
        ]
        result = {"removed": removed, "kept_after_all": kept, "staying": choice.staying + len(kept), "freed": freed}
        if copies:
            result["copies"] = [each.model_dump(exclude={"detail"}) for each in copies]
            result["state"] = (JobState.PARTIAL if any(each.why for each in copies) else JobState.SUCCEEDED).value
        return result


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


def _targets(context: Context) -> list[str]:
    return [name for name, target in context.settings.copy_targets().items() if target.table.keep]


async def _prune_copies(context: Context, params: PruneBackups, name: str) -> CopiesPruned:
    """Apply the retention of one target; one that does not answer is only reported, as the others have theirs."""
    try:
        store = CopyStore.of(context.settings, name)
        vcenters = context.vcenters.names()
        pruned = await prune(store, context.signer, context.settings.backups_dir, params.vm, vcenters)
    except VmkopsError as error:
        return CopiesPruned(to=name, why=str(error), detail=f"{name}: {error}")
    words = f"{name}: {counted(len(pruned.removed), 'copy', 'copies')} removed, "
    words += f"{pruned.staying} {'stays' if pruned.staying == 1 else 'stay'}"
    if pruned.refused:
        first = next(iter(pruned.refused.values()))
        words += f"; the target refused to remove {', '.join(pruned.refused)}: {first}"
    return CopiesPruned(to=name, removed=pruned.removed, refused=list(pruned.refused), detail=words)


def _copy_checks(name: str, decisions: Sequence[Decision], vcenters: Sequence[str]) -> list[Check]:
    going = [each for each in decisions if not each.stays]
    checks = [
        info("copy-goes", f"{name}: the copy {each.backup.id} of {shown_vm(each.backup, vcenters)} is removed there.")
        for each in going
    ]
    staying = len(decisions) - len(going)
    words = f"{counted(staying, 'copy', 'copies')} {'stays' if staying == 1 else 'stay'} there."
    return [*checks, info("copies-stay", f"{name}: {words}")]


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
