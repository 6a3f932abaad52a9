"""The kept backups: where they are, whether they are verified, and which VMs have no fresh one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from service.api.models import Value
from service.backups.catalogue import KeptBackup, KeptVm, read_catalogue
from service.backups.freshness import AGE, FreshnessReport, ManagedVm, read_duration, stale_by_plans, stale_vms
from service.backups.text import backup_words, freshness_words, list_words
from service.backups.vm_choice import backups_of, find_backup
from service.errors import NotFound
from service.http._backup_plans import backup_plans
from service.http._route import Call, Query, Route
from service.store.tokens import Scope
from service.vsphere.inventory import VMS


class BackupsQuery(Query):
    """Which backups to list."""

    vm: str = Field(
        default="",
        max_length=300,
        description="Only those with this name of a VM, or those of the one VM that uuid: or moref: and a value means.",
    )


class FreshnessQuery(Query):
    """How old the last good backup may be."""

    by: Literal["age", "schedules"] = Field(
        default="age",
        description="schedules: judge each VM by the schedules that back it up; by older_than where there are none.",
    )
    older_than: str = Field(
        default="24h",
        pattern=f"^{AGE}$",
        description="A VM is listed when its last good backup is older: minutes, hours or days, such as 90m, 24h, 7d.",
    )


class BackupList(Value):
    """Kept backups, newest first."""

    backups: list[KeptBackup]


async def _list(call: Call[BackupsQuery, None]) -> BackupList:
    every = await asyncio.to_thread(read_catalogue, call.services.settings.backups_dir)
    wanted = call.query.vm
    named = [kept for kept in every if wanted in ("", kept.vm.name)]
    if named or not wanted:
        return BackupList(backups=named)
    try:
        return BackupList(backups=backups_of(every, wanted))
    except NotFound:
        return BackupList(backups=[])


async def _get(call: Call[Query, None]) -> KeptBackup:
    return await asyncio.to_thread(find_backup, call.services.settings.backups_dir, call.path("id"))


async def _freshness(call: Call[FreshnessQuery, None]) -> FreshnessReport:
    vcenters = call.services.context.vcenters
    found = [vm for vm in await vcenters.all(VMS) if not vm.template]
    vms = [KeptVm(name=vm.name, uuid=vm.uuid, moref=vm.moref, vcenter=vm.vcenter) for vm in found if not vm.managed_by]
    managed = [
        ManagedVm(vm=vm.name, vcenter=vm.vcenter, moref=vm.moref, managed_by=vm.managed_by)
        for vm in found
        if vm.managed_by
    ]
    every = await asyncio.to_thread(read_catalogue, call.services.settings.backups_dir)
    limit = read_duration(call.query.older_than)
    now = datetime.now(UTC)
    plans = await backup_plans(call.services) if call.query.by == "schedules" else []
    stale, unscheduled = stale_by_plans(every, vms, plans, now) if plans else (stale_vms(every, vms, limit, now), [])
    return FreshnessReport(
        older_than=call.query.older_than,
        schedules=[plan.name for plan in plans],
        unscheduled=unscheduled,
        vms_checked=len(vms),
        stale=stale,
        managed=managed,
        inventory=vcenters.freshness(),
    )


ROUTES = (
    Route(
        method="GET",
        path="/backups",
        summary="Kept backups, newest first",
        handle=_list,
        answer=BackupList,
        scope=Scope.READ,
        query=BackupsQuery,
        text=lambda found: list_words(found.backups),
        page="backups.html",
    ),
    # Before the one with an id, which would take the word for one.
    Route(
        method="GET",
        path="/backups/freshness",
        summary="VMs without a fresh good backup, and why",
        handle=_freshness,
        answer=FreshnessReport,
        scope=Scope.READ,
        query=FreshnessQuery,
        text=freshness_words,
        page="backups_freshness.html",
        errors=(400, 502, 503),
    ),
    Route(
        method="GET",
        path="/backups/{id}",
        summary="One backup: what is kept, where, its checksums, and when it was verified",
        handle=_get,
        answer=KeptBackup,
        scope=Scope.READ,
        text=backup_words,
        page="backup.html",
        errors=(404,),
    ),
)
