"""The pre-flight of a snapshot: what speaks against one of this VM, and which of its disks it would hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pyVmomi import vim, vmodl

from service.api.models import Check
from service.api.units import amount
from service.vsphere import vms
from service.vsphere.session import Instance, Session, read_properties, read_related, vm_of
from service.vsphere.snapshots import snapshot_tree
from service.vsphere.tasks import read_with_tasks, recent_tasks, under_way
from service.vsphere.vms import VmState

LONG_CHAIN = 3
"""Snapshots in a chain from which on each further one slows the VM down noticeably."""
LONGEST_CHAIN = 31
"""vSphere takes at most 32 snapshots in a chain."""
LEAST_FREE = 1 << 30
"""Bytes a datastore must have free for the delta disks of a snapshot."""

PROPERTIES = [
    "config.template",
    "config.ftInfo",
    "config.hardware.device",
    "datastore",
    "name",
    "runtime.connectionState",
    "runtime.consolidationNeeded",
    "snapshot",
]
DATASTORES = {"datastore": (vim.Datastore, ["name", "summary.freeSpace", "summary.accessible"])}
"""What is read of the VM's datastores, as `read_related` takes it."""


NOT_EXPORTED = ("encrypted", "virtual-tpm")
"""The rules about VMs that vSphere does not export, with or without a snapshot."""


class Disk(BaseModel):
    """A virtual disk; `left_out` is the reason why a snapshot does not hold it, empty when it does."""

    model_config = ConfigDict(frozen=True)

    key: int
    label: str
    file: str
    left_out: str


class Preflight(BaseModel):
    """The findings, and every virtual disk of the VM."""

    model_config = ConfigDict(frozen=True)

    checks: list[Check]
    disks: list[Disk]


class BeforeSnapshot(VmState):
    """A VM read from vCenter now, with the findings of the pre-flight of a snapshot that is kept."""

    at: str = ""
    """Empty: nobody compares tasks with it."""
    findings: tuple[Check, ...] = Field(default=(), exclude=True)
    """They are no part of what a job records of the VM."""


async def read_before_snapshot(session: Session, vm: str) -> BeforeSnapshot:
    """The VM `vm` (a moref) and what `preflight` with `kept` finds, in one call. Raises NotFound when it is gone."""
    names = [*vms.PROPERTIES, *(each for each in PROPERTIES if each not in vms.PROPERTIES)]

    def ask(instance: Instance) -> BeforeSnapshot:
        found = read_with_tasks(instance, vm_of(instance, vm), names, DATASTORES)
        datastores = [its for _, its in found.related["datastore"]]
        findings = tuple(_checks(found.values, datastores, kept=True))
        return BeforeSnapshot.of(session.vcenter.name, vm, found, findings=findings)

    return await session.call(ask)


async def preflight(session: Session, vm: str, *, kept: bool = False) -> Preflight:
    """Check the VM `vm` (a moref) before a snapshot; changes nothing. Raises NotFound when the VM is gone.

    `kept` is for a snapshot that stays until somebody removes it, unlike that of a backup. The actions that take one
    look at the tasks of the VM themselves.
    """
    return await session.call(lambda instance: _look(instance, vm_of(instance, vm), kept=kept))


def task_checks(vm: str, tasks: Sequence[str], *, for_snapshot: bool) -> Iterator[Check]:
    """The rule about vSphere tasks that run on the VM with the name `vm`; `tasks` are their names.

    For a snapshot it refuses: vSphere takes none during another task, and a backup that waited for the task would
    keep the guest frozen by the pre-freeze hook. Other actions only get a warning: they wait for tasks of their own
    kind, and some are there to end such a task, as answer-question is for a power-on that waits on a question.
    """
    if tasks and for_snapshot:
        yield _refuse(
            "task-running",
            f"vSphere takes no snapshot of {vm} while a task runs on it ({', '.join(tasks)}). "
            "Try again when the task has ended.",
        )
    elif tasks:
        message = f"A vSphere task is running on {vm} ({', '.join(tasks)})."
        yield Check(rule="task-running", severity="warn", message=message)


