"""The live inventory: VMs, hosts and datastores as they were last seen, and how long ago that was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeVar

from pydantic import Field

from service.api.models import Freshness
from service.api.units import amount
from service.api.words import counted, vsphere_words
from service.http._pages import Page, PageQuery, page_of
from service.http._route import Call, Query, Route
from service.store.tokens import Scope
from service.vsphere.datastores import DATASTORES, Datastore
from service.vsphere.folders import folder_path
from service.vsphere.hosts import HOSTS, Host
from service.vsphere.inventory import VMS, Vm
from service.vsphere.live import Kind
from service.vsphere.selectors import Located
from service.vsphere.tags import Tag

POWER = {"on": "poweredOn", "off": "poweredOff", "suspended": "suspended"}

T = TypeVar("T", bound=Located)
Asked = TypeVar("Asked", bound="InventoryQuery")


class InventoryQuery(PageQuery):
    """Which things to list."""

    q: str = Field(default="", max_length=255, description="A part of the name, in any case.")
    vcenter: str = Field(default="", max_length=63, description="Only those of the vCenter with this name.")


class VmsQuery(InventoryQuery):
    """Which VMs to list."""

    power: Literal["", "on", "off", "suspended"] = Field(default="", description="Only those in this power state.")
    host: str = Field(default="", max_length=255, description="Only those on the host with this name.")
    needs: Literal["", "consolidation"] = Field(
        default="", description="`consolidation`: only those of which vSphere says that their disks need to be merged."
    )


class HostsQuery(InventoryQuery):
    """Which hosts to list."""

    state: Literal["", "connected", "disconnected", "notResponding", "maintenance"] = Field(
        default="", description="Only those in this state of the connection, or in maintenance mode."
    )


class DatastoresQuery(InventoryQuery):
    """Which datastores to list."""

    free_below: int | None = Field(default=None, ge=0, le=100, description="Only those with less free, in percent.")


class Listed(Page):
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
    """A VM, where it is, its tags, and how current that is."""

    title: str
    """Its name for people: `prod/web-01` when there are several vCenters."""
    host_name: str
    folder_path: str
    """Such as `/DC0/vm/web`; empty for a VM in a vApp."""
    datastore_names: tuple[str, ...]
    tags: tuple[Tag, ...]
    """At most a minute old; a list of VMs has none."""
    tags_unknown: str
    """Why the tags could not be read; empty when they could."""
    inventory: Freshness


class HostSeen(Host):
    """A host, and how current that is."""

    title: str
    """Its name for people, as for a VM."""
    inventory: Freshness


class DatastoreSeen(Datastore):
    """A datastore, and how current that is."""

    title: str
    """Its name for people, as for a VM."""
    inventory: Freshness


async def _vms(call: Call[VmsQuery, None]) -> VmList:
    query, found = call.query, await _fitting(call, VMS)
    if query.power:
        found = [vm for vm in found if vm.power_state == POWER[query.power]]
    if query.needs:
        found = [vm for vm in found if vm.consolidation_needed]
    if query.host:
        hosts = await call.services.context.vcenters.all(HOSTS)
        named = {(host.vcenter, host.moref) for host in hosts if host.name.lower() == query.host.lower()}
        found = [vm for vm in found if (vm.vcenter, vm.host) in named]
    shown, after = page_of(found, query)
    return VmList(vms=shown, next=after, total=len(found), inventory=_seen(call))


async def _hosts(call: Call[HostsQuery, None]) -> HostList:
    state, found = call.query.state, await _fitting(call, HOSTS)
    if state == "maintenance":
        found = [host for host in found if host.in_maintenance_mode]
    elif state:
        found = [host for host in found if host.connection_state == state]
    shown, after = page_of(found, call.query)
    return HostList(hosts=shown, next=after, total=len(found), inventory=_seen(call))


async def _datastores(call: Call[DatastoresQuery, None]) -> DatastoreList:
    percent, found = call.query.free_below, await _fitting(call, DATASTORES)
    if percent is not None:
        found = [each for each in found if 100 * each.free < percent * each.capacity]
    shown, after = page_of(found, call.query)
    return DatastoreList(datastores=shown, next=after, total=len(found), inventory=_seen(call))


async def _vm(call: Call[Query, None]) -> VmSeen:
    vcenters = call.services.context.vcenters
    vm = await vcenters.find(VMS, call.path("selector"), "VM")
    link = vcenters.link(vm.vcenter)
    inventory = link.inventory
    stores = [found.name for each in vm.datastores for found in inventory.find(DATASTORES, "moref", each)]
    host = inventory.find(HOSTS, "moref", vm.host)
    seen = inventory.freshness()
    tags, unknown = await link.session.tagging.look(vm.moref) if seen.connected else ((), "")
    return VmSeen(
        **vm.model_dump(),
        title=vcenters.shown(vm.vcenter, vm.name),
        host_name=host[0].name if host else "",
        folder_path=folder_path(inventory, vm.folder),
        datastore_names=tuple(sorted(stores)),
        tags=tags,
        tags_unknown=unknown,
        inventory=seen,
    )


async def _host(call: Call[Query, None]) -> HostSeen:
    vcenters = call.services.context.vcenters
    host = await vcenters.find(HOSTS, call.path("selector"), "host")
    title = vcenters.shown(host.vcenter, host.name)
    return HostSeen(**host.model_dump(), title=title, inventory=vcenters.link(host.vcenter).inventory.freshness())


async def _datastore(call: Call[Query, None]) -> DatastoreSeen:
    vcenters = call.services.context.vcenters
    datastore = await vcenters.find(DATASTORES, call.path("selector"), "datastore")
    title, inventory = vcenters.shown(datastore.vcenter, datastore.name), vcenters.link(datastore.vcenter).inventory
    return DatastoreSeen(**datastore.model_dump(), title=title, inventory=inventory.freshness())


async def _fitting(call: Call[Asked, None], kind: Kind[T]) -> list[T]:
    vcenters = call.services.context.vcenters
    vcenter = vcenters.link(call.query.vcenter).name if call.query.vcenter else ""
    wanted = call.query.q.lower()
    return [each for each in await vcenters.all(kind) if wanted in each.name.lower() and vcenter in ("", each.vcenter)]


def _seen(call: Call[Asked, None]) -> list[Freshness]:
    return call.services.context.vcenters.freshness()


def _vms_text(found: VmList) -> str:
    lines = [f"{_moref(vm, found):<10} {vsphere_words(vm.power_state):<11} {vm.name}\n" for vm in found.vms]
    return _text(found, lines, "VMs")


def _hosts_text(found: HostList) -> str:
    lines = [
        f"{_moref(host, found):<10} {_state(host):<14} {host.version:<8} {host.vms:>4} VMs  {host.name}\n"
        for host in found.hosts
    ]
    return _text(found, lines, "hosts")


def _state(host: Host) -> str:
    return "maintenance" if host.in_maintenance_mode else vsphere_words(host.connection_state)


def _datastores_text(found: DatastoreList) -> str:
    lines = [_datastore_line(each, _moref(each, found), each.name) for each in found.datastores]
    return _text(found, lines, "datastores")


def _datastore_line(each: Datastore, moref: str, name: str) -> str:
    percent = f"{100 * each.free // each.capacity} %" if each.capacity else "?"
    reach = "" if each.accessible else "  not accessible"
    free = f"{amount(each.free)} of {amount(each.capacity)} free"
    return f"{moref:<14} {percent:>5}  {free:<26} {each.type:<6} {name}{reach}\n"


def _vm_text(vm: VmSeen) -> str:
    tools = "VMware Tools running" if vm.tools_running else "VMware Tools not running"
    facts = [
        vsphere_words(vm.power_state),
        vsphere_words(vm.connection_state),
        tools,
        vm.ip_address,
        "template" if vm.template else "",
    ]
    lines = [f"{vm.title} ({vm.moref}): {', '.join(filter(None, facts))}", *_where(vm)]
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
        lines.append(f"It takes {amount(vm.allocated)} on its datastores.")
    return _seen_text(lines, vm.inventory)


def _host_text(host: HostSeen) -> str:
    mode = "in maintenance mode" if host.in_maintenance_mode else ""
    facts = [vsphere_words(host.connection_state), vsphere_words(host.power_state), mode, counted(host.vms, "VM")]
    lines = [f"{host.title} ({host.moref}): {', '.join(filter(None, facts))}", host.product, host.model]
    return _seen_text(filter(None, lines), host.inventory)


def _datastore_text(datastore: DatastoreSeen) -> str:
    users = f"{counted(datastore.hosts, 'host')}, {counted(datastore.vms, 'VM')}"
    lines = [
        _datastore_line(datastore, datastore.moref, datastore.title).rstrip(),
        f"Its thin disks may still grow by {amount(datastore.promised)}.",
        f"{users}, maintenance mode: {datastore.maintenance}",
    ]
    return _seen_text(lines, datastore.inventory)


def _seen_text(lines: Iterable[str], seen: Freshness) -> str:
    return "".join(f"{line}\n" for line in (*lines, seen.words()) if line)


def _where(vm: VmSeen) -> Iterator[str]:
    """What tells the VM from every other one."""
    yield f"vCenter {vm.vcenter}, folder {vm.folder_path or 'unknown'}, host {vm.host_name or 'unknown'}"
    yield f"On {', '.join(vm.datastore_names)}." if vm.datastore_names else ""
    yield f"UUID {vm.uuid or 'unknown'}, instance UUID {vm.instance_uuid or 'unknown'}"


def _moref(thing: Located, found: Listed) -> str:
    """The moref, with the name of its vCenter before it when there are several."""
    return f"{thing.vcenter}/{thing.moref}" if len(found.inventory) > 1 else thing.moref


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
        query=VmsQuery,
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
        query=HostsQuery,
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
        query=DatastoresQuery,
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
