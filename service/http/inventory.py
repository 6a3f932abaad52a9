"""The live inventory: VMs, hosts and datastores as they were last seen, and how long ago that was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from pydantic import Field

from service.api.models import Freshness, Value
from service.api.words import counted
from service.http._route import Call, Query, Route
from service.store.tokens import Scope
from service.vsphere.datastores import DATASTORES, Datastore
from service.vsphere.hosts import HOSTS, Host
from service.vsphere.inventory import VMS, Vm
from service.vsphere.live import Kind
from service.vsphere.selectors import Located
from service.vsphere.tags import Tag

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
    """A VM, its tags, and how current that is."""

    tags: tuple[Tag, ...]
    """At most a minute old; a list of VMs has none."""
    tags_unknown: str
    """Why the tags could not be read; empty when they could."""
    inventory: Freshness


class HostSeen(Host):
    """A host, and how current that is."""

    inventory: Freshness


class DatastoreSeen(Datastore):
    """A datastore, and how current that is."""

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
    link = vcenters.link(vm.vcenter)
    seen = link.inventory.freshness()
    tags, unknown = await link.session.tagging.look(vm.moref) if seen.connected else ((), "")
    return VmSeen(**vm.model_dump(), tags=tags, tags_unknown=unknown, inventory=seen)


async def _host(call: Call[Query, None]) -> HostSeen:
    vcenters = call.services.context.vcenters
    host = await vcenters.find(HOSTS, call.path("selector"), "host")
    return HostSeen(**host.model_dump(), inventory=vcenters.link(host.vcenter).inventory.freshness())


async def _datastore(call: Call[Query, None]) -> DatastoreSeen:
    vcenters = call.services.context.vcenters
    datastore = await vcenters.find(DATASTORES, call.path("selector"), "datastore")
    return DatastoreSeen(**datastore.model_dump(), inventory=vcenters.link(datastore.vcenter).inventory.freshness())


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
    return _text(found, list(map(_datastore_line, found.datastores)), "datastores")


def _datastore_line(each: Datastore) -> str:
    percent = f"{100 * each.free // each.capacity} %" if each.capacity else "?"
    reach = "" if each.accessible else "  not accessible"
    free = f"{each.free >> 30} of {each.capacity >> 30} GiB free"
    return f"{_moref(each):<14} {percent:>5}  {free:<26} {each.type:<6} {each.name}{reach}\n"


def _vm_text(vm: VmSeen) -> str:
    tools = "VMware Tools running" if vm.tools_running else "VMware Tools not running"
    facts = [vm.power_state, vm.connection_state, tools, vm.ip_address, "template" if vm.template else ""]
    lines = [f"{vm.name} ({_moref(vm)}): {', '.join(filter(None, facts))}"]
    if vm.consolidation_needed:
        lines.append("Its disks need consolidation.")
    if vm.snapshots:
        lines.append(
            f"It has {counted(len(vm.snapshots), 'snapshot')}: {', '.join(each.name for each in vm.snapshots)}"
        )
    if vm.tags or vm.tags_unknown:
        named = f"Tags: {', '.join(map(str, vm.tags))}"
        lines.append(f"Its tags could not be read: {vm.tags_unknown}" if vm.tags_unknown else named)
    if vm.allocated is not None:
        lines.append(f"It takes {vm.allocated / 1e9:.1f} GB on its datastores.")
    return _seen_text(lines, vm.inventory)


def _host_text(host: HostSeen) -> str:
    mode = "in maintenance mode" if host.in_maintenance_mode else ""
    facts = [host.connection_state, host.power_state, mode, counted(host.vms, "VM")]
    lines = [f"{host.name} ({_moref(host)}): {', '.join(filter(None, facts))}", host.product, host.model]
    return _seen_text(filter(None, lines), host.inventory)


def _datastore_text(datastore: DatastoreSeen) -> str:
    users = f"{counted(datastore.hosts, 'host')}, {counted(datastore.vms, 'VM')}"
    lines = [
        _datastore_line(datastore).rstrip(),
        f"Its thin disks may still grow by {datastore.promised / 1e9:.1f} GB.",
        f"{users}, maintenance mode: {datastore.maintenance}",
    ]
    return _seen_text(lines, datastore.inventory)


def _seen_text(lines: Iterable[str], seen: Freshness) -> str:
    return "".join(f"{line}\n" for line in (*lines, seen.words()) if line)


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
        text=_vm_text,
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
        text=_host_text,
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
    Route(
        method="GET",
        path="/datastores/{selector}",
        summary="The one datastore that a name, or name: or moref: and a value, means",
        handle=_datastore,
        answer=DatastoreSeen,
        scope=Scope.READ,
        text=_datastore_text,
        errors=(400, 404, 409, 502, 503),
    ),
)
