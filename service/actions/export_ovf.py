"""Exports a VM that is powered off as an OVF package or as one OVA, to be moved elsewhere."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Literal

from pydantic import Field

from service.actions._targeted import NOT_CHECKED, NOTHING_FOUND, refuse, warn
from service.actions._vm import VmParams, pinned_vm, vm_checks
from service.api.models import ActionClass, Check, JobState
from service.api.settings import Settings
from service.api.words import vsphere_words
from service.backups.turn import Turn, turn_keys
from service.errors import Conflict
from service.jobs.action import Action, Context, JobControl, StepResult, Target
from service.packages.export import Described, Export, Exported, ExportPlan
from service.packages.folder import CopiedFile
from service.transfer.disk_space import check_space
from service.transfer.export_lease import OpenedLease
from service.vsphere.inventory import Vm, find_vm, read_vm
from service.vsphere.preflight import NOT_EXPORTED, preflight
from service.vsphere.selectors import lock_key
from service.vsphere.session import Session
from service.vsphere.vcenters import look
from service.vsphere.vms import read_state

CHECK, OPEN, COPY, DESCRIBE, CLOSE, PACK = (
    "check",
    "open the lease",
    "copy the disks",
    "describe",
    "close the lease",
    "write the package",
)


class ExportVm(VmParams):
    """Which VM to export, and in which format."""

    format: Literal["ovf", "ova"] = Field(
        default="ovf",
        description="The form of the package: ovf is a folder with descriptor, manifest and disks; ova is all of them "
        "in one archive.",
    )


class ExportOvf(Action):
    """The disks are read over an export lease of the VM itself, so no snapshot is taken."""

    name = "export-ovf"
    summary = "Export a VM that is powered off as an OVF package or an OVA, with checksums."
    action_class = ActionClass.SAFE  # only reads a VM that is off
    steps = (CHECK, OPEN, COPY, DESCRIBE, CLOSE, PACK)
    params = ExportVm

    async def pinned(self, context: Context, params: VmParams) -> VmParams:
        """See `Action.pinned`."""
        return await pinned_vm(context.vcenters, params)

    async def target(self, context: Context, params: ExportVm) -> Target:
        """The VM as it is now; a running one is refused, as `backup` is for those."""
        vm = await find_vm(context.vcenters, params.vm)
        link = context.vcenters.link(vm.vcenter)
        exact = params.model_copy(update={"vm": vm.selector})
        found = await look(link, _checks(link.session, context.settings, vm, params)) or [NOT_CHECKED]
        key = lock_key("vm", vm.vcenter, vm.moref)
        name = context.vcenters.shown(vm.vcenter, vm.name)
        return Target(key=key, name=name, params=exact.model_dump(), checks=tuple(found), vcenter=vm.vcenter)

    async def run(self, context: Context, job: JobControl, params: ExportVm) -> dict[str, Any]:
        """Disk by disk, each recorded; whatever fails, the lease is aborted and the written files are removed."""
        session, moref = context.vcenters.at(params.vm)
        check = partial(_plan, session, context.settings, moref, params)
        plan = await job.step_as(ExportPlan, CHECK, check)
        export = Export(context, session, job, plan)
        turn = Turn(context, session, job, before="the export")

        async def open_in_turn() -> OpenedLease:
            if await turn.take(plan.turns, 1):
                await check()  # the VM may have changed during the wait
            return await export.open()

        async def copy_in_turn(opened: OpenedLease, number: int) -> CopiedFile:
            await turn.take(plan.turns, 1)  # a process that goes on with the job finds the turn that it had
            return await export.copy(opened, number)

        opened: OpenedLease | None = None
        try:
            opened = await job.step_as(OpenedLease, OPEN, open_in_turn)
            export.measure(opened)
            copied = []
            for number, disk in enumerate(opened.disks):
                copy = partial(copy_in_turn, opened, number)
                copied.append(await job.step_as(CopiedFile, COPY, copy, part=disk.file, interruptible=True))
                export.copied(number, copied[-1])
            await turn.release()
            described = await job.step_as(Described, DESCRIBE, partial(export.describe, opened, copied))
            await job.step_as(StepResult, CLOSE, partial(export.close, opened), cleanup=True)
            pack = partial(export.pack, described.order, copied, archive=params.format == "ova")
            exported = await job.step_as(Exported, PACK, pack, interruptible=True)
        except Exception:
            await turn.release()
            await job.step_as(StepResult, CLOSE, partial(export.give_up, opened), part="give up", cleanup=True)
            raise
        return {
            **exported.model_dump(mode="json"),
            "state": (JobState.PARTIAL if opened.missing else JobState.SUCCEEDED).value,
            "format": params.format,
            "disks": [file.model_dump(include={"file", "size", "sha256"}) for file in copied],
            "missing": opened.missing,
        }


ACTION = ExportOvf()


async def _plan(session: Session, settings: Settings, moref: str, params: ExportVm) -> ExportPlan:
    vm = await read_vm(session, moref)
    found = await _checks(session, settings, vm, params)
    if refused := [each.message for each in found if each.severity == "refuse"]:
        raise Conflict(" ".join(refused))
    return ExportPlan(
        moref=vm.moref,
        name=vm.name,
        allocated=vm.allocated,
        disks=len((await preflight(session, vm.moref)).disks),
        turns=turn_keys(vm),
        detail=" ".join(each.message for each in found) or NOTHING_FOUND,
    )


async def _checks(session: Session, settings: Settings, vm: Vm, params: ExportVm) -> list[Check]:
    state = await read_state(session, vm.moref)
    checks = list(vm_checks(state))
    if state.power_state != "poweredOff":
        checks.append(
            refuse(
                "power",
                f"{state.name} is {vsphere_words(state.power_state)}, and only a VM that is powered off can be "
                "exported. The action backup makes an OVF package while the VM runs; guest-shutdown shuts it down.",
            )
        )
    found = await preflight(session, vm.moref)
    checks += [check for check in found.checks if check.rule in NOT_EXPORTED]
    if not found.disks:
        checks.append(warn("no-disk", f"{state.name} has no disk, so the package contains only its description."))
    # An OVA is packed from the copied disks, so both take disk space for a while.
    needed = (vm.allocated or 0) * (2 if params.format == "ova" else 1)
    folder, keep = settings.exports_dir, settings.keep_free_bytes
    space = await asyncio.to_thread(check_space, "export-room", folder, needed, "the export", keep)
    return [*checks, *space]
