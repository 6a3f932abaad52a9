"""Finds VMs by what people call them: a name, or `name:`, `ipaddr:`, `uuid:`, `moref:` before it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim

from service.vsphere.selecting import select
from service.vsphere.session import Instance, Session, read_all, read_properties

PROPERTIES = [
    "name",
    "config.uuid",
    "config.template",
    "guest.ipAddress",
    "guest.toolsRunningStatus",
    "runtime.powerState",
    "runtime.consolidationNeeded",
    "summary.storage.committed",
    "runtime.host",
    "datastore",
]
FIELDS = {"name": "name", "ipaddr": "ip_address", "uuid": "uuid", "moref": "moref"}


class Vm(BaseModel):
    """One VM as the inventory shows it; `moref` is good within one vCenter only."""

    model_config = ConfigDict(frozen=True)

    moref: str
    name: str
    uuid: str = ""
    ip_address: str = ""
    power_state: str = ""
    tools_running: bool = False
    template: bool = False
    consolidation_needed: bool = False
    host: str = ""
    datastores: list[str] = []
    allocated: int | None = None
    """Bytes that the VM takes on its datastores: an upper guess at what a backup has to read."""

    @classmethod
    def read(cls, moref: str, values: dict[str, Any]) -> Vm:
        """A VM from the properties that the PropertyCollector gave."""
        return cls(
            moref=moref,
            name=values.get("name", ""),
            uuid=values.get("config.uuid", ""),
            ip_address=values.get("guest.ipAddress", ""),
            power_state=str(values.get("runtime.powerState", "")),
            tools_running=values.get("guest.toolsRunningStatus") == "guestToolsRunning",
            template=bool(values.get("config.template", False)),
            consolidation_needed=bool(values.get("runtime.consolidationNeeded", False)),
            host=values["runtime.host"]._moId if "runtime.host" in values else "",
            datastores=[item._moId for item in values.get("datastore", [])],
            allocated=values.get("summary.storage.committed"),
        )


async def list_vms(session: Session) -> list[Vm]:
    """Every VM of the vCenter, by name."""
    found = await session.call(lambda instance: read_all(instance, vim.VirtualMachine, PROPERTIES))
    return sorted((Vm.read(item._moId, values) for item, values in found), key=lambda vm: vm.name.lower())


async def find_vm(session: Session, selector: str) -> Vm:
    """The one VM that `selector` means.

    Raises NotFound with near names, Ambiguous with a `moref:` selector for each candidate, InvalidParams for
    an empty selector.
    """
    return select(await list_vms(session), selector, noun="VM", fields=FIELDS)


async def read_vm(session: Session, moref: str) -> Vm:
    """The VM with this moref as it is now; raises NotFound when it has gone."""

    def ask(instance: Instance) -> Vm:
        vm = vim.VirtualMachine(moref, instance._stub)
        return Vm.read(moref, read_properties(instance, [vm], vim.VirtualMachine, PROPERTIES)[0][1])

    return await session.call(ask)
