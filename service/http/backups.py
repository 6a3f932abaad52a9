"""The kept backups: where they are, whether they are verified, and which VMs have no fresh one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from service.backups.catalogue import KeptBackup, KeptVm, State, read_catalogue
from service.backups.described import with_places
from service.backups.freshness import AGE, FreshnessReport, ManagedVm, read_duration, stale_by_plans, stale_vms
from service.backups.text import backup_words, freshness_words, list_words
from service.backups.vm_choice import backups_of, kept_backup, shown_vm
from service.errors import NotFound
from service.http._backup_plans import backup_plans
from service.http._pages import Moment, Page, PageQuery, page_of
from service.http._route import Call, Query, Route
from service.store.tokens import Scope
from service.vsphere.inventory import VMS


class BackupsQuery(PageQuery):
    """Which backups to list."""

    vm: str = Field(
        default="",
        max_length=300,
        description="Only those with this name of a VM, of whatever vCenter; or those of the one VM that "
        "prod/web-01, or uuid: or moref: and a value, means.",
    )
    vcenter: str = Field(default="", max_length=63, description="Only those of VMs of the vCenter with this name.")
    state: list[State] = Field(default_factory=list, description="Only those in this state; may be repeated.")
    since: Moment | None = Field(default=None, description="Only those made since then, with its zone.")


class FreshnessQuery(Query):
    """How old the last good backup may be."""

    by: Literal["age", "schedules"] = Field(
        default="age",
        description="schedules: judge each VM by the schedules that back it up; by older_than where there are none.",
    )
    older_than: str = Field(
        default="24h",
        pattern=f"^{AGE}$",
        examples=["90m", "24h", "7d"],
        description="A VM is listed when its last good backup is older: minutes, hours or days, such as 90m, 24h, 7d.",
    )


class BackupList(Page):
    """Kept backups, newest first."""

    backups: list[KeptBackup]
    copy_targets: list[str] = Field(default_factory=list)
    """The names of the copy targets of the settings, which may have copies of backups that are no longer kept here."""


async def _list(call: Call[BackupsQuery, None]) -> BackupList:
    query, vcenters = call.query, call.services.context.vcenters.names()
    every = await asyncio.to_thread(read_catalogue, call.services.settings.backups_dir)
    found = [kept for kept in every if query.vm in ("", kept.vm.name)]
    if query.vm and not found:
        try:
            found = backups_of(every, query.vm, vcenters)
        except NotFound as error:
            if "/" in query.vm:
                raise error from None  # it may be a vCenter that does not exist
    fitting = [
        kept
        for kept in found
        if query.vcenter in ("", kept.vm.vcenter)
        and (not query.state or kept.state in query.state)
        and (query.since is None or (kept.created_at is not None and kept.created_at >= query.since))
    ]
    shown, after = page_of(fitting, query)
    targets = sorted(call.services.settings.copy_targets())
    return BackupList(backups=[_titled(kept, vcenters) for kept in shown], next=after, copy_targets=targets)


async def _get(call: Call[Query, None]) -> KeptBackup:
    vcenters = call.services.context.vcenters.names()
    kept = await asyncio.to_thread(kept_backup, call.services.settings, call.path("id"), vcenters)
    return _titled(await with_places(call.services.context.workers, kept), vcenters)


def _titled(kept: KeptBackup, vcenters: Sequence[str]) -> KeptBackup:
    return kept.model_copy(update={"title": shown_vm(kept, vcenters)})


async def _freshness(call: Call[FreshnessQuery, None]) -> FreshnessReport:
    vcenters = call.services.context.vcenters
    found = [vm for vm in await vcenters.all(VMS) if not vm.template]
    vms = [
        KeptVm(name=vm.name, uuid=vm.uuid, instance_uuid=vm.instance_uuid, moref=vm.moref, vcenter=vm.vcenter)
        for vm in found
        if not vm.managed_by
    ]
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
        text=lambda found: list_words(found.backups, found.copy_targets),
        page="backups.html",
        errors=(404, 409),
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
        errors=(404, 409),
    ),
)
