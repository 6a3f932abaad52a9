"""The live inventory: VMs, hosts and datastores as they were last seen, and how long ago that was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pydantic import Field

from service.api.models import Freshness, Value
from service.http._route import Call, Query, Route
from service.store.tokens import Scope
from service.vsphere.datastores import DATASTORES, Datastore
from service.vsphere.hosts import HOSTS, Host
from service.vsphere.inventory import VMS, Vm
from service.vsphere.live import Kind
from service.vsphere.selectors import Located

MOST = 100_000

T = TypeVar("T", bound=Located)


class InventoryQuery(Query):
    """Which things to list."""

    q: str = Field(default="", max_length=255, description="A part of the name, in any case.")
    vcenter: str = Field(default="", max_length=63, description="Only those of the vCenter with this name.")
    limit: int = Field(default=MOST, ge=1, le=MOST, description="At most so many, by name.")


class Listed(Value):
    """A list out of the live inventory: `total` fit, and `inventory` says how current each vCenter's part is."""

    total: int
    inventory: list[Freshness]


class VmList(Listed):
    """VMs by name."""

    vms: list[Vm]


class HostList(Listed):
    """Hosts by name."""

    hosts: list[Host]


class DatastoreList(Listed):
    """Datastores by name."""

    datastores: list[Datastore]


class VmSeen(Vm):
    """A VM, and how current that is."""

    inventory: Freshness


class HostSeen(Host):
    """A host, and how current that is."""

    inventory: Freshness


async def _vms(call: Call[InventoryQuery, None]) -> VmList:
    found = await _fitting(call, VMS)
    return VmList(vms=found[: call.query.limit], total=len(found), inventory=_seen(call))


async def _hosts(call: Call[InventoryQuery, None]) -> HostList:
    found = await _fitting(call, HOSTS)
    return HostList(hosts=found[: call.query.limit], total=len(found), inventory=_seen(call))


async def _datastores(call: Call[InventoryQuery, None]) -> DatastoreList:
    found = await _fitting(call, DATASTORES)
    return DatastoreList(datastores=found[: call.query.limit], total=len(found), inventory=_seen(call))


async def _vm(call: Call[Query, None]) -> VmSeen:
    vcenters = call.services.context.vcenters
    vm = await vcenters.find(VMS, call.path("selector"), "VM")
    return VmSeen(**vm.model_dump(), inventory=vcenters.link(vm.vcenter).inventory.freshness())


async def _host(call: Call[Query, None]) -> HostSeen:
    vcenters = call.services.context.vcenters
    host = await vcenters.find(HOSTS, call.path("selector"), "host")
    return HostSeen(**host.model_dump(), inventory=vcenters.link(host.vcenter).inventory.freshness())


async def _fitting(call: Call[InventoryQuery, None], kind: Kind[T]) -> list[T]:
    vcenters = call.services.context.vcenters
    if call.query.vcenter:
        vcenters.link(call.query.vcenter)
    wanted = call.query.q.lower()
    return [
        each
        for each in await vcenters.all(kind)
        if wanted in each.name.lower() and call.query.vcenter in ("", each.vcenter)
    ]


def _seen(call: Call[InventoryQuery, None]) -> list[Freshness]:
    return call.services.context.vcenters.freshness()


def _vms_text(found: VmList) -> str:
    lines = [f"{_moref(vm):<10} {vm.power_state:<11} {vm.name}\n" for vm in found.vms]
    return _text(found, lines, "VMs")


def _hosts_text(found: HostList) -> str:
    lines = [
        f"{_moref(host):<10} {'maintenance' if host.in_maintenance_mode else host.connection_state:<14} "
        f"{host.version:<8} {host.vms:>4} VMs  {host.name}\n"
        for host in found.hosts
    ]
    return _text(found, lines, "hosts")


def _datastores_text(found: DatastoreList) -> str:
    lines = []
    for each in found.datastores:
        percent = f"{100 * each.free // each.capacity} %" if each.capacity else "?"
        reach = "" if each.accessible else "  not accessible"
        free = f"{each.free >> 30} of {each.capacity >> 30} GiB free"
        lines.append(f"{_moref(each):<14} {percent:>5}  {free:<26} {each.type:<6} {each.name}{reach}\n")
    return _text(found, lines, "datastores")


def _moref(thing: Located) -> str:
    return thing.selector.replace("moref:", "", 1)


def _text(found: Listed, lines: Sequence[str], noun: str) -> str:
    more = [f"... and {found.total - len(lines)} more\n"] if found.total > len(lines) else []
    doubts = [f"{words}\n" for seen in found.inventory if (words := seen.words())]
    return "".join([*(lines or [f"No {noun}.\n"]), *more, *doubts])


ROUTES = (
    Route(
        method="GET",
        path="/vms",
        summary="VMs by name",
        handle=_vms,
        answer=VmList,
        scope=Scope.READ,
        query=InventoryQuery,
        text=_vms_text,
        errors=(400, 404, 502, 503),
    ),
    Route(
        method="GET",
        path="/vms/{selector}",
        summary="The one VM that a name, or name:, ipaddr:, uuid: or moref: and a value, means",
        handle=_vm,
        answer=VmSeen,
        scope=Scope.READ,
        errors=(400, 404, 409, 502, 503),
    ),
    Route(
        method="GET",
        path="/hosts",
        summary="Hosts by name",
        handle=_hosts,
        answer=HostList,
        scope=Scope.READ,
        query=InventoryQuery,
        text=_hosts_text,
        errors=(400, 404, 502, 503),
    ),
    Route(
        method="GET",
        path="/hosts/{selector}",
        summary="The one host that a name, or name: or moref: and a value, means",
        handle=_host,
        answer=HostSeen,
        scope=Scope.READ,
        errors=(400, 404, 409, 502, 503),
    ),
    Route(
        method="GET",
        path="/datastores",
        summary="Datastores by name, and how full they are",
        handle=_datastores,
        answer=DatastoreList,
        scope=Scope.READ,
        query=InventoryQuery,
        text=_datastores_text,
        errors=(400, 404, 502, 503),
    ),
)
