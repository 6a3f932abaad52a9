"""Chooses where a new VM goes: resource pool, datastore, folder and networks, as asked for or as they fit best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

from service.errors import Ambiguous, NotFound
from service.vsphere.session import Instance, Session, read_all, read_properties

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
    datastore: str = ""
    folder: str = ""
    networks: dict[str, str] = {}


class Place(BaseModel):
    """Where the VM goes; `unmapped` are the networks for which there is none of the same name."""

    model_config = ConfigDict(frozen=True)

    pool: Named
    datastore: Named
    folder: Named
    networks: dict[str, Named]
    free: int
    """Bytes free on the datastore."""
    unmapped: list[str]
    known_networks: list[str]


class Item(NamedTuple):
    """One object of the inventory: its type's name, moref, name, parent's moref, and properties with plain values."""

    kind: str
    moref: str
    name: str
    parent: str
    values: dict[str, Any]


NOWHERE = Item("Datacenter", "", "", "", {})
"""The datacenter of a folder that is above all datacenters."""

PROPERTIES: dict[str, list[str]] = {
    "ResourcePool": ["name", "parent", "owner"],
    "ComputeResource": ["name", "parent", "resourcePool", "datastore", "network"],
    "Datastore": ["name", "parent", "summary.accessible", "summary.freeSpace", "summary.maintenanceMode"],
    "Network": ["name", "parent", "tag"],
    "Folder": ["name", "parent", "childType"],
    "Datacenter": ["name", "parent", "vmFolder"],
}


async def choose_place(session: Session, wanted: Wanted, networks: Iterable[str], home: Home) -> Place:
    """Choose a place for a VM with these networks; the default is the pool and folder of `home`, if it still exists.

    Raises NotFound with the names that exist, and Ambiguous with a `moref:` for each candidate.
    """

    def ask(instance: Instance) -> tuple[list[Item], dict[str, str]]:
        items = [item for kind, names in PROPERTIES.items() for item in _read(instance, kind, names)]
        return items, _home(instance, home)

    items, former = await session.call(ask)
    return decide(items, wanted, networks, former)


def decide(items: list[Item], wanted: Wanted, networks: Iterable[str], former: Mapping[str, str]) -> Place:
    """See `choose_place`; pure. `former` has the morefs of `pool` and `folder` of the home VM, if it still exists."""
    by_moref = {item.moref: item for item in items}
    computes = [item for item in items if item.kind == "ComputeResource"]
    pool = _pool(items, computes, wanted, former)
    compute = by_moref[pool.values["owner"]]
    stores = [by_moref[moref] for moref in compute.values.get("datastore", []) if moref in by_moref]
    datastore = _datastore(stores, wanted.datastore, compute.name)
    folder = _folder(items, by_moref, compute, wanted.folder, former)
    there = [by_moref[moref] for moref in compute.values.get("network", []) if moref in by_moref]
    there = [item for item in there if UPLINK_TAG not in item.values.get("tag", [])]
    mapped: dict[str, Named] = {}
    unmapped = []
    for name in dict.fromkeys(networks):
        to = wanted.networks.get(name)
        same = [item for item in there if item.name == name]
        if to is not None:
            mapped[name] = _named(_pick("network", there, to))
        elif same:
            mapped[name] = _named(same[0])
        else:
            unmapped.append(name)
    return Place(
        pool=Named(moref=pool.moref, name=compute.name if pool.moref == compute.values["resourcePool"] else pool.name),
        datastore=_named(datastore),
        folder=_named(folder),
        networks=mapped,
        free=int(datastore.values.get("summary.freeSpace", 0)),
        unmapped=unmapped,
        known_networks=sorted({item.name for item in there}),
    )


def _pool(items: list[Item], computes: list[Item], wanted: Wanted, former: Mapping[str, str]) -> Item:
    pools = [item for item in items if item.kind == "ResourcePool"]
    roots = {item.values.get("resourcePool", "") for item in computes}
    if wanted.pool:
        # The root pool of every host and cluster is called Resources, so people name its owner.
        named = {item.values["resourcePool"]: item.name for item in computes if "resourcePool" in item.values}
        shown = [item._replace(name=named.get(item.moref, item.name)) for item in pools]
        chosen = _pick("resource pool, cluster or host", shown, wanted.pool)
        return next(item for item in pools if item.moref == chosen.moref)
    for item in pools:
        if item.moref == former.get("pool"):
            return item
    able = [item for item in computes if item.values.get("datastore")]
    if wanted.datastore:
        by_moref = {item.moref: item for item in items}
        able = [item for item in able if any(_is(by_moref.get(m), wanted.datastore) for m in item.values["datastore"])]
    first = min(able, key=lambda item: item.name, default=None)
    found = next((item for item in pools if first and item.moref == first.values["resourcePool"]), None)
    if found is None or found.moref not in roots:
        raise NotFound("No host or cluster has a datastore for this VM. Name a pool.")
    return found


def _datastore(stores: list[Item], wanted: str, compute: str) -> Item:
    if wanted:
        return _pick(f"datastore of {compute}", stores, wanted)
    usable = [
        item
        for item in stores
        if item.values.get("summary.accessible") and item.values.get("summary.maintenanceMode", "normal") == "normal"
    ]
    if not usable:
        raise NotFound(f"{compute} has no usable datastore. Name a datastore or another pool.")
    return max(usable, key=lambda item: (item.values.get("summary.freeSpace", 0), item.name))


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
        return _pick(f"VM folder of {center.name}", folders, wanted)
    return next((item for item in folders if item.moref == former.get("folder")), root)


def _datacenter(by_moref: dict[str, Item], item: Item) -> Item:
    while item.kind != "Datacenter":
        if item.parent not in by_moref:
            return NOWHERE
        item = by_moref[item.parent]
    return item


def _pick(what: str, items: list[Item], wanted: str) -> Item:
    found = [item for item in items if _is(item, wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Ambiguous(
            f"{len(found)} objects match: {what} {wanted[:80]!r}. Choose one by its moref.",
            [f"moref:{item.moref}" for item in found],
        )
    names = sorted({item.name for item in items})
    raise NotFound(f"There is no {what} {wanted[:80]!r}. There are: {', '.join(names[:20]) or 'none'}.", names[:20])


def _is(item: Item | None, wanted: str) -> bool:
    return item is not None and wanted in (item.name, f"moref:{item.moref}")


def _named(item: Item) -> Named:
    return Named(moref=item.moref, name=item.name)


def _read(instance: Instance, kind: str, names: list[str]) -> list[Item]:
    found = []
    for managed, values in read_all(instance, getattr(vim, kind), names):
        if isinstance(managed, vim.VirtualApp):
            continue
        plain = {name: _plain(value) for name, value in values.items()}
        found.append(Item(kind, managed._moId, plain.pop("name", ""), plain.pop("parent", ""), plain))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, vim.Tag):
        return value.key
    return getattr(value, "_moId", value)


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
