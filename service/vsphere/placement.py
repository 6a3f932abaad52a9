"""Chooses where a new VM goes: pool, host, datastore, folder and networks, as asked for or as they fit best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

from knowledge.spelling import nearest_name
from service.errors import NotFound
from service.vsphere.placement_items import (
    Item,
    in_service,
    memory_used,
    path_above,
    read_items,
    shared,
    usable,
    why_unusable,
    writers,
)
from service.vsphere.selectors import Candidate, ambiguous
from service.vsphere.session import Instance, Session, read_properties

MOST_NAMED = 20
"""How many names a message lists."""

UPLINK_TAG = "SYSTEM/DVS.UPLINKPG"
"""The tag of the uplink port group of a distributed switch; no VM may use it."""


class Named(BaseModel):
    """An object of the inventory, by moref and name."""

    model_config = ConfigDict(frozen=True)

    moref: str
    name: str


class Home(NamedTuple):
    """The VM that a backup was made of; the uuid, because another VM may have its moref by now."""

    vcenter: str
    moref: str
    uuid: str


NO_HOME = Home("", "", "")
"""For a VM that comes from elsewhere, or whose place is already chosen."""


class Wanted(BaseModel):
    """What was asked for: a name, or `moref:` and a moref; empty for a choice by vmkops. `networks` maps old to new."""

    model_config = ConfigDict(frozen=True)

    pool: str = ""
    host: str = ""
    datastore: str = ""
    folder: str = ""
    networks: dict[str, str] = {}


class Place(BaseModel):
    """Where the VM goes; `unmapped` are the networks for which there is none of the same name."""

    model_config = ConfigDict(frozen=True)

    pool: Named
    host: Named | None = None
    """The host that has the datastore and the networks; None where DRS chooses among hosts that all have them."""
    datastore: Named
    folder: Named
    networks: dict[str, Named]
    free: int
    """Bytes free on the datastore."""
    unmapped: list[str]
    known_networks: list[str]


NOWHERE = Item("Datacenter", "", "", "", {})
"""The datacenter of a folder that is above all datacenters."""


async def choose_place(
    session: Session, wanted: Wanted, networks: Iterable[str], home: Home, *, size: int = 0
) -> Place:
    """Choose a place for a VM with these networks and so many bytes; the default is the pool and folder of `home`, if
    it still exists.

    Raises NotFound with the names that exist or with what no host there can do, and Ambiguous with a `moref:` for each
    candidate.
    """

    def ask(instance: Instance) -> tuple[list[Item], dict[str, str]]:
        return read_items(instance), _home(instance, home)

    items, former = await session.call(ask)
    return decide(items, wanted, networks, former, size)


def decide(
    items: list[Item], wanted: Wanted, networks: Iterable[str], former: Mapping[str, str], size: int = 0
) -> Place:
    """See `choose_place`; pure. `former` has the morefs of `pool` and `folder` of the home VM, if it still exists."""
    by_moref = {item.moref: item for item in items}
    names = list(dict.fromkeys(networks))
    pool = _pool(items, by_moref, wanted, names, former)
    compute = by_moref[pool.values["owner"]]
    mapped, known = _networks(by_moref, compute, wanted, names)
    datastore, host = _datastore_and_host(items, by_moref, compute, wanted, mapped, size)
    return Place(
        pool=Named(moref=pool.moref, name=compute.name if pool.moref == compute.values["resourcePool"] else pool.name),
        host=_named(host) if host else None,
        datastore=_named(datastore),
        folder=_named(_folder(items, by_moref, compute, wanted.folder, former)),
        networks={name: _named(item) for name, item in mapped.items()},
        free=int(datastore.values.get("summary.freeSpace", 0)),
        unmapped=[name for name in names if name not in mapped],
        known_networks=sorted({item.name for item in known}),
    )


def _pool(
    items: list[Item], by_moref: dict[str, Item], wanted: Wanted, networks: list[str], former: Mapping[str, str]
) -> Item:
    pools = {item.moref: item for item in items if item.kind == "ResourcePool"}
    computes = [item for item in items if item.kind == "ComputeResource" and item.values.get("resourcePool") in pools]
    if wanted.pool:
        # The root pool of every host and cluster is called Resources, so people name its owner.
        named = {item.values["resourcePool"]: item.name for item in computes}
        shown = [item._replace(name=named.get(item.moref, item.name)) for item in pools.values()]
        return pools[_pick("resource pool, cluster or host", shown, wanted.pool, by_moref).moref]
    if wanted.host:
        host = _pick("host", [item for item in items if item.kind == "HostSystem"], wanted.host, by_moref)
        computes = [item for item in computes if item.moref == host.parent]
    pool = pools.get(former.get("pool", ""))
    if pool and (not wanted.host or pool.values["owner"] in {item.moref for item in computes}):
        return pool
    able = [item for item in computes if _stores(items, by_moref, item, wanted)]

    def fit(compute: Item) -> tuple[int, str]:
        mapped, _ = _networks(by_moref, compute, Wanted(), networks)
        return len(networks) - len(mapped), compute.name

    found = min(able, key=fit, default=None)
    if found is None:
        raise NotFound(
            "No host or cluster has a datastore for this VM: one that a connected host can write to. Name a pool."
        )
    return pools[found.values["resourcePool"]]


def _stores(items: list[Item], by_moref: dict[str, Item], compute: Item, wanted: Wanted) -> list[Item]:
    """The datastores of a cluster or host that a host in service there can write to, and that fit what is wanted."""
    hosts = {host.moref for host in _hosts(items, compute, wanted)}
    stores = (by_moref[moref] for moref in compute.values.get("datastore", []) if moref in by_moref)
    return [
        each
        for each in stores
        if usable(each) and writers(each) & hosts and (not wanted.datastore or _is(each, wanted.datastore))
    ]


def _hosts(items: list[Item], compute: Item, wanted: Wanted) -> list[Item]:
    hosts = [item for item in items if item.kind == "HostSystem" and item.parent == compute.moref and in_service(item)]
    return [host for host in hosts if not wanted.host or _is(host, wanted.host)]


def _networks(
    by_moref: dict[str, Item], compute: Item, wanted: Wanted, names: list[str]
) -> tuple[dict[str, Item], list[Item]]:
    """The network for each name that has one, and all networks there that a VM may use."""
    there = [by_moref[moref] for moref in compute.values.get("network", []) if moref in by_moref]
    there = [item for item in there if UPLINK_TAG not in item.values.get("tag", [])]
    mapped: dict[str, Item] = {}
    for name in names:
        if (to := wanted.networks.get(name)) is not None:
            mapped[name] = _pick("network", there, to, by_moref)
        elif same := [item for item in there if item.name == name]:
            mapped[name] = same[0]
    return mapped, there


def _datastore_and_host(
    items: list[Item],
    by_moref: dict[str, Item],
    compute: Item,
    wanted: Wanted,
    networks: Mapping[str, Item],
    size: int,
) -> tuple[Item, Item | None]:
    """The datastore, and the host that has it and the networks; None where vSphere itself chooses among all hosts.

    A datastore of several hosts comes before a local one, then one with room for `size` bytes, then the emptiest.
    """
    if wanted.host:
        _pick(f"host of {compute.name}", _members(items, compute), wanted.host, by_moref)
    hosts = _hosts(items, compute, wanted)
    if not hosts:
        states = ", ".join(f"{host.name} ({_state(host)})" for host in _members(items, compute))
        raise NotFound(f"No host of {compute.name} is in service: {states or 'it has none'}. Choose another pool.")
    if wanted.datastore:
        all_stores = [by_moref[moref] for moref in compute.values.get("datastore", []) if moref in by_moref]
        chosen = _pick(f"datastore of {compute.name}", all_stores, wanted.datastore, by_moref)
        if not usable(chosen) or not writers(chosen) & {host.moref for host in hosts}:
            raise NotFound(
                f"The datastore {chosen.name} cannot take a VM of {compute.name}: {why_unusable(chosen, hosts)}. "
                "Choose another datastore."
            )
    stores = _stores(items, by_moref, compute, wanted)
    if not stores:
        raise NotFound(
            f"No host of {compute.name} in service can write to a datastore. Name a datastore or another pool."
        )
    needed = {item.moref for item in networks.values()}
    seeing = [host for host in hosts if needed <= set(host.values.get("network", []))]
    reachable = [each for each in stores if writers(each) & {host.moref for host in seeing}]
    if not reachable:
        raise NotFound(
            f"No host of {compute.name} in service has both the datastore {' or '.join(each.name for each in stores)} "
            f"and the networks {', '.join(sorted({item.name for item in networks.values()}))}. Choose another "
            "datastore, or set `networks`."
        )
    room = max(size, 1)
    datastore = max(
        reachable,
        key=lambda each: (
            shared(each),
            each.values.get("summary.freeSpace", 0) >= room,
            each.values.get("summary.freeSpace", 0),
            each.name,
        ),
    )
    able = [host for host in seeing if host.moref in writers(datastore)]
    if compute.values.get("drs") and not wanted.host and len(able) == len(hosts):
        return datastore, None
    return datastore, min(able, key=lambda host: (memory_used(host), host.name))


def _members(items: list[Item], compute: Item) -> list[Item]:
    return [item for item in items if item.kind == "HostSystem" and item.parent == compute.moref]


def _state(host: Item) -> str:
    state = str(host.values.get("runtime.connectionState", "unknown"))
    return "in maintenance mode" if state == "connected" else state


def _folder(
    items: list[Item], by_moref: dict[str, Item], compute: Item, wanted: str, former: Mapping[str, str]
) -> Item:
    center = _datacenter(by_moref, compute)
    root = by_moref[center.values["vmFolder"]]
    folders = [
        item
        for item in items
        if item.kind == "Folder"
        and "VirtualMachine" in item.values.get("childType", [])
        and _datacenter(by_moref, item).moref == center.moref
    ]
    if wanted:
        return _pick(f"VM folder of {center.name}", folders, wanted, by_moref)
    return next((item for item in folders if item.moref == former.get("folder")), root)


def _datacenter(by_moref: dict[str, Item], item: Item) -> Item:
    while item.kind != "Datacenter":
        if item.parent not in by_moref:
            return NOWHERE
        item = by_moref[item.parent]
    return item


def _pick(what: str, items: list[Item], wanted: str, by_moref: Mapping[str, Item]) -> Item:
    found = [item for item in items if _is(item, wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        candidates = [Candidate(f"moref:{item.moref}", f"in {path_above(item, by_moref)}") for item in found]
        raise ambiguous(f"{len(found)} objects match: {what} {wanted[:80]!r}", candidates)
    names = sorted({item.name for item in items})
    near = nearest_name(wanted, names)
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    there = f"Did you mean {near}?" if near else f"There are: {', '.join(names[:MOST_NAMED]) or 'none'}{more}."
    raise NotFound(f"There is no {what} {wanted[:80]!r}. {there}", [near] if near else names[:MOST_NAMED])


def _is(item: Item | None, wanted: str) -> bool:
    return item is not None and wanted in (item.name, f"moref:{item.moref}")


def _named(item: Item) -> Named:
    return Named(moref=item.moref, name=item.name)


def _home(instance: Instance, home: Home) -> dict[str, str]:
    if not home.moref:
        return {}
    vm = vim.VirtualMachine(home.moref, instance._stub)
    try:
        found = read_properties(instance, [vm], vim.VirtualMachine, ["resourcePool", "parent", "config.uuid"])
    except vmodl.fault.ManagedObjectNotFound:
        return {}
    values = found[0][1] if found else {}
    if values.get("config.uuid") != home.uuid:
        return {}
    morefs = {"pool": values.get("resourcePool"), "folder": values.get("parent")}
    return {name: item._moId for name, item in morefs.items() if item is not None}
