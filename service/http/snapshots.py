"""Every snapshot of every VM: whose it is, and how old; and the VMs whose disks need to be merged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from service.api.models import Freshness
from service.api.units import amount
from service.http._pages import Page, PageQuery, page_of
from service.http._route import Call, Route
from service.store.tokens import Scope
from service.vsphere.snapshots.listing import ListedSnapshot, list_snapshots
from service.vsphere.snapshots.unmerged import UnmergedVm, find_unmerged

OLD_HOURS = 72
"""The age from which on a snapshot is worth a look; vSphere's own advice is to keep none for longer."""
DAY, HOUR, MINUTE = 86_400, 3_600, 60


class SnapshotsQuery(PageQuery):
    """Which snapshots to list."""

    q: str = Field(default="", max_length=255, description="A part of the VM's or the snapshot's name, in any case.")
    vcenter: str = Field(default="", max_length=63, description="Only those of VMs of the vCenter with this name.")
    older_than_hours: float | None = Field(
        default=None,
        ge=0,
        le=876_000,
        description="Only those that are at least so old; with `needs`, those of 72 hours unless you say otherwise.",
    )
    needs: Literal["", "consolidation"] = Field(
        default="",
        description="`consolidation`: also the VMs whose disks need to be merged, and delta disks that belong to no "
        "snapshot. Of all VMs and of whatever product; nothing is changed.",
    )


class SnapshotList(Page):
    """Snapshots, the oldest first."""

    snapshots: list[ListedSnapshot]
    needs: Literal["", "consolidation"] = ""
    """What the call asked for."""
    unmerged: list[UnmergedVm] = Field(default_factory=list)
    """The VMs with disks to merge; only when the call asks for what needs consolidation."""
    inventory: list[Freshness]
    """How current each vCenter's part is."""


async def _list(call: Call[SnapshotsQuery, None]) -> SnapshotList:
    query, context = call.query, call.services.context
    wanted, hours = query.q.lower(), query.older_than_hours
    least = (hours if hours is not None else OLD_HOURS if query.needs else 0) * HOUR
    ours = {(row.vcenter, row.vm, row.moref) for row in await context.ledger.open_rows()}
    kept = {(row.vcenter, row.vm, row.moref) for row in await context.ledger.kept_rows()}
    found = [
        each.model_copy(
            update={
                "ours": each.ours or (each.vcenter, each.vm_moref, each.moref) in ours,
                "kept": (each.vcenter, each.vm_moref, each.moref) in kept,
            }
        )
        for each in await list_snapshots(context.vcenters)
        if wanted in f"{each.vm}\n{each.name}".lower()
        and each.age_seconds >= least
        and query.vcenter in ("", each.vcenter)
    ]
    unmerged = await _unmerged(call, wanted) if query.needs else []
    shown, after = page_of(found, query)
    return SnapshotList(
        snapshots=shown, next=after, needs=query.needs, unmerged=unmerged, inventory=context.vcenters.freshness()
    )


async def _unmerged(call: Call[SnapshotsQuery, None], wanted: str) -> list[UnmergedVm]:
    context = call.services.context
    trouble = {(row.vcenter, row.vm): row.trouble for row in await context.ledger.open_rows() if row.gone_at}
    return [
        each.model_copy(update={"trouble": trouble.get((each.vcenter, each.vm_moref), "")})
        for each in await find_unmerged(context.vcenters)
        if wanted in each.vm.lower() and call.query.vcenter in ("", each.vcenter)
    ]


def _texts(found: SnapshotList) -> str:
    lines = []
    several = len(found.inventory) > 1

    def place(vcenter: str, moref: str) -> str:
        return f"{vcenter}/{moref}" if several else moref

    for each in found.snapshots:
        moref = place(each.vcenter, each.moref)
        owner = "vmkops, kept" if each.kept else "vmkops" if each.ours else each.foreign_product or "-"
        size = amount(each.size) if each.size is not None else "?"
        lines.append(f"{moref:<14} {_age(each.age_seconds):>6} {size:>10}  {owner:<8} {each.vm}: {each.name}\n")
    doubts = [f"{words}\n" for seen in found.inventory if (words := seen.words())]
    unmerged = [_unmerged_text(vm, place(vm.vcenter, f"moref:{vm.vm_moref}")) for vm in found.unmerged]
    none = "No VM needs consolidation.\n" if found.needs else "No snapshots.\n"
    return "".join([*([*unmerged, *lines] or [none]), *doubts])


def _unmerged_text(vm: UnmergedVm, selector: str) -> str:
    why = "vSphere says that its disks need consolidation" if vm.consolidation_needed else "it runs on orphan deltas"
    size = f", {amount(vm.size)}" if vm.size is not None else ""
    deltas = "".join(f"  {file}\n" for file in vm.deltas)
    trouble = f"  vmkops could not merge them: {vm.trouble}\n" if vm.trouble else ""
    return f"{selector} {vm.vm}: {why}{size}\n{deltas}{trouble}"


def _age(seconds: int) -> str:
    for length, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


ROUTES = (
    Route(
        method="GET",
        path="/snapshots",
        summary="Every snapshot of every VM, the oldest first: whose it is, and how old; and what needs consolidation",
        handle=_list,
        answer=SnapshotList,
        scope=Scope.READ,
        query=SnapshotsQuery,
        text=_texts,
        errors=(400, 502, 503),
    ),
)
