"""VMs in the live inventory: found by name, or by `name:`, `ipaddr:`, `uuid:` or `moref:` and a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self

from pyVmomi import vim

from service.vsphere.folders import folder_path
from service.vsphere.live import Inventory, Kind
from service.vsphere.selectors import Located
from service.vsphere.session import Instance, Session, read_all, read_properties, vm_of
from service.vsphere.snapshots import Snapshot, snapshot_tree
from service.vsphere.vcenters import VCenters

PROPERTIES = [
    "name",
    "parent",
    "config.uuid",
    "config.instanceUuid",
    "config.annotation",
    "config.managedBy",
    "config.template",
    "guest.ipAddress",
    "guest.toolsRunningStatus",
    "runtime.connectionState",
    "runtime.powerState",
    "runtime.consolidationNeeded",
    "summary.storage.committed",
    "runtime.host",
    "datastore",
    "snapshot",
]
FIELDS = {"name": "name", "ipaddr": "ip_address", "uuid": "uuid", "moref": "moref"}


POWER = {"poweredOn": "powered on", "poweredOff": "powered off"}
"""Power states as people say them."""
AGENTS = "com.vmware.vim.eam"
"""The extension whose VMs vSphere itself powers off and on: agents of a host or a cluster, such as vCLS."""
AGENT_NAME = re.compile(r"vCLS($|[ (-])")
"""The names of the vCLS VMs: `vCLS (1)` in 7.0, `vCLS-` and a UUID since 7.0 U3."""


def manager_of(values: Mapping[str, Any]) -> str:
    """The extension that manages the VM with these properties (`name`, `config.managedBy`); empty when none does.

    The name decides too: embedded vCLS VMs, since 8.0 U3, and those that the account may not read have no `managedBy`.
    """
    managed = str(getattr(values.get("config.managedBy"), "extensionKey", "") or "")
    return managed or (AGENTS if AGENT_NAME.match(values.get("name", "")) else "")


class Vm(Located):
    """One VM."""

    uuid: str = ""
    """The BIOS UUID, which the guest sees."""
    instance_uuid: str = ""
    """What vCenter itself tells VMs apart by; it stays when a VM is registered anew."""
    ip_address: str = ""
    power_state: str = ""
    connection_state: str = ""
    tools_running: bool = False
    notes: str = ""
    template: bool = False
    managed_by: str = ""
    """The extension of vCenter that made and manages the VM, such as `com.vmware.vim.eam`; empty for all others."""
    consolidation_needed: bool = False
    host: str = ""
    """The moref of its host."""
    folder: str = ""
    """The moref of its folder; empty for a VM in a vApp."""
    datastores: tuple[str, ...] = ()
    """The morefs of its datastores."""
    allocated: int | None = None
    """Bytes that the VM takes on its datastores: an upper estimate of what a backup reads."""
    snapshots: tuple[Snapshot, ...] = ()

    @classmethod
    def read(cls, vcenter: str, moref: str, values: dict[str, Any], **more: Any) -> Self:
        """Make a VM from property names and values as the PropertyCollector returns them; unset ones are absent.

        `more` are the fields that a subclass has in addition.
        """
        return cls(
            vcenter=vcenter,
            moref=moref,
            name=values.get("name", ""),
            uuid=values.get("config.uuid", ""),
            instance_uuid=values.get("config.instanceUuid", ""),
            ip_address=values.get("guest.ipAddress", ""),
            power_state=str(values.get("runtime.powerState", "")),
            connection_state=str(values.get("runtime.connectionState", "")),
            tools_running=values.get("guest.toolsRunningStatus") == "guestToolsRunning",
            notes=values.get("config.annotation", ""),
            template=bool(values.get("config.template", False)),
            managed_by=manager_of(values),
            consolidation_needed=bool(values.get("runtime.consolidationNeeded", False)),
            host=values["runtime.host"]._moId if "runtime.host" in values else "",
            folder=values["parent"]._moId if "parent" in values else "",
            datastores=tuple(item._moId for item in values.get("datastore", [])),
            allocated=values.get("summary.storage.committed"),
            snapshots=tuple(snapshot_tree(list(getattr(values.get("snapshot"), "rootSnapshotList", None) or []))),
            **more,
        )


def vm_facts(vm: Vm, inventory: Inventory) -> str:
    """What tells a VM apart from another one of its name: its vCenter, folder, host and power state."""
    host = inventory.name_of(vim.HostSystem, vm.host)
    folder = folder_path(inventory, vm.folder)
    facts = [f"vCenter {vm.vcenter}", f"folder {folder}" if folder else "", f"host {host}" if host else ""]
    return ", ".join(filter(None, [*facts, POWER.get(vm.power_state, vm.power_state)]))


VMS = Kind(vim.VirtualMachine, PROPERTIES, Vm.read, FIELDS, vm_facts)


async def find_vm(vcenters: VCenters, selector: str) -> Vm:
    """The one VM in the live inventory that the selector matches; raises what `VCenters.find` raises."""
    return await vcenters.find(VMS, selector, "VM")


async def read_vm(session: Session, moref: str) -> Vm:
    """The VM with this moref, read from vCenter now; raises NotFound when it is gone."""

    def ask(instance: Instance) -> Vm:
        values = read_properties(instance, [vm_of(instance, moref)], vim.VirtualMachine, PROPERTIES)[0][1]
        return Vm.read(session.vcenter.name, moref, values)

    return await session.call(ask)


async def count_vms(session: Session) -> int:
    """How many VMs the vCenter has."""
    return await session.call(lambda instance: len(read_all(instance, vim.VirtualMachine, ["name"])))
