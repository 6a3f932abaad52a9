"""Merges the delta disks that a removed snapshot left, which vSphere calls consolidation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyVmomi import vim, vmodl

from service.errors import ConsolidationFailed, VmkopsError
from service.vsphere.faults import fault_message
from service.vsphere.session import Instance, Session, read_properties, vm_of
from service.vsphere.tasks import Progress, run_task

CONSOLIDATE = {"consolidateDisks", "consolidateVMDisks", "consolidateVMDisksTask"}
"""What vCenter (the first) and its simulator call the task."""
DISK_FAULTS = (vim.fault.FileFault, vim.fault.VmConfigFault, vmodl.fault.SystemError)
"""What a merge fails with when a file is locked or damaged, on its own or as the end of the removal of a snapshot."""
FLAG = "runtime.consolidationNeeded"


async def consolidate(session: Session, vm: str, progress: Progress | None = None) -> bool:
    """Merge the disks of the VM `vm` (a moref) if vSphere asks for it; True when nothing is left to merge.

    A merge that already runs is waited for. `progress` gets the percentages that vSphere reports. Raises
    ConsolidationFailed with the name of the file that prevents the merge, where vSphere names one.
    """

    def start(instance: Instance) -> Any:
        return vm_of(instance, vm).ConsolidateVMDisks_Task() if _is_needed(instance, vm) else None

    try:
        await run_task(session, vim.VirtualMachine, vm, start, names=CONSOLIDATE, progress=progress)
    except VmkopsError as error:
        fault = error.__cause__
        if isinstance(fault, DISK_FAULTS):
            raise ConsolidationFailed(_explain(fault)) from fault
        raise
    return not await session.call(lambda instance: _is_needed(instance, vm))


def _is_needed(instance: Instance, vm: str) -> bool:
    values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, [FLAG])[0][1]
    return bool(values.get(FLAG, False))


def _explain(fault: Any) -> str:
    file = next(_files(fault), "")
    reason = fault_message(fault)
    if isinstance(fault, vim.fault.FileLocked):
        locked = f"the file {file} is locked" if file else "a file is locked"
        return (
            f"vSphere could not merge the disks, because {locked} ({reason}). Another host, a backup proxy or an "
            "unfinished copy may have it open. Release it there; vmkfstools -D FILE on a host shows who holds the lock."
        )
    named = f", at the file {file}" if file else ""
    return f"vSphere could not merge the disks{named}: {reason}"


def causes(fault: Any) -> Iterator[Any]:
    """The fault, and the faults that it names as its cause, the outermost first."""
    while fault is not None:
        yield fault
        cause = getattr(fault, "faultCause", None)
        fault = getattr(cause, "fault", None) or cause


def _files(fault: Any) -> Iterator[str]:
    """The files that a fault and its causes name, the outermost first."""
    for each in causes(fault):
        if file := getattr(each, "file", ""):
            yield str(file)
        for said in getattr(each, "faultMessage", None) or []:
            yield from (str(part.value) for part in said.arg or [] if str(part.value).endswith(".vmdk"))
