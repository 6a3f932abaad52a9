"""The place of a temporary VM beside another VM: on its host, in its pool and folder, and on its datastore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyVmomi import vim

from service.errors import NotFound
from service.vsphere.disk_files import datacenter_of
from service.vsphere.placement import Named, Place
from service.vsphere.session import Instance, Session, read_properties, vm_of

PROPERTIES = ["config.files.vmPathName", "datastore", "parent", "resourcePool", "runtime.host"]


async def place_beside(session: Session, vm: str, networks: Sequence[str]) -> Place:
    """The place of the VM `vm` (a moref): its datastore is that of its configuration file.

    The networks only satisfy the import: each is mapped to the one of the same name, or to any other of the host.
    Raises NotFound when the VM or its datastore is gone.
    """
    return await session.call(lambda instance: _read(instance, vm, networks))


def _read(instance: Instance, vm: str, networks: Sequence[str]) -> Place:
    values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, PROPERTIES)[0][1]
    name = str(values.get("config.files.vmPathName", "")).partition("]")[0].removeprefix("[")
    stores = _named(instance, values.get("datastore", []), vim.Datastore)
    store = next((each for each in stores if each.name == name), None)
    if store is None:
        raise NotFound(f"The VM has no datastore {name!r} any more.")
    host = values["runtime.host"]
    found = read_properties(instance, [host], vim.HostSystem, ["name", "network", "parent"])[0][1]
    there = _named(instance, found.get("network", []), vim.Network)
    mapped = {each: next((one for one in there if one.name == each), there[0]) for each in networks} if there else {}
    free = ["summary.freeSpace"]
    datastore = vim.Datastore(store.moref, instance._stub)
    return Place(
        pool=_pool(instance, values.get("resourcePool"), found["parent"]),
        host=Named(moref=host._moId, name=found.get("name", "")),
        datastore=store,
        folder=_folder(instance, vm, values.get("parent")),
        networks=mapped,
        free=int(read_properties(instance, [datastore], vim.Datastore, free)[0][1].get(free[0], 0)),
        unmapped=[],
        known_networks=[],
    )


def _pool(instance: Instance, pool: Any, compute: Any) -> Named:
    """The pool of the VM; for a VM in a vApp, which takes no further one, that of its host or cluster."""
    if pool is None or isinstance(pool, vim.VirtualApp):
        pool = read_properties(instance, [compute], type(compute), ["resourcePool"])[0][1]["resourcePool"]
    return _named(instance, [pool], vim.ResourcePool)[0]


def _folder(instance: Instance, vm: str, parent: Any) -> Named:
    if not isinstance(parent, vim.Folder):
        center = datacenter_of(instance, vm)
        parent = read_properties(instance, [center], vim.Datacenter, ["vmFolder"])[0][1]["vmFolder"]
    return _named(instance, [parent], vim.Folder)[0]


def _named(instance: Instance, objects: Sequence[Any], kind: type) -> list[Named]:
    found = read_properties(instance, list(objects), kind, ["name"]) if objects else []
    return [Named(moref=managed._moId, name=values.get("name", "")) for managed, values in found]
