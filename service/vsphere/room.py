"""How much room the datastores of a VM have for the delta disks of a snapshot, and how far those have grown."""

from __future__ import annotations

import contextlib
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

from service.api.models import Check
from service.api.units import amount
from service.vsphere.preflight import LEAST_FREE
from service.vsphere.session import Instance, Session, read_properties, vm_of

VM = ["datastore", "storage.perDatastoreUsage"]
DATASTORE = ["name", "summary.freeSpace"]


class Room(BaseModel):
    """One datastore of a VM: the bytes that are free on it, and the bytes that the VM takes there."""

    model_config = ConfigDict(frozen=True)

    datastore: str
    free: int
    used: int

    def least(self, percent: int) -> int:
        """The bytes that must be free before a snapshot: `percent` of what the VM takes there, and at least 1 GiB."""
        return max(LEAST_FREE, self.used * percent // 100)

    def limit(self, percent: int) -> int:
        """The free bytes below which a backup under way stops: half of what must be free before it."""
        return self.least(percent) // 2


async def read_room(session: Session, vm: str, *, refresh: bool = False) -> list[Room]:
    """The datastores of the VM `vm` (a moref) with files of it, by name; raises NotFound when the VM is gone.

    vCenter learns the free space from the hosts every few minutes. With `refresh`, it is asked to look now.
    """
    return await session.call(lambda instance: _read(instance, vm, refresh=refresh))


def room_checks(rooms: list[Room], percent: int) -> list[Check]:
    """Refuses when a datastore has too little room for the growing delta disk of a backup."""
    return [
        Check(
            rule="delta-room",
            severity="refuse",
            message=f"The datastore {room.datastore} has {amount(room.free)} free, and the delta disk of the snapshot "
            f"may need {amount(room.least(percent))}: {percent}% of what the VM takes there (VMKOPS_DELTA_ROOM), and "
            f"at least {amount(LEAST_FREE)}. A datastore that runs full stops its VMs. Free up space on it, or move "
            "the VM to another datastore.",
        )
        for room in rooms
        if LEAST_FREE <= room.free < room.least(percent)  # the pre-flight refuses on less
    ]


def too_little(rooms: list[Room], percent: int) -> str:
    """Why a backup under way must stop: which datastore has how little room; empty when it may go on."""
    return next(
        (
            f"The datastore {room.datastore} has only {amount(room.free)} free, and the limit is "
            f"{amount(room.limit(percent))} (VMKOPS_DELTA_ROOM). Its VMs would stop if the delta disk of the snapshot "
            "filled it."
            for room in rooms
            if room.free < room.limit(percent)
        ),
        "",
    )


def _read(instance: Instance, vm: str, *, refresh: bool) -> list[Room]:
    values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, VM)[0][1]
    datastores: list[Any] = list(values.get("datastore", []))
    if refresh:
        for datastore in datastores:
            # A host that is away, or a user who may only read: then the last figure has to do.
            with contextlib.suppress(vim.fault.VimFault, vmodl.RuntimeFault):
                datastore.RefreshDatastore()
    used = {each.datastore._moId: int(each.committed) for each in values.get("storage.perDatastoreUsage", [])}
    found = read_properties(instance, datastores, vim.Datastore, DATASTORE) if datastores else []
    rooms = [
        Room(datastore=each["name"], free=int(each["summary.freeSpace"]), used=used.get(datastore._moId, 0))
        for datastore, each in found
        if "summary.freeSpace" in each
    ]
    return sorted((room for room in rooms if room.used or not used), key=lambda room: room.datastore)
