"""Merges the delta disks of a VM that no snapshot needs any more, which vSphere calls consolidation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.actions._targeted import CHECK, CheckContext, info, refuse, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import ActionClass, Check
from service.api.units import amount
from service.jobs.action import JobControl, StepResult
from service.vsphere.room import read_room
from service.vsphere.snapshots import consolidate
from service.vsphere.vms import VmState

MERGE = "consolidate"


class Merged(StepResult):
    """Whether vSphere asks for no consolidation any more."""

    merged: bool


class Consolidate(VmAction[VmParams]):
    """Does nothing to a VM whose disks need no consolidation, and never touches a snapshot."""

    name = "consolidate"
    summary = "Merge the delta disks that a removed snapshot left, when vSphere says that they need consolidation."
    action_class = ActionClass.DISRUPTIVE  # the VM is slow meanwhile, and stands still for seconds at the end
    label = "Consolidate the disks of {target}"
    steps = (CHECK, MERGE)
    params = VmParams

    async def checks(self, context: CheckContext[VmState, VmParams]) -> Iterable[Check]:
        """Whether there is something to merge, whether another product may read it, and how much room there is."""
        vm = context.state
        found = list(vm_checks(vm))
        if not vm.consolidation_needed:
            return [*found, info("not-needed", f"The disks of {vm.name} need no consolidation. Nothing is changed.")]
        for each in vm.snapshots:
            if each.product:
                found.append(
                    refuse(
                        "foreign-snapshot",
                        f"{vm.name} has the snapshot {each.name!r} of {each.product}, which may be reading the disks. "
                        "Wait until that product has removed it.",
                    )
                )
        for room in await read_room(context.session, vm.moref):
            found.append(info("room", f"The datastore {room.datastore} has {amount(room.free)} free."))
        if vm.power_state == "poweredOn":
            found.append(
                warn(
                    "slow",
                    f"{vm.name} is slow during the merge, and stands still for some seconds at its end. The merge "
                    "needs room on the datastore, can take hours, and cannot be stopped.",
                )
            )
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, VmParams]) -> dict[str, Any]:
        """One vSphere task, which a cancel does not stop."""
        vm = context.state

        async def merge() -> Merged:
            merged = await consolidate(context.session, vm.moref, job.percent)
            if not vm.consolidation_needed:
                return Merged(merged=merged, detail="There was nothing to merge.")
            words = (
                "The disks are merged." if merged else "vSphere still asks for consolidation. Check the VM in vCenter."
            )
            return Merged(merged=merged, detail=words)

        merged = (await job.step_as(Merged, MERGE, merge)).merged
        result = {"consolidation_needed": not merged, "changed": vm.consolidation_needed and merged}
        return result if merged else {**result, "state": "partial"}


ACTION = Consolidate()
