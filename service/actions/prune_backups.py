"""Prunes kept backups by a policy; the last good copy of a VM always stays."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from service.api.models import Check
from service.backups.catalogue import read_catalogue
from service.backups.pruning import finish_removals, remove_package
from service.backups.retention import Decision, Policy, keep
from service.errors import Conflict, NotFound
from service.jobs.action import Action, Context, JobControl, Params, Target

CHOOSE, REMOVE = "choose", "remove"
DEFAULT = Policy()


class PruneBackups(Params):
    """How many backups of each VM to keep, and of which VM."""

    vm: str = Field(default="", max_length=255, description="Only backups of the VM with this name; all VMs if empty.")
    last: int = Field(default=DEFAULT.last, ge=1, le=10_000, description="The newest so many of each VM.")
    daily: int = Field(default=DEFAULT.daily, ge=0, le=10_000, description="The newest of each of so many days.")
    weekly: int = Field(default=DEFAULT.weekly, ge=0, le=10_000, description="The newest of each of so many weeks.")
    monthly: int = Field(default=DEFAULT.monthly, ge=0, le=10_000, description="The newest of each of so many months.")


class Prune(Action):
    """Decide, then remove one backup after the other."""

    name = "prune-backups"
    summary = "Remove kept backups that a policy does not ask for; never the last good one of a VM."
    steps = (CHOOSE, REMOVE)
    params = PruneBackups

    async def target(self, context: Context, params: PruneBackups) -> Target:
        """What would go, and why each of the others stays; raises NotFound when there is no backup of that VM."""
        decisions = await asyncio.to_thread(_decide, context, params)
        if params.vm and not decisions:
            raise NotFound(f"There is no backup of a VM {params.vm!r}. GET /backups lists them.")
        return Target(
            key="backups",
            name=f"backups of {params.vm}" if params.vm else "all backups",
            params=params.model_dump(),
            checks=tuple(map(_check, decisions)),
        )

    async def run(self, context: Context, job: JobControl, params: PruneBackups) -> dict[str, Any]:
        """Each removal decides anew, as the verified backup that allowed it may have gone meanwhile."""

        async def choose() -> dict[str, Any]:
            finished = await asyncio.to_thread(finish_removals, context.settings.backups_dir)
            decisions = await asyncio.to_thread(_decide, context, params)
            going = [each.backup.id for each in decisions if not each.stays]
            again = f"; {finished} half removed before ended" if finished else ""
            detail = f"{len(going)} of {len(decisions)} go{again}"
            return {"going": going, "staying": len(decisions) - len(going), "detail": detail}

        chosen = await job.step(CHOOSE, choose)
        removed: list[str] = []
        kept: list[str] = []
        freed = 0
        for backup in chosen["going"]:

            async def remove(backup: str = backup) -> dict[str, Any]:
                return await asyncio.to_thread(_remove, context, params, backup)

            done = await job.step(REMOVE, remove, part=backup)
            (removed if done["removed"] else kept).append(backup)
            freed += done["freed"]
        return {"removed": removed, "kept_after_all": kept, "staying": chosen["staying"] + len(kept), "freed": freed}


ACTION = Prune()


def _decide(context: Context, params: PruneBackups) -> list[Decision]:
    every = read_catalogue(context.settings.backups_dir)
    policy = Policy.model_validate(params.model_dump(exclude={"vm"}))
    # Decided over all, then shown by name: a VM that was renamed has backups under both names.
    return [each for each in keep(every, policy, datetime.now(UTC)) if params.vm in ("", each.backup.vm.name)]


def _remove(context: Context, params: PruneBackups, backup: str) -> dict[str, Any]:
    decision = next((each for each in _decide(context, params) if each.backup.id == backup), None)
    if decision is None:
        return {"removed": True, "freed": 0, "detail": f"{backup} had gone already"}
    if decision.stays:
        return {"removed": False, "freed": 0, "detail": f"{backup} stays after all: {'; '.join(decision.why)}"}
    try:
        freed = remove_package(Path(decision.backup.path))
    except NotFound:
        return {"removed": True, "freed": 0, "detail": f"{backup} had gone already"}
    except Conflict as error:
        return {"removed": False, "freed": 0, "detail": str(error)}
    return {"removed": True, "freed": freed, "detail": f"{decision.backup.vm.name} {backup}: {freed} bytes freed"}


def _check(decision: Decision) -> Check:
    kept = decision.backup
    made = f"{kept.created_at:%Y-%m-%d %H:%M}" if kept.created_at else "unknown date"
    said = f"{kept.vm.name} {kept.id} ({made}, {kept.state}) {'stays' if decision.stays else 'goes'}"
    rule = "backup-stays" if decision.stays else "backup-goes"
    return Check(rule=rule, severity="info", message=f"{said}: {'; '.join(decision.why)}.")
