"""Exports a VM that is powered off as an OVF package or as one OVA, to be moved elsewhere."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from pydantic import Field

from service.actions._targeted import NOT_CHECKED, refuse, warn
from service.actions._vm import VmParams, vm_checks
from service.api.models import Check, JobState
from service.api.settings import Settings
from service.errors import Conflict
from service.jobs.action import Action, Context, JobControl, Target
from service.packages.export import Export
from service.transfer.disk_space import LEAST_ROOM, free_room
from service.vsphere.inventory import Vm, find_vm, read_vm
from service.vsphere.preflight import preflight
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
    """Which VM, and as what."""

    format: Literal["ovf", "ova"] = Field(
        default="ovf", description="A folder with descriptor, manifest and disks, or all of them in one archive."
    )


class ExportOvf(Action):
    """The disks come over an export lease of the VM itself, so no snapshot is taken."""

    name = "export-ovf"
    summary = "Export a VM that is powered off as an OVF package or an OVA, with checksums."
    steps = (CHECK, OPEN, COPY, DESCRIBE, CLOSE, PACK)
    params = ExportVm

    async def target(self, context: Context, params: ExportVm) -> Target:
        """The VM as it is now; one that runs is refused, as `backup` is for those."""
        vm = await find_vm(context.vcenters, params.vm)
        link = context.vcenters.link(vm.vcenter)
        exact = params.model_copy(update={"vm": vm.selector})
        found = await look(link, _checks(link.session, context.settings, vm, params)) or [NOT_CHECKED]
        key = lock_key("vm", vm.vcenter, vm.moref)
        return Target(key=key, name=vm.name, params=exact.model_dump(), checks=tuple(found))

    async def run(self, context: Context, job: JobControl, params: ExportVm) -> dict[str, Any]:
        """Disk by disk, each recorded; whatever goes wrong, the lease is given up and what was written removed."""
        session, moref = context.vcenters.at(params.vm)

        async def check() -> dict[str, Any]:
            vm = await read_vm(session, moref)
            found = await _checks(session, context.settings, vm, params)
            if refused := [each.message for each in found if each.severity == "refuse"]:
                raise Conflict(" ".join(refused))
            return {
                "moref": vm.moref,
                "name": vm.name,
                "allocated": vm.allocated,
                "disks": len((await preflight(session, vm.moref)).disks),
                "turns": [f"host:{vm.host}", *(f"datastore:{each}" for each in vm.datastores)],
                "detail": " ".join(each.message for each in found) or "Nothing speaks against it.",
            }

        export = Export(context, session, job.job_id, await job.step(CHECK, check), job.report)
        opened: dict[str, Any] | None = None
        try:
            opened = await job.step(OPEN, export.open)
            export.measure(opened)
            copied = []
            for number, disk in enumerate(opened["disks"]):

                async def copy(number: int = number, opened: dict[str, Any] = opened) -> dict[str, Any]:
                    return await export.copy(opened, number)

                copied.append(await job.step(COPY, copy, part=disk["file"], interruptible=True))
                export.copied(number, copied[-1])
            described = await job.step(DESCRIBE, lambda: export.describe(copied))
            lent = opened
            await job.step(CLOSE, lambda: export.close(lent), cleanup=True)
            archive = params.format == "ova"
            packed = await job.step(
                PACK, lambda: export.pack(described["order"], copied, archive=archive), interruptible=True
            )
        except Exception:
            await job.step(CLOSE, lambda: export.give_up(opened), part="give up", cleanup=True)
            raise
        state = JobState.PARTIAL if opened["missing"] else JobState.SUCCEEDED
        disks = [{name: file[name] for name in ("file", "size", "sha256")} for file in copied]
        return {**packed, "state": state.value, "format": params.format, "disks": disks, "missing": opened["missing"]}


ACTION = ExportOvf()


async def _checks(session: Session, settings: Settings, vm: Vm, params: ExportVm) -> list[Check]:
    state = await read_state(session, vm.moref)
    checks = list(vm_checks(state))
    if state.power_state != "poweredOff":
        checks.append(
            refuse(
                "power",
                f"{state.name} is {state.power_state}, and only a VM that is powered off can be exported. `backup` "
                "makes an OVF package of it while it runs; guest-shutdown turns it off.",
            )
        )
    if not (await preflight(session, vm.moref)).disks:
        checks.append(warn("no-disk", f"{state.name} has no disk; the package will hold its description alone."))
    # An OVA is packed from the copied disks, so both are there for a while.
    needed = (vm.allocated or 0) * (2 if params.format == "ova" else 1)
    free = await asyncio.to_thread(free_room, settings.exports_dir)
    if free < LEAST_ROOM:
        checks.append(refuse("export-room", f"Only {free >> 20} MiB are free in {settings.data_dir}. Make room first."))
    elif free < needed:
        said = f"{free >> 20} MiB are free in {settings.data_dir}, and the export takes up to {needed >> 20} MiB."
        checks.append(warn("export-room", said))
    return checks
