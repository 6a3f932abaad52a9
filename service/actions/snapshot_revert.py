"""Reverts a VM to a snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._snapshot import SnapshotAction, SnapshotParams, moref_of, snapshot_in
from service.actions._targeted import CHECK, CheckContext, refuse, warn
from service.actions._vm import vm_checks
from service.api.models import ActionClass, Check
from service.jobs.action import JobControl, StepResult
from service.vsphere.snapshots import revert_to
from service.vsphere.vms import VmState

REVERT = "revert"


class RevertToSnapshot(SnapshotParams):
    """Which snapshot, and whether the VM runs afterwards."""

    power_on: bool = Field(
        default=True, description="Let the VM run again if the snapshot includes the memory of a running VM."
    )


class SnapshotRevert(SnapshotAction[RevertToSnapshot]):
    """Reverts exactly once, even if the service dies meanwhile."""

    name = "snapshot-revert"
    summary = "Revert a VM to a snapshot; all later changes are lost."
    action_class = ActionClass.DESTRUCTIVE
    label = "Revert {target} to {snapshot}"
    steps = (CHECK, REVERT)
    params = RevertToSnapshot

    async def checks(self, context: CheckContext[VmState, RevertToSnapshot]) -> Iterable[Check]:
        """What is lost by the revert."""
        vm = context.state
        found = list(vm_checks(vm))
        snapshot = snapshot_in(vm, context.params)
        if snapshot is None:
            return [*found, refuse("gone", f"{vm.name} no longer has the snapshot {moref_of(context.params)}.")]
        lost = f"All changes on {vm.name} since {snapshot.created_at[:19]} ({snapshot.name!r}) are lost."
        found.append(warn("lost", f"{lost} To keep them, take a snapshot with snapshot-create first."))
        if vm.power_state == "poweredOn":
            found.append(
                warn("power", f"{vm.name} is running. If the snapshot has no memory, the VM is off afterwards.")
            )
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, RevertToSnapshot]) -> dict[str, Any]:
        """One vSphere task."""
        vm, moref = context.state, moref_of(context.params)

        async def revert() -> StepResult:
            await revert_to(
                context.session, vm.moref, moref, power_on=context.params.power_on, since=vm.at, progress=job.percent
            )
            return StepResult(detail=f"Reverted to {moref}. This cannot be undone.")

        await job.step_as(StepResult, REVERT, revert)
        return {"snapshot": moref, "reverted": True}


ACTION = SnapshotRevert()
