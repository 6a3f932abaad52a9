"""Moves VMs to another host, another datastore, or both; vSphere itself checks first whether that works."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

from service.errors import Conflict, NotFound
from service.vsphere.faults import fault_message
from service.vsphere.inventory import AGENTS, manager_of
from service.vsphere.session import Instance, Session, read_present, read_properties, vm_of
from service.vsphere.tasks import Progress, run_task, wait_for

MOVE = {"relocate", "migrate"}


class Destination(BaseModel):
    """Where a VM goes: the moref of a host, of a datastore, or of both; an empty one stays as it is."""

    model_config = ConfigDict(frozen=True)

    host: str = ""
    datastore: str = ""


class Compatibility(BaseModel):
    """What vSphere has against a move, and what it warns of, in its own words."""

    model_config = ConfigDict(frozen=True)

    errors: list[str]
    warnings: list[str]


class Lodger(BaseModel):
    """A VM that is registered with a host."""

    model_config = ConfigDict(frozen=True)

    moref: str
    name: str


async def check_move(session: Session, vm: str, to: Destination) -> Compatibility:
    """Let vSphere check the move of the VM `vm` (a moref); changes nothing. Raises NotFound when an object is gone."""
    return await session.call(lambda instance: _check(instance, vm, to), limit=None)


async def move_vm(session: Session, vm: str, to: Destination, progress: Progress) -> bool:
    """Move the VM `vm` (a moref); False when it was there already. Raises the fault of the task."""

    def start(instance: Instance) -> Any:
        if _is_there(instance, vm, to):
            return None
        return vm_of(instance, vm).RelocateVM_Task(spec=_spec(instance, vm, to))

    return await run_task(session, vim.VirtualMachine, vm, start, names=MOVE, progress=progress)


async def lodgers(session: Session, host: str) -> list[Lodger]:
    """The VMs of a host (a moref) that have to move away before it is empty: all but templates and agents."""

    def ask(instance: Instance) -> list[Lodger]:
        machine = vim.HostSystem(host, instance._stub)
        vms = read_properties(instance, [machine], vim.HostSystem, ["vm"])[0][1].get("vm", [])
        names = ["name", "config.template", "config.managedBy"]
        found = read_present(instance, list(vms), vim.VirtualMachine, names)
        return [
            Lodger(moref=managed._moId, name=values.get("name", ""))
            for managed, values in found
            if not values.get("config.template") and manager_of(values) != AGENTS
        ]

    return sorted(await session.call(ask), key=lambda each: each.name)


async def move_away(session: Session, vm: Lodger, host: str, progress: Progress) -> str:
    """Move a VM to another host of the cluster of `host` (a moref); returns the name of the host that it is on then.

    Hosts in service are tried in the order of the memory that is free; vSphere's check decides. A VM that is elsewhere
    already is left there. The name is empty when the VM no longer exists. Raises Conflict with the reason of each host
    when none can have the VM.
    """

    def start(instance: Instance) -> Any:
        if _host(instance, vm.moref) != host:
            return None
        refuge = _refuge(instance, vm, host)
        return vm_of(instance, vm.moref).RelocateVM_Task(spec=_spec(instance, vm.moref, Destination(host=refuge)))

    def name(instance: Instance) -> str:
        return str(_property(instance, vim.HostSystem(_host(instance, vm.moref), instance._stub), "name"))

    try:
        await run_task(session, vim.VirtualMachine, vm.moref, start, names=MOVE, progress=progress)
        return await session.call(name)
    except NotFound:  # it does not say of what: of the VM, or of a host
        try:
            await session.call(lambda instance: _host(instance, vm.moref))
        except NotFound:
            return ""
        raise


def _refuge(instance: Instance, vm: Lodger, host: str) -> str:
    reasons = []
    for moref, name in _others(instance, host):
        found = _check(instance, vm.moref, Destination(host=moref))
        if not found.errors:
            return moref
        reasons.append(f"{name}: {' '.join(found.errors)}")
    why = "; ".join(reasons) or "no other host of its cluster is in service"
    raise Conflict(f"{vm.name} cannot move to another host ({why}). Move or stop it, then start the action again.")


def _check(instance: Instance, vm: str, to: Destination) -> Compatibility:
    checker = instance.content.vmProvisioningChecker
    if checker is None:
        raise Conflict("A stand-alone host cannot move VMs. Move them with its vCenter.")
    result = wait_for(instance, checker.CheckRelocate_Task(vm=vm_of(instance, vm), spec=_spec(instance, vm, to)))
    found = list(result or [])
    return Compatibility(
        errors=[_words(fault) for each in found for fault in each.error or []],
        warnings=[_words(fault) for each in found for fault in each.warning or []],
    )


def _words(fault: Any) -> str:
    """The words of a fault with the name of its type: vSphere's own message may be empty, or the same for several."""
    fault = getattr(fault, "fault", None) or fault
    name = type(fault).__name__.rpartition(".")[2]
    words = fault_message(fault)
    return words if words == name else f"{words} ({name})"


