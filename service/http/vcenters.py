"""The vCenters and stand-alone hosts of the settings: where they are, and whether they answer."""

from __future__ import annotations

from datetime import datetime

from service.api.models import Value
from service.api.units import duration
from service.api.vcenter import VCenter
from service.errors import NotConfigured
from service.http._route import Call, Query, Route
from service.store.tokens import Scope
from service.vsphere.vcenters import Link


class VCenterInfo(Value):
    """One vCenter or stand-alone host."""

    name: str
    """Its name in the settings, which stands before the slash in a selector."""
    address: str
    connected: bool
    product: str
    """The product with its version and build, as it was at the last sign-in; empty before that."""
    version: str
    objects: int
    """How many objects the live inventory has of it."""
    as_of: datetime | None
    """When it last answered; null when it has not answered yet."""
    age_seconds: int | None
    trouble: str
    """Why it is not connected; empty when it is."""


class VCenterList(Value):
    """The vCenters, the one of VMKOPS_VCENTER_URL first."""

    vcenters: list[VCenterInfo]
    next: int | None = None
    """Always null: the list is never longer than one answer."""


async def _list(call: Call[Query, None]) -> VCenterList:
    try:
        links = call.services.context.vcenters.links()
    except NotConfigured:
        links = []
    return VCenterList(vcenters=[_info(link) for link in links])


async def _get(call: Call[Query, None]) -> VCenterInfo:
    return _info(call.services.context.vcenters.link(call.path("name")))


def _info(link: Link) -> VCenterInfo:
    seen, about = link.inventory.freshness(), link.inventory.about()
    return VCenterInfo(
        name=link.name,
        address=_address(link.session.vcenter),
        connected=seen.connected,
        product=about.product,
        version=about.version,
        objects=seen.objects,
        as_of=seen.as_of,
        age_seconds=seen.age_seconds,
        trouble=seen.trouble,
    )


def _address(vcenter: VCenter) -> str:
    """The address without a user name, a path or the usual port."""
    return f"https://{vcenter.host}" + (f":{vcenter.port}" if vcenter.port != 443 else "")


def _text(each: VCenterInfo) -> str:
    age = f", last answered {duration(each.age_seconds)} ago" if each.age_seconds is not None else ""
    state = "connected" if each.connected else f"not connected{age}: {each.trouble}"
    return f"{each.name}  {each.address}  {each.product or 'version unknown'}, {state}\n"


def _texts(found: VCenterList) -> str:
    return "".join(map(_text, found.vcenters)) or "No vCenters. The settings name none.\n"


ROUTES = (
    Route(
        method="GET",
        path="/vcenters",
        summary="The vCenters of the settings: address, version, and whether they answer",
        handle=_list,
        answer=VCenterList,
        scope=Scope.READ,
        text=_texts,
    ),
    Route(
        method="GET",
        path="/vcenters/{name}",
        summary="One vCenter of the settings",
        handle=_get,
        answer=VCenterInfo,
        scope=Scope.READ,
        text=_text,
        errors=(404, 503),
    ),
)
