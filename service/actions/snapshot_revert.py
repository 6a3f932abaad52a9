"""Takes a VM back to a snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from service.actions._snapshot import SnapshotAction, SnapshotParams, moref_of, snapshot_in
from service.actions._targeted import CHECK, CheckContext, refuse, warn
from service.actions._vm import vm_checks
from service.api.models import Check
from service.jobs.action import JobControl
from service.vsphere.snapshots import revert_to
from service.vsphere.vms import VmState

REVERT = "revert"


class RevertToSnapshot(SnapshotParams):
    """Which snapshot, and whether the VM is to run afterwards."""

    power_on: bool = Field(default=True, description="Let a VM run again that ran (with its memory kept) at that time.")


class SnapshotRevert(SnapshotAction[RevertToSnapshot]):
    """Once, also when the service dies in the middle."""

    name = "snapshot-revert"
    summary = "Take a VM back to a snapshot; everything since is lost."
    steps = (CHECK, REVERT)
    params = RevertToSnapshot

    async def checks(self, context: CheckContext[VmState, RevertToSnapshot]) -> Iterable[Check]:
        """What is lost."""
        vm = context.state
        found = list(vm_checks(vm))
        snapshot = snapshot_in(vm, context.params)
        if snapshot is None:
            return [*found, refuse("gone", f"{vm.name} has no snapshot {moref_of(context.params)} any more.")]
        since = f"Everything on {vm.name} since {snapshot.created_at[:19]} ({snapshot.name!r}) is lost"
        found.append(warn("lost", f"{since}; snapshot-create keeps the present state first."))
        if vm.power_state == "poweredOn":
            found.append(warn("power", f"{vm.name} runs: without memory in the snapshot it will be off afterwards."))
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, RevertToSnapshot]) -> dict[str, Any]:
        """One task of vSphere's."""
        vm, moref = context.state, moref_of(context.params)

        async def revert() -> dict[str, Any]:
            await revert_to(
                context.session, vm.moref, moref, power_on=context.params.power_on, since=vm.at, progress=job.percent
            )
            return {"detail": f"Back at {moref}. It cannot be undone."}

        await job.step(REVERT, revert)
        return {"snapshot": moref, "reverted": True}


ACTION = SnapshotRevert()
