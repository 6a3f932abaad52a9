"""Takes a snapshot that stays until somebody removes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from service.actions._targeted import CHECK, CheckContext, info, refuse, undo, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import Check
from service.errors import JobCancelled, SnapshotFailed
from service.jobs.action import JobControl
from service.vsphere.preflight import preflight
from service.vsphere.snapshots import NewSnapshot, create_snapshot, find_named, remove_one, snapshot_name
from service.vsphere.vms import VmState

SNAPSHOT = "snapshot"
OTHERWISE_CHECKED = {"template", "not-connected", "task-running", "no-disk"}


class SnapshotVm(VmParams):
    """Which VM, and what the snapshot is to hold."""

    name: str = Field(default="", max_length=50, description="Words that follow our own name of the snapshot.")
    memory: bool = Field(default=False, description="Keep the memory too, so that going back finds the VM running.")
    quiesce: Literal["prefer", "require", "none"] = Field(
        default="prefer",
        description="Ask the guest to flush its file systems: if it can, or else fail, or not at all.",
    )


class SnapshotCreate(VmAction[SnapshotVm]):
    """One snapshot for one job, whatever happens in between."""

    name = "snapshot-create"
    summary = "Take a snapshot of a VM; it stays until snapshot-remove."
    steps = (CHECK, SNAPSHOT)
    params = SnapshotVm

    async def checks(self, context: CheckContext[VmState, SnapshotVm]) -> Iterable[Check]:
        """What speaks against any snapshot, and whether the guest can be asked."""
        vm, params = context.state, context.params
        found = [*vm_checks(vm, for_snapshot=True)]
        found += [
            each
            for each in (await preflight(context.session, vm.moref)).checks
            if each.rule not in OTHERWISE_CHECKED
        ]  # fmt: skip
        running = vm.power_state == "poweredOn"
        if params.memory and params.quiesce == "require":
            found.append(refuse("quiesce", "With memory=true the guest is never quiesced; leave quiesce=require out."))
        elif params.memory and not running:
            found.append(info("memory", f"{vm.name} is {vm.power_state}: there is no memory to keep."))
        elif running and not vm.tools_running and params.quiesce == "require":
            found.append(refuse("quiesce", f"VMware Tools do not run in {vm.name}, so it cannot be quiesced."))
        elif running and not vm.tools_running and params.quiesce == "prefer" and not params.memory:
            found.append(warn("quiesce", f"VMware Tools do not run in {vm.name}: it will be crash-consistent."))
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, SnapshotVm]) -> dict[str, Any]:
        """A cancel in the middle stops the task, and removes what it has made all the same."""
        vm, params = context.state, context.params
        name = f"{snapshot_name(job.job_id)} {params.name}".strip()

        async def take() -> dict[str, Any]:
            running = vm.power_state == "poweredOn"
            quiesce = running and vm.tools_running and params.quiesce != "none" and not params.memory
            kept = NewSnapshot(name, f"Asked for by {job.requested_by}; stays until removed.", params.memory, quiesce)
            why = ""
            try:
                taken = await create_snapshot(context.session, vm.moref, kept, job.percent)
            except SnapshotFailed as error:
                if not quiesce or params.quiesce == "require":
                    raise
                kept, why = kept._replace(quiesce=False), f" ({error})"
                taken = await create_snapshot(context.session, vm.moref, kept, job.percent)
            if taken is None:
                raise SnapshotFailed("vSphere says that the snapshot was taken, but the VM's tree does not show it.")
            quiesced = "powered off" if not running else "quiesced" if taken.quiesced else "crash-consistent"
            consistency = "with memory" if running and params.memory else quiesced
            hint = undo(f"action snapshot-remove {taken.moref}")
            return {
                "snapshot": taken.moref,
                "consistency": consistency,
                "detail": f"{taken.moref}, {consistency}{why}. {hint}",
            }

        async def give_up() -> dict[str, Any]:
            made = await find_named(context.session, vm.moref, name)
            removed = made is not None and await remove_one(context.session, vm.moref, made.moref, job.percent)
            return {"detail": "Removed again." if removed else "Nothing was made."}

        try:
            taken = await job.step(SNAPSHOT, take, interruptible=True)
        except JobCancelled:
            await job.step(SNAPSHOT, give_up, part="give up", cleanup=True)
            raise
        return {"snapshot": taken["snapshot"], "name": name, "consistency": taken["consistency"]}


ACTION = SnapshotCreate()
