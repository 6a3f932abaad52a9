"""Every snapshot of every VM: whose it is, and how old."""

from __future__ import annotations

from pydantic import Field

from service.api.models import Freshness, Value
from service.http._route import Call, Query, Route
from service.store.tokens import Scope
from service.vsphere.snapshots.listing import ListedSnapshot, list_snapshots

DAY, HOUR, MINUTE = 86_400, 3_600, 60


class SnapshotsQuery(Query):
    """Which snapshots to list."""

    q: str = Field(default="", max_length=255, description="A part of the VM's or the snapshot's name, in any case.")
    older_than_hours: float = Field(default=0, ge=0, le=876_000, description="Only those that are at least so old.")


class SnapshotList(Value):
    """Snapshots, the oldest first."""

    snapshots: list[ListedSnapshot]
    inventory: list[Freshness]
    """How current each vCenter's part is."""


async def _list(call: Call[SnapshotsQuery, None]) -> SnapshotList:
    wanted, least = call.query.q.lower(), call.query.older_than_hours * HOUR
    found = await list_snapshots(call.services.context.vcenters)
    fitting = [each for each in found if wanted in f"{each.vm}\n{each.name}".lower() and each.age_seconds >= least]
    return SnapshotList(snapshots=fitting, inventory=call.services.context.vcenters.freshness())


def _texts(found: SnapshotList) -> str:
    lines = []
    for each in found.snapshots:
        owner = "vmkops" if each.ours else each.foreign_product or "-"
        size = f"{each.size / 1e9:.1f} GB" if each.size is not None else "?"
        lines.append(f"{each.selector:<14} {_age(each.age_seconds):>6} {size:>10}  {owner:<8} {each.vm}: {each.name}\n")
    doubts = [f"{words}\n" for seen in found.inventory if (words := seen.words())]
    return "".join([*(lines or ["No snapshots.\n"]), *doubts])


def _age(seconds: int) -> str:
    for length, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


ROUTES = (
    Route(
        method="GET",
        path="/snapshots",
        summary="Every snapshot of every VM, the oldest first: whose it is, and how old",
        handle=_list,
        answer=SnapshotList,
        scope=Scope.READ,
        query=SnapshotsQuery,
        text=_texts,
        errors=(400, 502, 503),
    ),
)