def _look(instance: Instance, machine: vim.VirtualMachine, *, kept: bool) -> Preflight:
    values, found = read_related(instance, machine, PROPERTIES, DATASTORES)
    datastores = [its for _, its in found["datastore"]]
    devices = values.get("config.hardware.device", [])
    tasks = () if kept else _tasks(instance, machine, values)
    encryption = () if kept else _encryption(instance, machine, devices)
    checks = _checks(values, datastores, kept=kept, tasks=tasks, encryption=encryption)
    return Preflight(checks=list(checks), disks=list(_disks(devices)))


def _checks(
    values: dict[str, Any],
    datastores: Iterable[dict[str, Any]],
    *,
    kept: bool,
    tasks: Iterable[Check] = (),
    encryption: Iterable[Check] = (),
) -> Iterator[Check]:
    """The findings of a VM with these properties, among them those about its tasks and its encryption."""
    devices = values.get("config.hardware.device", [])
    yield from _state(values)
    yield from _fault_tolerance(values.get("config.ftInfo"), kept=kept)
    yield from _snapshots(list(getattr(values.get("snapshot"), "rootSnapshotList", None) or []))
    yield from tasks
    yield from _free_space(datastores)
    yield from _shared(devices)
    yield from encryption
    yield from _left_out(list(_disks(devices)))


def _tasks(instance: Instance, machine: vim.VirtualMachine, values: dict[str, Any]) -> Iterator[Check]:
    return task_checks(values.get("name", "the VM"), under_way(recent_tasks(instance, machine)), for_snapshot=True)


def _state(values: dict[str, Any]) -> Iterator[Check]:
    if values.get("config.template"):
        yield _refuse("template", "It is a template, and a backup needs a VM. Convert it, or deploy a VM from it.")
    if values.get("runtime.consolidationNeeded"):
        yield _refuse(
            "consolidation-needed",
            "Its disks need consolidation; a snapshot would make it worse. Consolidate it first.",
        )
    if str(values.get("runtime.connectionState", "connected")) != "connected":
        yield _refuse("not-connected", f"The VM is {values['runtime.connectionState']}; bring its host back first.")


def _fault_tolerance(info: Any, *, kept: bool) -> Iterator[Check]:
    """What speaks against a snapshot of a VM with fault tolerance; `info` is its FaultToleranceConfigInfo or None.

    Since 6.0, vSphere supports the disk-only snapshots of backups on such a VM, and no others (vSphere Availability,
    Fault Tolerance Interoperability). To turn fault tolerance off takes the VM's protection away, so no message here
    says to do it. A `role` above 1 is a secondary VM (vSphere API, FaultToleranceConfigInfo).
    """
    if info is None:
        return
    if info.role > 1:
        yield _refuse("fault-tolerance", "It is the secondary VM of a pair with fault tolerance. Use the primary VM.")
    elif kept:
        yield _refuse(
            "fault-tolerance",
            "Fault tolerance is on, and vSphere supports only the snapshots of backups on such a VM. Back it up "
            "instead.",
        )
    else:
        message = "Fault tolerance is on, and stays on: vSphere supports the disk-only snapshot of a backup."
        yield Check(rule="fault-tolerance", severity="info", message=message)


def _snapshots(roots: list[Any]) -> Iterator[Check]:
    found = list(snapshot_tree(roots))
    for each in found:
        if each.product:
            yield _refuse(
                "foreign-snapshot",
                f"The VM has the snapshot {each.name!r} of {each.product}. Wait until that product has removed it.",
            )
    depth = max((each.depth for each in found), default=0)
    if depth >= LONGEST_CHAIN:
        yield _refuse("snapshot-chain", f"The VM has {depth} snapshots in a chain, and vSphere takes at most 32.")
    elif depth >= LONG_CHAIN:
        yield Check(rule="snapshot-chain", severity="warn", message=f"The VM already has {depth} snapshots in a chain.")
    elif found:
        names = ", ".join(repr(each.name) for each in found)
        yield Check(rule="snapshots", severity="info", message=f"The VM keeps its other snapshots: {names}.")


def _free_space(datastores: Iterable[dict[str, Any]]) -> Iterator[Check]:
    for values in datastores:
        free = int(values.get("summary.freeSpace", LEAST_FREE))
        if not values.get("summary.accessible", True):
            yield _refuse("datastore", f"The datastore {values['name']} cannot be reached.")
        elif free < LEAST_FREE:
            yield _refuse(
                "datastore-full",
                f"The datastore {values['name']} has {amount(free)} free; a snapshot that fills it stops its VMs. "
                "Free some space first.",
            )


