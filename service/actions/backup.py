"""Backs a VM up into an OVF package: the seven documented steps of a VCB backup, as durable ones."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from service.actions._targeted import NOT_CHECKED
from service.api.models import Check, JobState
from service.backups.steps import BackupRun
from service.jobs.action import Action, Context, JobControl, Params, Target
from service.vsphere.inventory import Vm, find_vm, read_vm
from service.vsphere.preflight import preflight
from service.vsphere.selectors import lock_key
from service.vsphere.session import Session
from service.vsphere.vcenters import look

QUIESCE, SNAPSHOT, UNQUIESCE, MOUNT, BACK_UP, UNMOUNT, REMOVE = (
    "quiesce",
    "snapshot",
    "unquiesce",
    "mount",
    "back up",
    "unmount",
    "remove snapshot",
)
LEAST_ROOM = 64 << 20
"""Bytes that must be free where backups are kept before one is begun."""


class BackupVm(Params):
    """What a backup is asked for."""

    vm: str = Field(
        min_length=1,
        max_length=260,
        description="The VM: its name, or name:, ipaddr:, uuid: or moref: and the value.",
    )
    quiesce: Literal["prefer", "require", "none"] = Field(
        default="prefer",
        description="Ask the guest to flush its file systems: if it can, or else fail, or not at all.",
    )


class Backup(Action):
    """Snapshot, export, verify, remove the snapshot."""

    name = "backup"
    summary = "Back a VM up into an OVF package, while it runs."
    steps = (QUIESCE, SNAPSHOT, UNQUIESCE, MOUNT, BACK_UP, UNMOUNT, REMOVE)
    params = BackupVm

    async def target(self, context: Context, params: BackupVm) -> Target:
        """The VM as it is now, and what speaks against a backup; raises NotFound or Ambiguous."""
        vm = await find_vm(context.vcenters, params.vm)
        link = context.vcenters.link(vm.vcenter)
        looked = await look(link, _look(link.session, vm.moref))
        vm, checks = looked or (vm, [NOT_CHECKED])
        room = await asyncio.to_thread(_room, context.settings.backups_dir, vm)
        exact = params.model_copy(update={"vm": vm.selector})
        return Target(
            key=lock_key("vm", vm.vcenter, vm.moref),
            name=vm.name,
            params=exact.model_dump(),
            checks=(*checks, *_tools(vm, params.quiesce), *room),
        )

    async def run(self, context: Context, job: JobControl, params: BackupVm) -> dict[str, Any]:
        """The seven steps; whatever goes wrong after the freeze was begun, the guest thaws and the snapshot goes."""
        session, moref = context.vcenters.at(params.vm)
        deed = BackupRun(context, session, job.job_id, moref, params.quiesce, job.requested_by)
        thawed = False
        mounted: dict[str, Any] | None = None
        vm = await job.step(QUIESCE, deed.prepare)
        try:
            snapshot = await job.step(SNAPSHOT, lambda: deed.snapshot(vm))
            thawed = True
            await job.step(UNQUIESCE, lambda: deed.unquiesce(vm, snapshot), cleanup=True)
            mounted = await job.step(MOUNT, lambda: deed.mount(vm, snapshot))
            files = await self._copy(job, deed, vm, snapshot, mounted)
            package = await job.step(BACK_UP, lambda: deed.finish(vm, snapshot, mounted, files), part="package")
            await job.step(UNMOUNT, lambda: deed.unmount(snapshot, mounted), cleanup=True)
        except Exception as error:
            cause = error
            if not thawed:
                await job.step(UNQUIESCE, lambda: deed.thaw(vm), cleanup=True)
            await job.step(UNMOUNT, lambda: deed.give_up(vm, mounted), part="give up", cleanup=True)
            await job.step(REMOVE, lambda: deed.remove(vm, cause), part="give up", cleanup=True)
            raise
        removed = await job.step(REMOVE, lambda: deed.remove(vm), cleanup=True)
        whole = removed["consolidated"] and not package["missing"]
        return {
            **package,
            "state": (JobState.SUCCEEDED if whole else JobState.PARTIAL).value,
            "consistency": snapshot["consistency"],
            "left_out": vm["left_out"],
            "snapshot_removed": removed["removed"],
            "consolidated": removed["consolidated"],
        }

    async def _copy(
        self, job: JobControl, deed: BackupRun, vm: dict[str, Any], snapshot: dict[str, Any], mounted: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Copy the disks, a few at a time; each is a recorded part of the step, so a restart copies only the rest."""
        meter = deed.meter(vm, mounted, job.report)
        files: list[dict[str, Any]] = []
        disks = list(enumerate(mounted["disks"]))
        # Batches of a recorded size start in the same order when the job is replayed, as the engine needs.
        for batch in _batches(disks, vm["parallel"]):
            steps = [
                job.step(
                    BACK_UP,
                    lambda number=number, disk=disk: deed.copy(vm, snapshot, mounted, disk, meter, number),  # type: ignore[misc]
                    part=disk["file"],
                    interruptible=True,
                )
                for number, disk in batch
            ]
            copied = await asyncio.gather(*steps, return_exceptions=True)
            for (number, _), outcome in zip(batch, copied, strict=True):
                if isinstance(outcome, BaseException):
                    raise outcome
                meter.copied(number, outcome["size"])
                files.append(outcome)
        return files


ACTION = Backup()


async def _look(session: Session, moref: str) -> tuple[Vm, list[Check]]:
    return await read_vm(session, moref), (await preflight(session, moref)).checks


def _batches(items: list[tuple[int, dict[str, Any]]], size: int) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _tools(vm: Vm, quiesce: str) -> Iterator[Check]:
    if vm.power_state != "poweredOn" or vm.tools_running or quiesce == "none":
        return
    if quiesce == "require":
        message = (
            f"VMware Tools do not run in {vm.name}, so it cannot be quiesced. Start them, or ask for quiesce=prefer."
        )
        yield Check(rule="tools", severity="refuse", message=message)
    else:
        message = "VMware Tools do not run, so the backup will be crash-consistent."
        yield Check(rule="tools", severity="warn", message=message)


def _room(backups_dir: Path, vm: Vm) -> list[Check]:
    existing = next(folder for folder in (backups_dir, *backups_dir.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < LEAST_ROOM:
        message = f"Only {free >> 20} MiB are free where backups are kept ({backups_dir}). Make room first."
        return [Check(rule="backup-room", severity="refuse", message=message)]
    if vm.allocated and free < vm.allocated:
        message = f"{free >> 20} MiB are free where backups are kept, and the VM takes up to {vm.allocated >> 20} MiB."
        return [Check(rule="backup-room", severity="warn", message=message)]
    return []
