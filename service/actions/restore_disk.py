"""Attaches one disk of a kept backup to an existing VM as a further disk."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import Field

from service.actions._deploy import REMOVE
from service.actions._disks import (
    BRING,
    TEMPORARY,
    BroughtDisk,
    DiskBringer,
    failed,
    origin_checks,
    placeless_checks,
    room_checks,
)
from service.actions._from_backup import BackupParams, backup_checks, class_of_restore, read_backup
from service.actions._targeted import CHECK, NOTHING_FOUND, info, refuse, warnings
from service.actions._vm import vm_checks
from service.api.models import ActionClass, Check
from service.backups.catalogue import KeptBackup
from service.backups.described import read_described
from service.errors import BackupDamaged, Conflict, NotFound, VmkopsError
from service.jobs.action import Action, Context, JobControl, StepResult, Target
from service.packages.descriptor import PackageDisk
from service.vsphere.beside import place_beside
from service.vsphere.disk_changes import NewDisk, attach_disk, detach_file, free_place
from service.vsphere.disks import read_disks
from service.vsphere.inventory import find_vm
from service.vsphere.selectors import lock_key
from service.vsphere.session import Session
from service.vsphere.vms import VmState, read_state

ATTACH = "attach the disk"
IN_THE_GUEST = (
    "In the guest, rescan the disks (Linux: `rescan-scsi-bus.sh`; Windows: *Rescan Disks*). If the guest has the "
    "original of the disk too, its volumes clash: Windows keeps a disk with the same signature offline, and LVM "
    "refuses a second volume group with the same UUID (`vgimportclone` gives it a new one; for XFS, mount with "
    "`-o nouuid`). To remove the disk again, unmount it in the guest, then delete it in the settings of the VM."
)


class RestoreDiskParams(BackupParams):
    """Which disk of which backup, and for which VM."""

    disk: str = Field(
        min_length=1,
        max_length=300,
        description="The disk: its number, its file name, or its controller and unit (scsi0:1), as `vmkops backups ID` "
        "shows them.",
    )
    vm: str = Field(
        min_length=1,
        max_length=260,
        description="The VM that gets the disk: its name, or name:, ipaddr:, uuid: or moref: and the value.",
    )


class DiskPlan(StepResult):
    """The name of the VM, and the number of the disk."""

    name: str
    number: int


class Attached(StepResult):
    """The controller and unit of the new disk, such as `scsi0:1`."""

    place: str


def choose_disk(disks: Sequence[PackageDisk], wanted: str) -> PackageDisk:
    """The disk with this number, file name, or controller and unit; raises NotFound with those that there are."""
    for disk in disks:
        if wanted in (str(disk.number), disk.file, disk.place):
            return disk
    known = [f"{disk.number} ({disk.file}, {disk.place or 'unknown place'})" for disk in disks]
    raise NotFound(f"The backup has no disk {wanted[:80]!r}. Its disks: {', '.join(known)}.", [d.file for d in disks])


async def _checks(
    context: Context, session: Session, moref: str, kept: KeptBackup, wanted: str
) -> tuple[VmState, int, list[Check]]:
    """The VM now, the number of the disk (0 when the backup cannot be read), and what the action would do."""
    vm = await read_state(session, moref)
    found = [*origin_checks(context, kept, vm, lost=False), *vm_checks(vm), *await backup_checks(context, kept)]
    if any(check.severity == "refuse" for check in found):
        return vm, 0, found
    try:
        disk = choose_disk((await read_described(context.workers, kept)).outline.disks, wanted)
    except BackupDamaged as error:
        return vm, 0, [*found, refuse("backup-damaged", str(error))]
    found += placeless_checks([disk])
    try:
        place = free_place(await read_disks(session, moref))
        message = f"Disk {disk.number} of the backup ({disk.file}) becomes a further disk of {vm.name}, at {place}."
        found.append(info("place", message))
    except Conflict as error:
        found.append(refuse("no-unit", str(error)))
    found += room_checks(await place_beside(session, moref, []), kept, [disk])
    if vm.power_state == "poweredOn":
        found.append(info("power", f"{vm.name} is running, and gets the disk while it runs."))
    return vm, disk.number, found


class RestoreDisk(Action):
    """Sends one disk and attaches it; the VM may run."""

    name = "restore-disk"
    summary = "Attach one disk of a kept backup to a VM as a further disk; the VM may run."
    action_class = ActionClass.SAFE  # adds a disk, which can be detached again
    may_ask = True  # a disk for another vCenter than that of the backup
    label = "Attach a restored disk to {target}"
    steps = (CHECK, *BRING, ATTACH, REMOVE)
    params = RestoreDiskParams

    def class_for(self, target: Target) -> ActionClass:
        """Another vCenter needs a yes."""
        return class_of_restore(super().class_for(target), target)

    def step_words(self, params: Mapping[str, Any]) -> Mapping[str, str]:  # noqa: ARG002
        """See `Action.step_words`: the VM that is removed is the temporary one."""
        return TEMPORARY

    async def pinned(self, context: Context, params: RestoreDiskParams) -> RestoreDiskParams:
        """See `Action.pinned`."""
        return await params.pinned(context)

    async def target(self, context: Context, params: RestoreDiskParams) -> Target:
        """The VM, the disk, and where it goes; raises NotFound and Ambiguous."""
        kept = await read_backup(context, params.backup)
        found = await find_vm(context.vcenters, params.vm)
        session = context.vcenters.link(found.vcenter).session
        vm, number, checks = await _checks(context, session, found.moref, kept, params.disk)
        exact = {"backup": kept.id, "disk": str(number) if number else params.disk, "vm": found.selector}
        key = lock_key("vm", found.vcenter, found.moref)
        return Target(
            key=key,
            name=context.vcenters.shown(found.vcenter, vm.name),
            vcenter=found.vcenter,
            params=exact,
            checks=tuple(checks),
        )

    async def run(self, context: Context, job: JobControl, params: RestoreDiskParams) -> dict[str, Any]:
        """Send, move and attach the disk; whatever fails, nothing is left.

        The result has `vm` (moref and name), `backup`, `disk` (its name), `file` (a datastore path), `place` (such as
        `scsi0:1`) and `next`, what to do in the guest.
        """
        session, moref = context.vcenters.at(params.vm)
        bringer = DiskBringer(context, job, session, moref, params.backup)

        async def check() -> DiskPlan:
            kept = await read_backup(context, params.backup)
            vm, number, found = await _checks(context, session, moref, kept, params.disk)
            if refused := [each.message for each in found if each.severity == "refuse"]:
                raise Conflict(" ".join(refused))
            return DiskPlan(name=vm.name, number=number, detail=warnings(found) or NOTHING_FOUND)

        async def attach(disk: BroughtDisk) -> Attached:
            new = NewDisk(file=disk.target, capacity=disk.capacity)
            place = await attach_disk(session, moref, new)
            return Attached(place=place, detail=f"{disk.target} is attached at {place}. {IN_THE_GUEST}")

        async def undo(cause: Exception) -> StepResult:
            try:
                await detach_file(session, moref, bringer.files)
            except NotFound:
                return await bringer.leave()
            except VmkopsError as error:
                await bringer.stays()  # it may have it: a repetition that detaches it deletes it
                if error.retryable:
                    raise
                with contextlib.suppress(VmkopsError):  # the sweep tries again
                    await bringer.remove()
                raise failed("The action", cause, [f"The disk could not be detached: {error}"]) from error
            if left := await bringer.discard():
                raise failed("The action", cause, left)
            return StepResult(detail="Nothing is left.")

        plan = await job.step_as(DiskPlan, CHECK, check)
        made = await bringer.send(plan.name, [plan.number])
        try:
            (brought,) = await bringer.move(made["vm"]["moref"], plan.name)
            attached = await job.step_as(Attached, ATTACH, partial(attach, brought))
        except Exception as error:
            await job.step_as(StepResult, REMOVE, partial(undo, error), part="undo", cleanup=True)
            raise
        await bringer.settle()
        await bringer.remove_temporary(f"The disk is attached to {plan.name} at {attached.place}.")
        return {
            "vm": {"moref": moref, "name": plan.name},
            "backup": params.backup,
            "disk": brought.name,
            "file": brought.target,
            "place": attached.place,
            "next": IN_THE_GUEST,
        }


ACTION = RestoreDisk()
