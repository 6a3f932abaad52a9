"""Datastores: what there is, and how full."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim

from service.vsphere.session import Session, read_all

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


class Datastore(BaseModel):
    """One datastore; sizes are in bytes."""

    model_config = ConfigDict(frozen=True)

    moref: str
    name: str
    type: str
    capacity: int
    free: int
    promised: int
    """What thin disks on it may still grow by; more than `free` means that it can run full."""
    accessible: bool
    maintenance: str
    hosts: int
    vms: int


async def list_datastores(session: Session) -> list[Datastore]:
    """Every datastore of the vCenter, by name."""
    found = await session.call(lambda instance: read_all(instance, vim.Datastore, PROPERTIES))
    return sorted((_datastore(item._moId, values) for item, values in found), key=lambda each: each.name.lower())


def _datastore(moref: str, values: dict[str, Any]) -> Datastore:
    return Datastore(
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
