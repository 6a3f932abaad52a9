"""Removes one snapshot, and checks that it is gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._snapshot import SnapshotAction, SnapshotParams, moref_of, snapshot_in
from service.actions._targeted import CHECK, CheckContext, info, refuse, warn
from service.actions._vm import vm_checks
from service.api.models import ActionClass, Check
from service.errors import SnapshotLeft, VmkopsError, VSphereUnavailable
from service.jobs.action import JobControl, StepResult
from service.vsphere.snapshots import OURS, consolidate, is_in_tree, remove_one
from service.vsphere.vms import VmState

REMOVE, CONFIRM = "remove snapshot", "confirm that it is gone"


class Confirmed(StepResult):
    """Whether the VM's disks are consolidated after the removal."""

    merged: bool


class RemoveSnapshot(SnapshotParams):
    """Which snapshot, and whether it may belong to another product."""

    even_foreign: bool = Field(
        default=False, description="Remove it even though another product made it and may still need it."
    )


class SnapshotRemove(SnapshotAction[RemoveSnapshot]):
    """Removes exactly the selected snapshot; its children stay."""

    name = "snapshot-remove"
    summary = "Remove one snapshot, by its moref; its children stay, and nothing else is changed."
    action_class = ActionClass.DESTRUCTIVE
    label = "Remove {snapshot} of {target}"
    steps = (CHECK, REMOVE, CONFIRM)
    params = RemoveSnapshot

    async def checks(self, context: CheckContext[VmState, RemoveSnapshot]) -> Iterable[Check]:
        """A snapshot of another product is refused unless the parameter `even_foreign` allows it."""
        vm, params = context.state, context.params
        found = list(vm_checks(vm))
        snapshot = snapshot_in(vm, params)
        if snapshot is None:
            return [*found, refuse("gone", f"{vm.name} no longer has the snapshot {moref_of(params)}.")]
        product = snapshot.product
        if product and not params.even_foreign:
            found.append(
                refuse(
                    "foreign-snapshot",
                    f"{snapshot.name!r} belongs to {product}, which may still use it. Let that product finish first, "
                    "or set even_foreign=true to remove it anyway.",
                )
            )
        elif product:
            found.append(warn("foreign-snapshot", f"{snapshot.name!r} belongs to {product}."))
        elif not snapshot.name.startswith(OURS):
            found.append(info("whose", f"{snapshot.name!r} was not taken by vmkops."))
        found.append(
            warn("for-good", f"You cannot go back to {snapshot.name!r} of {snapshot.created_at[:19]} afterwards.")
        )
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, RemoveSnapshot]) -> dict[str, Any]:
        """vSphere cannot stop merging disks, so cancelling has no effect once the removal has begun."""
        vm, moref = context.state, moref_of(context.params)

        async def remove() -> StepResult:
            removed = await remove_one(context.session, vm.moref, moref, job.percent)
            return StepResult(detail="Removed. This cannot be undone." if removed else "It was already gone.")

        async def confirm() -> Confirmed:
            if await is_in_tree(context.session, vm.moref, moref):
                raise SnapshotLeft(
                    f"The snapshot {moref} is still on {vm.name} after its removal. Check the VM in vCenter."
                )
            try:
                merged = await consolidate(context.session, vm.moref)
            except VSphereUnavailable:
                raise
            except VmkopsError as error:  # the snapshot is gone in any case
                return Confirmed(merged=False, detail=f"The snapshot is gone, but its disks are not merged: {error}")
            words = "its disks are merged" if merged else "but its disks still need consolidation: do it in vCenter"
            return Confirmed(merged=merged, detail=f"The snapshot is gone, {words}.")

        await job.step_as(StepResult, REMOVE, remove)
        confirmed = await job.step_as(Confirmed, CONFIRM, confirm, cleanup=True)
        result = {"snapshot": moref, "removed": True, "consolidation_needed": not confirmed.merged}
        return result if confirmed.merged else {**result, "state": "partial"}


ACTION = SnapshotRemove()
