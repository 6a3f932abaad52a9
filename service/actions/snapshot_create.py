"""Takes a snapshot that is kept until somebody removes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from knowledge.runs.marks import attributed
from service.actions._targeted import CHECK, CheckContext, info, refuse, undo_command, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import ActionClass, Check
from service.api.words import vsphere_words
from service.errors import JobCancelled, SnapshotFailed
from service.jobs.action import JobControl, StepResult
from service.vsphere.preflight import BeforeSnapshot, read_before_snapshot
from service.vsphere.session import Session
from service.vsphere.snapshots import NewSnapshot, create_snapshot, find_named, remove_one, snapshot_name
from service.vsphere.vms import VmState

SNAPSHOT = "snapshot"
COVERED = {"template", "not-connected", "task-running", "no-disk"}
"""Rules of the backup's pre-flight that `vm_checks` covers, or that do not apply to a snapshot that is kept."""


class SnapshotTaken(StepResult):
    """The moref of the snapshot; `consistency` is with memory, quiesced, crash-consistent or powered off."""

    snapshot: str
    consistency: str


class SnapshotVm(VmParams):
    """Which VM, and what the snapshot contains."""

    name: str = Field(
        default="", max_length=50, description="Words that follow the name that vmkops gives the snapshot."
    )
    memory: bool = Field(default=False, description="Include the memory, so that the VM is running after a revert.")
    quiesce: Literal["prefer", "require", "none"] = Field(
        default="prefer",
        description="Ask the guest to flush its file systems: if it can, or fail otherwise, or do not ask.",
    )


class SnapshotCreate(VmAction[SnapshotVm]):
    """Takes one snapshot for one job, even if the service dies meanwhile."""

    name = "snapshot-create"
    summary = "Take a snapshot of a VM; it is kept until snapshot-remove."
    action_class = ActionClass.SAFE
    steps = (CHECK, SNAPSHOT)
    state = BeforeSnapshot
    params = SnapshotVm

    async def read(self, session: Session, moref: str) -> BeforeSnapshot:
        """The VM as it is now, with what speaks against a snapshot."""
        return await read_before_snapshot(session, moref)

    async def checks(self, context: CheckContext[VmState, SnapshotVm]) -> Iterable[Check]:
        """What prevents any snapshot, and whether the guest can be quiesced."""
        vm, params = context.state, context.params
        assert isinstance(vm, BeforeSnapshot)
        found = [*vm_checks(vm, for_snapshot=True)]
        found += [each for each in vm.findings if each.rule not in COVERED]
        running = vm.power_state == "poweredOn"
        if params.memory and params.quiesce == "require":
            found.append(refuse("quiesce", "With memory=true the guest is never quiesced. Leave quiesce=require out."))
        elif params.memory and not running:
            found.append(
                info("memory", f"{vm.name} is {vsphere_words(vm.power_state)}, so there is no memory to include.")
            )
        elif running and not vm.tools_running and params.quiesce == "require":
            found.append(
                refuse(
                    "quiesce",
                    f"VMware Tools are not running in {vm.name}, so it cannot be quiesced. Start them, or "
                    "leave quiesce=require out.",
                )
            )
        elif running and not vm.tools_running and params.quiesce == "prefer" and not params.memory:
            found.append(
                warn("quiesce", f"VMware Tools are not running in {vm.name}, so the snapshot is crash-consistent.")
            )
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, SnapshotVm]) -> dict[str, Any]:
        """Cancelling stops the task, and removes a snapshot that it has taken nevertheless."""
        vm, params = context.state, context.params
        name = f"{snapshot_name(job.job_id)} {params.name}".strip()

        async def take() -> SnapshotTaken:
            running = vm.power_state == "poweredOn"
            quiesce = running and vm.tools_running and params.quiesce != "none" and not params.memory
            new = NewSnapshot(
                name,
                f"Requested by {attributed(job.requested_by, job.token)}; kept until it is removed.",
                params.memory,
                quiesce,
            )
            note = ""
            try:
                taken = await create_snapshot(context.session, vm.moref, new, job.percent)
            except SnapshotFailed as error:
                if not quiesce or params.quiesce == "require":
                    raise
                new, note = new._replace(quiesce=False), f" ({error})"
                taken = await create_snapshot(context.session, vm.moref, new, job.percent)
            if taken is None:
                raise SnapshotFailed(
                    "vSphere reports that the snapshot was taken, but the VM's snapshot tree does not contain it. "
                    "Check the VM in vCenter."
                )
            quiesced = "powered off" if not running else "quiesced" if taken.quiesced else "crash-consistent"
            consistency = "with memory" if running and params.memory else quiesced
            hint = undo_command("snapshot-remove", context.vcenters.shown(vm.vcenter, taken.moref))
            detail = f"{taken.moref}, {consistency}{note}. {hint}"
            return SnapshotTaken(snapshot=taken.moref, consistency=consistency, detail=detail)

        async def give_up() -> StepResult:
            made = await find_named(context.session, vm.moref, name)
            removed = made is not None and await remove_one(context.session, vm.moref, made.moref, job.percent)
            return StepResult(detail="The snapshot was removed again." if removed else "No snapshot was taken.")

        try:
            taken = await job.step_as(SnapshotTaken, SNAPSHOT, take, interruptible=True)
        except JobCancelled:
            await job.step_as(StepResult, SNAPSHOT, give_up, part="give up", cleanup=True)
            raise
        return {"snapshot": taken.snapshot, "name": name, "consistency": taken.consistency}


ACTION = SnapshotCreate()
