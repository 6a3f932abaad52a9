"""Datastores in the live inventory."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from service.api.units import done_of
from service.vsphere.live import Inventory, Kind
from service.vsphere.selectors import FIELDS, Located

PROPERTIES = [
    "host",
    "name",
    "summary.accessible",
    "summary.capacity",
    "summary.freeSpace",
    "summary.maintenanceMode",
    "summary.type",
    "summary.uncommitted",
    "vm",
]


class Datastore(Located):
    """One datastore; sizes are in bytes."""

    type: str
    capacity: int
    free: int
    promised: int
    """How much the thin disks on it may still grow; if that is more than `free`, the datastore can run full."""
    accessible: bool
    maintenance: str
    hosts: int
    vms: int

    @classmethod
    def read(cls, vcenter: str, moref: str, values: dict[str, Any]) -> Datastore:
        """Make a datastore from property names and values of the PropertyCollector; unset ones are absent."""
        return cls(
            vcenter=vcenter,
            moref=moref,
            name=values.get("name", ""),
            type=values.get("summary.type", ""),
            capacity=int(values.get("summary.capacity", 0)),
            free=int(values.get("summary.freeSpace", 0)),
            promised=int(values.get("summary.uncommitted", 0)),
            accessible=bool(values.get("summary.accessible", True)),
            maintenance=str(values.get("summary.maintenanceMode", "normal")),
            hosts=len(values.get("host", [])),
            vms=len(values.get("vm", [])),
        )


def _facts(datastore: Datastore, _: Inventory) -> str:
    free = f"{done_of(datastore.free, datastore.capacity)} free"
    return ", ".join(filter(None, [f"vCenter {datastore.vcenter}", datastore.type, free]))


DATASTORES = Kind(vim.Datastore, PROPERTIES, Datastore.read, FIELDS, _facts)