def _shared(devices: list[Any]) -> Iterator[Check]:
    """What other VMs share: vSphere then refuses every snapshot of the VM, also of its other disks.

    It refuses a controller that shares its bus whatever its disks are (SharedBusControllerNotSupported), and a disk
    that several VMs write to unless snapshots leave it out anyway.
    """
    for device in devices:
        sharing = str(getattr(device, "sharedBus", "") or "noSharing")
        if sharing != "noSharing":
            yield _refuse(
                "shared-bus",
                f"{_label(device)} shares its bus with other VMs ({sharing}), and vSphere takes no snapshot of such a "
                "VM. Back it up from within its guest, as the nodes of a cluster usually are.",
            )
        if isinstance(device, vim.vm.device.VirtualDisk) and _is_multi_writer(device) and not _is_independent(device):
            yield _refuse(
                "multi-writer",
                f"Several VMs write to {_label(device)}, and vSphere takes no snapshot of a VM with such a disk. Back "
                "it up from within its guest; or make the disk independent while the VM is off, and backups leave it "
                "out.",
            )


def _encryption(instance: Instance, machine: vim.VirtualMachine, devices: list[Any]) -> Iterator[Check]:
    """What keeps vSphere from exporting the VM: it sends no encrypted disks, and no virtual TPM with its secrets."""
    keys = [getattr(getattr(device, "backing", None), "keyId", None) for device in devices]
    if _has_key(instance, machine) or any(key is not None for key in keys):
        yield _refuse(
            "encrypted",
            "The VM is encrypted, and vSphere exports no encrypted VM. Back it up from within its guest, or decrypt it "
            "first (in the client: VM Policies, Edit VM Storage Policies).",
        )
    if any(isinstance(device, vim.vm.device.VirtualTPM) for device in devices):
        yield _refuse(
            "virtual-tpm",
            "The VM has a virtual TPM, and vSphere exports no such VM. Back it up from within its guest. To remove the "
            "TPM while the VM is off, first save the recovery keys of BitLocker and the like: they are lost with it.",
        )


def _has_key(instance: Instance, machine: vim.VirtualMachine) -> bool:
    try:
        values = read_properties(instance, [machine], vim.VirtualMachine, ["config.keyId"])[0][1]
    except (vmodl.query.InvalidProperty, AttributeError):
        return False  # a vCenter before version 6.5 encrypts no VM; pyVmomi knows its properties, and does not ask
    return values.get("config.keyId") is not None


def _left_out(disks: list[Disk]) -> Iterator[Check]:
    for disk in disks:
        if disk.left_out:
            yield Check(rule="disk-left-out", severity="warn", message=f"{disk.label} is left out: {disk.left_out}.")
    if disks and all(disk.left_out for disk in disks):
        yield _refuse("no-disk", "No disk of the VM can be in a snapshot, so there is nothing to back up.")


def _disks(devices: list[Any]) -> Iterator[Disk]:
    for device in devices:
        if isinstance(device, vim.vm.device.VirtualDisk):
            yield Disk(
                key=device.key,
                label=_label(device),
                file=str(getattr(device.backing, "fileName", "") or ""),
                left_out=_why_left_out(device),
            )


def _label(device: Any) -> str:
    return str(device.deviceInfo.label) if device.deviceInfo else f"device {device.key}"


def _why_left_out(disk: Any) -> str:
    if _is_independent(disk):
        mode = str(disk.backing.diskMode).replace("_", " ")
        return f"it is {mode}, and snapshots leave such disks out"
    if str(getattr(disk.backing, "compatibilityMode", "") or "") == "physicalMode":
        return "it is a raw device in physical mode"
    return ""


def _is_independent(disk: Any) -> bool:
    return str(getattr(disk.backing, "diskMode", "") or "").startswith("independent")


def _is_multi_writer(disk: Any) -> bool:
    return str(getattr(disk.backing, "sharing", "") or "") == "sharingMultiWriter"


def _refuse(rule: str, message: str) -> Check:
    return Check(rule=rule, severity="refuse", message=message)
