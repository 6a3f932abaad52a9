"""Removes one snapshot, and sees that it is gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._snapshot import SnapshotAction, SnapshotParams, moref_of, snapshot_in
from service.actions._targeted import CHECK, CheckContext, info, refuse, warn
from service.actions._vm import vm_checks
from service.api.models import Check
from service.errors import SnapshotLeft, VmkopsError, VSphereUnavailable
from service.jobs.action import JobControl
from service.vsphere.snapshots import OURS, consolidate, is_in_tree, remove_one
from service.vsphere.vms import VmState

REMOVE, CONFIRM = "remove snapshot", "confirm that it is gone"


class RemoveSnapshot(SnapshotParams):
    """Which snapshot, and whether it may be another product's."""

    even_foreign: bool = Field(
        default=False, description="Remove it although another product made it and may still need it."
    )


class SnapshotRemove(SnapshotAction[RemoveSnapshot]):
    """Exactly the one that was named; its children stay."""

    name = "snapshot-remove"
    summary = "Remove one snapshot, by its moref; its children stay, and nothing else is touched."
    steps = (CHECK, REMOVE, CONFIRM)
    params = RemoveSnapshot

    async def checks(self, context: CheckContext[VmState, RemoveSnapshot]) -> Iterable[Check]:
        """Another product's snapshot is left alone unless it is said twice that it is meant."""
        vm, params = context.state, context.params
        found = list(vm_checks(vm))
        snapshot = snapshot_in(vm, params)
        if snapshot is None:
            return [*found, refuse("gone", f"{vm.name} has no snapshot {moref_of(params)} any more.")]
        product = snapshot.product
        if product and not params.even_foreign:
            found.append(
                refuse(
                    "foreign-snapshot",
                    f"{snapshot.name!r} belongs to {product}, which may still work with it. Let it end first; "
                    "even_foreign=true removes it all the same.",
                )
            )
        elif product:
            found.append(warn("foreign-snapshot", f"{snapshot.name!r} belongs to {product}."))
        elif not snapshot.name.startswith(OURS):
            found.append(info("whose", f"vmkops did not make {snapshot.name!r}."))
        found.append(warn("for-good", f"What {snapshot.name!r} of {snapshot.created_at[:19]} held is gone for good."))
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, RemoveSnapshot]) -> dict[str, Any]:
        """Merging cannot be stopped half-way, so a cancel comes too late once it has begun."""
        vm, moref = context.state, moref_of(context.params)

        async def remove() -> dict[str, Any]:
            removed = await remove_one(context.session, vm.moref, moref, job.percent)
            return {"detail": "Removed. It cannot be undone." if removed else "It was gone already."}

        async def confirm() -> dict[str, Any]:
            if await is_in_tree(context.session, vm.moref, moref):
                raise SnapshotLeft(
                    f"The snapshot {moref} is still on {vm.name} after its removal. Look at it in vCenter."
                )
            try:
                merged = await consolidate(context.session, vm.moref)
            except VSphereUnavailable:
                raise
            except VmkopsError as error:  # the snapshot is gone all the same
                return {"merged": False, "detail": f"Gone from the tree, but its disks are not merged: {error}"}
            words = "Its disks are merged." if merged else "Its disks still need consolidation."
            return {"merged": merged, "detail": f"Gone from the tree. {words}"}

        await job.step(REMOVE, remove)
        confirmed = await job.step(CONFIRM, confirm, cleanup=True)
        result = {"snapshot": moref, "removed": True, "consolidation_needed": not confirmed["merged"]}
        return result if confirmed["merged"] else {**result, "state": "partial"}


ACTION = SnapshotRemove()