def _spec(instance: Instance, vm: str, to: Destination) -> Any:
    spec = vim.vm.RelocateSpec()
    if to.datastore:
        spec.datastore = vim.Datastore(to.datastore, instance._stub)
    if to.host:
        spec.host = vim.HostSystem(to.host, instance._stub)
        pool = _property(instance, vm_of(instance, vm), "resourcePool")
        compute = _property(instance, spec.host, "parent")
        if pool is None or _property(instance, pool, "owner")._moId != compute._moId:
            spec.pool = _property(instance, compute, "resourcePool")
    return spec


def _host(instance: Instance, vm: str) -> str:
    return str(getattr(_property(instance, vm_of(instance, vm), "runtime.host"), "_moId", ""))


def _is_there(instance: Instance, vm: str, to: Destination) -> bool:
    machine = vm_of(instance, vm)
    names = ["runtime.host", "config.files.vmPathName", "config.hardware.device"]
    values = read_properties(instance, [machine], vim.VirtualMachine, names)[0][1]
    host = values["runtime.host"]._moId if "runtime.host" in values else ""
    if to.host not in ("", host):
        return False
    if not to.datastore:
        return True
    # Not the property `datastore`: it also lists those of images in drives, which a move leaves where they are.
    home = str(values.get("config.files.vmPathName", "")).partition("] ")[0].removeprefix("[")
    wanted = _property(instance, vim.Datastore(to.datastore, instance._stub), "name")
    return home == wanted and _disk_stores(values.get("config.hardware.device", [])) <= {to.datastore}


def _disk_stores(devices: Iterable[Any]) -> set[str]:
    """The morefs of the datastores that have the files of the disks among these devices, with those of snapshots."""
    found = set()
    for device in devices:
        backing = device.backing if isinstance(device, vim.vm.device.VirtualDisk) else None
        while backing is not None:
            if store := getattr(backing, "datastore", None):
                found.add(str(store._moId))
            backing = getattr(backing, "parent", None)
    return found


def _others(instance: Instance, host: str) -> list[tuple[str, str]]:
    compute = _property(instance, vim.HostSystem(host, instance._stub), "parent")
    members = [each for each in _property(instance, compute, "host") or [] if each._moId != host]
    names = [
        "name",
        "runtime.connectionState",
        "runtime.inMaintenanceMode",
        "summary.hardware.memorySize",
        "summary.quickStats.overallMemoryUsage",
    ]
    able = []
    for managed, values in read_present(instance, members, vim.HostSystem, names):
        if values.get("runtime.connectionState") != "connected" or values.get("runtime.inMaintenanceMode"):
            continue
        used = int(values.get("summary.quickStats.overallMemoryUsage") or 0) << 20
        free = int(values.get("summary.hardware.memorySize") or 0) - used
        able.append((-free, values.get("name", ""), managed._moId))
    return [(moref, name) for _, name, moref in sorted(able)]


def _property(instance: Instance, managed: Any, name: str) -> Any:
    try:
        return read_properties(instance, [managed], type(managed), [name])[0][1].get(name)
    except vmodl.query.InvalidProperty:
        return None
