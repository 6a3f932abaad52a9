"""The kept backups: what there is, where, whether it was verified, and which VMs lack a fresh one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from pydantic import Field

from service.auth import Scope
from service.backups.catalogue import KeptBackup, KeptVm, find_backup, read_catalogue
from service.backups.freshness import StaleVm, read_duration, stale_vms
from service.http._route import Call, Query, Route
from service.models import Value
from service.vsphere.inventory import VMS
from service.vsphere.live import Seen


class BackupsQuery(Query):
    """Which backups to list."""

    vm: str = Field(default="", max_length=255, description="Only those of the VM with this name.")


class FreshnessQuery(Query):
    """How old the last good backup may be."""

    older_than: str = Field(
        default="24h",
        pattern=r"^[0-9]{1,4}[mhd]$",
        description="A VM is told when its last good backup is older: minutes, hours or days, such as 90m, 24h, 7d.",
    )


class BackupList(Value):
    """Kept backups, newest first."""

    backups: list[KeptBackup]


class FreshnessReport(Value):
    """VMs without a fresh good backup; templates are not counted."""

    older_than: str
    vms_checked: int
    stale: list[StaleVm]
    inventory: list[Seen]
    """How current each vCenter's part of the list of VMs is."""


async def _list(call: Call) -> BackupList:
    every = await asyncio.to_thread(read_catalogue, call.services.settings.backups_dir)
    return BackupList(backups=[kept for kept in every if call.query.vm in ("", kept.vm.name)])


async def _get(call: Call) -> KeptBackup:
    return await asyncio.to_thread(find_backup, call.services.settings.backups_dir, call.path("id"))


async def _freshness(call: Call) -> FreshnessReport:
    vcenters = call.services.equipment.vcenters
    found = [vm for vm in await vcenters.all(VMS) if not vm.template]
    vms = [KeptVm(name=vm.name, uuid=vm.uuid, moref=vm.moref, vcenter=vm.vcenter) for vm in found]
    every = await asyncio.to_thread(read_catalogue, call.services.settings.backups_dir)
    limit = read_duration(call.query.older_than)
    stale = stale_vms(every, vms, limit, datetime.now(UTC))
    return FreshnessReport(
        older_than=call.query.older_than, vms_checked=len(vms), stale=stale, inventory=vcenters.seen()
    )


def _line(kept: KeptBackup) -> str:
    when = f"{kept.created_at:%Y-%m-%d %H:%M}" if kept.created_at else "unknown time"
    return f"{kept.id}  {kept.state:<10} {when}  {kept.size:>14}  {kept.vm.name}\n"


def _texts(found: BackupList) -> str:
    return "".join(map(_line, found.backups)) or "No backups are kept here yet. POST /actions/backup makes one.\n"


def _text(kept: KeptBackup) -> str:
    lines = [_line(kept), f"  in {kept.path}\n"]
    lines += [f"  {disk.sha256}  {disk.size:>14}  {disk.file}\n" for disk in kept.disks]
    lines += [f"  left out: {disk}\n" for disk in kept.left_out]
    if kept.consistency:
        lines.append(f"  {kept.consistency}, asked for by {kept.requested_by}\n")
    if kept.verified:
        seen = kept.verified
        lines.append(f"  {seen.verdict}: verified {seen.verified_at:%Y-%m-%d %H:%M} UTC by {seen.verified_by}\n")
        lines += [f"  noted: {warning}\n" for warning in seen.warnings]
    if kept.reason:
        lines.append(f"  {kept.reason}\n")
    return "".join(lines)


def _freshness_text(report: FreshnessReport) -> str:
    if not report.stale:
        return f"All {report.vms_checked} VMs have a good backup of the last {report.older_than}.\n"
    first = f"{len(report.stale)} of {report.vms_checked} VMs lack a good backup of the last {report.older_than}:\n"
    return first + "".join(f"  {each.vm} ({each.moref}): {each.reason}\n" for each in report.stale)


ROUTES = [
    Route(
        method="GET",
        path="/backups",
        summary="Kept backups, newest first",
        handle=_list,
        answer=BackupList,
        scope=Scope.READ,
        query=BackupsQuery,
        text=_texts,
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
        text=_freshness_text,
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
        text=_text,
        page="backup.html",
        errors=(404,),
    ),
]
