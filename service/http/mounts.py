"""What is mounted: VMs that are staged for other backup products, and how a mount is renewed and ended."""

from __future__ import annotations

from pydantic import Field, field_validator

from service.api.models import Value
from service.api.units import amount, when
from service.api.words import printable
from service.backups.mounts import LEASE, MountView, checked_lease, mount_view, renew, unmount
from service.http._pages import Page, PageQuery, page_of
from service.http._route import Call, Query, Route
from service.store.audit import Event
from service.store.tokens import Scope


class MountsQuery(PageQuery):
    """Which mounts to list."""

    vm: str = Field(default="", max_length=300, description="Only those of VMs with this name.")


class MountList(Page):
    """What is mounted, the oldest first."""

    mounts: list[MountView]


class Renewal(Value):
    """For how long a mount stays from now on."""

    lease: str = Field(
        default="",
        pattern=LEASE,
        description="How long, such as 90m, 6h or 2d, at most 30d; by default `VMKOPS_MOUNT_LEASE_HOURS`. A lease that "
        "ends later stays as it is.",
    )

    _lease = field_validator("lease")(checked_lease)


async def _renew(call: Call[Query, Renewal]) -> MountView:
    return await renew(call.services.context, call.path("name"), call.body.lease)


async def _list(call: Call[MountsQuery, None]) -> MountList:
    context, vm = call.services.context, call.query.vm
    found = [mount_view(context, row) for row in await context.mounts.mounted() if vm in ("", row.vm_name)]
    shown, after = page_of(found, call.query)
    return MountList(mounts=shown, next=after)


async def _unmount(call: Call[Query, None]) -> MountView:
    by = call.known_actor().label
    return await unmount(call.services.context, call.services.jobs, call.path("name"), by)


def _text(mount: MountView) -> str:
    ended = f", ended {when(mount.ended_at)}" if mount.ended_at else ""
    left = f"Files of others that stay: {', '.join(map(printable, mount.left))}\n" if mount.left else ""
    trouble = f"It could not be removed: {mount.trouble}\n" if mount.trouble else ""
    lines = f"{mount.folder}  {mount.vm}, {amount(mount.size)}, {mount.state} until {when(mount.until)}{ended}\n"
    return f"{lines}{left}{trouble}"


ROUTES = (
    Route(
        method="GET",
        path="/mounts",
        summary="VMs that are staged for other backup products, the oldest first",
        handle=_list,
        answer=MountList,
        scope=Scope.READ,
        query=MountsQuery,
        text=lambda found: "".join(map(_text, found.mounts)) or "Nothing is mounted.\n",
    ),
    Route(
        method="POST",
        path="/mounts/{name}/renew",
        summary="Let a mount stay longer",
        handle=_renew,
        body=Renewal,
        answer=MountView,
        scope=Scope.OPERATE,
        audit=Event.MOUNT_RENEWED,
        about=lambda mount: {"job": mount.job, "target": mount.vm, "until": mount.until},
        text=_text,
        errors=(400, 404, 409),
    ),
    Route(
        method="DELETE",
        path="/mounts/{name}",
        summary="Unmount: remove what mount staged in a folder, or stop the job that still does",
        handle=_unmount,
        answer=MountView,
        scope=Scope.OPERATE,
        audit=Event.MOUNT_ENDED,
        about=lambda mount: {"job": mount.job, "target": mount.vm, "state": mount.state},
        text=_text,
        errors=(400, 404, 409),
    ),
)
