"""What the choice of a place reads from vCenter: pools, hosts, datastores with their mounts, networks and folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pyVmomi import vim

from service.vsphere.session import Instance, read_all

READ_WRITE = "readWrite"
"""The access mode of a mount that may be written (vSphere API, HostMountInfo.accessMode)."""


class Item(NamedTuple):
    """One object of the inventory: its type's name, moref, name, parent's moref, and properties with plain values."""

    kind: str
    moref: str
    name: str
    parent: str
    values: dict[str, Any]


def path_above(item: Item, by_moref: Mapping[str, Item]) -> str:
    """What an object is in, such as `/DC0/vm`: it tells the object apart from others of its name."""
    names: list[str] = []
    while (above := by_moref.get(item.parent)) is not None:
        names.insert(0, above.name)
        item = above
    return f"/{'/'.join(names)}"


class Mount(NamedTuple):
    """How one host has a datastore: whether it is there now, and whether files can be written."""

    host: str
    there: bool
    writable: bool


PROPERTIES: dict[str, list[str]] = {
    "ResourcePool": ["name", "parent", "owner"],
    "ComputeResource": ["name", "parent", "resourcePool", "datastore", "network", "configurationEx"],
    "HostSystem": [
        "name",
        "parent",
        "network",
        "runtime.connectionState",
        "runtime.inMaintenanceMode",
        "summary.hardware.memorySize",
        "summary.quickStats.overallMemoryUsage",
    ],
    "Datastore": [
        "name",
        "parent",
        "host",
        "summary.accessible",
        "summary.freeSpace",
        "summary.maintenanceMode",
        "summary.multipleHostAccess",
    ],
    "Network": ["name", "parent", "tag"],
    "Folder": ["name", "parent", "childType"],
    "Datacenter": ["name", "parent", "vmFolder"],
}


def read_items(instance: Instance) -> list[Item]:
    """All objects among which a place is chosen."""
    return [item for kind, names in PROPERTIES.items() for item in _read(instance, kind, names)]


def in_service(host: Item) -> bool:
    """Whether a VM can be made on the host: it is connected and not in maintenance mode."""
    return host.values.get("runtime.connectionState") == "connected" and not host.values.get(
        "runtime.inMaintenanceMode", False
    )


def memory_used(host: Item) -> float:
    """The part of the host's memory that is used, from 0 to 1; 0 when it is not known."""
    size = host.values.get("summary.hardware.memorySize") or 0
    return float((host.values.get("summary.quickStats.overallMemoryUsage") or 0) << 20) / size if size else 0.0


def usable(datastore: Item) -> bool:
    """Whether the datastore answers and is not in maintenance mode."""
    values = datastore.values
    return bool(values.get("summary.accessible")) and values.get("summary.maintenanceMode", "normal") == "normal"


def writers(datastore: Item) -> set[str]:
    """The morefs of the hosts that can write to the datastore."""
    return {mount.host for mount in datastore.values.get("host", []) if mount.there and mount.writable}


def shared(datastore: Item) -> bool:
    """Whether several hosts have the datastore, so that the VM does not depend on one host."""
    return bool(datastore.values.get("summary.multipleHostAccess")) or len(datastore.values.get("host", [])) > 1


def why_unusable(datastore: Item, hosts: Iterable[Item]) -> str:
    """Why none of the hosts can write to the datastore, for people."""
    values = datastore.values
    if not values.get("summary.accessible"):
        return "it is not accessible"
    if (mode := values.get("summary.maintenanceMode", "normal")) != "normal":
        return f"it is in maintenance mode ({mode})"
    names = {host.moref: host.name for host in hosts}
    mounts = [mount for mount in values.get("host", []) if mount.host in names]
    if not mounts:
        return f"no connected host there has it ({', '.join(sorted(names.values())) or 'none is in service'})"
    if any(mount.writable for mount in mounts):
        return "the hosts there have lost the connection to it"
    return f"it is mounted read-only on {', '.join(sorted(names[mount.host] for mount in mounts))}"


def _read(instance: Instance, kind: str, names: list[str]) -> list[Item]:
    found = []
    for managed, values in read_all(instance, getattr(vim, kind), names):
        if isinstance(managed, vim.VirtualApp):
            continue
        plain = {name: _plain(value) for name, value in values.items()}
        if "configurationEx" in plain:
            plain["drs"] = _drs(plain.pop("configurationEx"))
        found.append(Item(kind, managed._moId, plain.pop("name", ""), plain.pop("parent", ""), plain))
    return found


def _drs(config: Any) -> bool:
    """Whether DRS chooses hosts in this cluster."""
    return bool(getattr(getattr(config, "drsConfig", None), "enabled", False))


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, vim.Tag):
        return value.key
    if isinstance(value, vim.Datastore.HostMount):
        info = value.mountInfo
        # Both are unset on hosts older than 5.0, where a datastore that is listed is there.
        there = info.mounted is not False and info.accessible is not False
        return Mount(value.key._moId, there, info.accessMode == READ_WRITE)
    return getattr(value, "_moId", value)
