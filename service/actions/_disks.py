"""What restoring onto a VM and restoring one disk share: disks of a backup come into the folder of an existing VM.

They are sent to a temporary VM beside it, because only an import takes the bytes of disks. Then they are detached from
that VM and moved.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict

from service.actions._deploy import CONFIRM, PACKAGE, REMOVE, SEND, Deployment, VmsRemoved
from service.actions._from_backup import elsewhere, files_to_send, made_at, open_backup, stored_disks
from service.actions._placement import LONGEST_NAME, PlacementParams
from service.actions._targeted import info, refuse
from service.api.models import Check
from service.api.units import amount
from service.api.words import counted
from service.backups.catalogue import KeptBackup
from service.backups.lock import locked
from service.backups.vm_choice import origin
from service.errors import (
    BackupDamaged,
    ImportFailed,
    JobCancelled,
    PackageDamaged,
    RestoreFailed,
    VmkopsError,
    VSphereUnavailable,
)
from service.jobs.action import Context, JobControl, StepResult
from service.packages.deployable import Deployable
from service.packages.descriptor import PackageDisk
from service.store.disk_ledger import DiskRow
from service.vsphere.beside import place_beside
from service.vsphere.disk_changes import detach_all
from service.vsphere.disk_files import delete_disk, file_beside, find_datacenter, find_disk, move_disk, users_of
from service.vsphere.disks import read_disks
from service.vsphere.placement import Place
from service.vsphere.session import Session
from service.vsphere.vms import VmState

LOOK, MOVE = "look at the temporary VM", "move the disks"
SUFFIX = "-restoring"


class BroughtDisk(BaseModel):
    """A disk of the backup: where the import puts its file, and where it is moved; both are datastore paths."""

    model_config = ConfigDict(frozen=True)

    number: int
    name: str
    place: str
    capacity: int
    source: str
    target: str


class Listed(StepResult):
    """The disks of the temporary VM, before they are detached from it."""

    disks: list[BroughtDisk]
    datacenter: str = ""
    """Its moref; empty in the records of earlier versions."""


class DiskBringer(Deployment):
    """Brings some disks of a backup into the folder of the VM `vm` (a moref), for one job in this process."""

    def __init__(self, context: Context, job: JobControl, session: Session, vm: str, backup: str) -> None:
        super().__init__(
            context, job, PlacementParams(vcenter=session.vcenter.name, connect_networks=False), passing=True
        )
        self._context = context
        self._vm = vm
        self._backup = backup
        self._brought: list[BroughtDisk] = []

    async def place(self, package: Deployable) -> Place:
        """Where the VM is."""
        return await place_beside(self._session, self._vm, package.networks)

    async def send(self, name: str, numbers: Sequence[int]) -> dict[str, Any]:
        """Make the temporary VM with the disks of these numbers, for the VM of this name; see `Deployment.deploy`."""
        try:
            return await self.deploy(partial(self._read, name, numbers), locked)
        except PackageDamaged as error:
            raise BackupDamaged(f"{error} Restore another backup.") from error
        except ImportFailed as error:
            raise RestoreFailed(str(error)) from error

    async def move(self, temporary: str, name: str) -> list[BroughtDisk]:
        """Detach the disks from the temporary VM (a moref) and move them beside the VM of this name.

        `discard` undoes it, `settle` says that the VM has them.
        """
        listed = await self._job.step_as(Listed, LOOK, partial(self._list, temporary))
        self._brought = listed.disks
        await self._context.disks.intend(
            [
                DiskRow(
                    job=self._job.job_id,
                    number=disk.number,
                    vcenter=self._session.vcenter.name,
                    datacenter=listed.datacenter or await find_datacenter(self._session, self._vm),
                    vm=self._vm,
                    vm_name=name,
                    source=disk.source,
                    target=disk.target,
                )
                for disk in listed.disks
            ]
        )
        await self._job.step_as(StepResult, MOVE, partial(self._detach, temporary), part="detach")
        for disk in listed.disks:
            await self._job.step_as(StepResult, MOVE, partial(self._move, disk), part=str(disk.number))
        return listed.disks

    @property
    def files(self) -> list[str]:
        """Where the files of the disks may be, once they may be detached from the temporary VM."""
        return [path for disk in self._brought for path in (disk.source, disk.target)]

    async def settle(self) -> None:
        """Forget the files in the ledger, because the VM has the disks."""
        await self._context.disks.settled(self._job.job_id)

    async def stays(self) -> None:
        """Record in the ledger that the VM has the disks although the job fails: only a person may delete them."""
        for row in await self._context.disks.of_job(self._job.job_id):
            await self._context.disks.used(row)

    async def leave(self) -> StepResult:
        """Keep the files, because the VM is not in vCenter's inventory any more and may have them; see `stays`."""
        await self.stays()
        with contextlib.suppress(VmkopsError):  # the sweep tries again
            await self.remove()
        return StepResult(
            detail="The VM is not in the inventory of vCenter any more. If it was only unregistered, it may need the "
            f"files of its new disks, so those that there are stay: {', '.join(self.files)}."
        )

    async def discard(self) -> list[str]:
        """Remove the temporary VM and the files of its disks; returns what could not be removed, in words.

        A file that another VM has stays. Call it only while the VM that was to get the disks is in vCenter's inventory:
        one that is not may have a file all the same.
        """
        left = []
        try:
            await self.remove()
        except VSphereUnavailable:
            raise
        except VmkopsError as error:
            left.append(f"The temporary VM could not be removed: {error}")
        for row in await self._context.disks.of_job(self._job.job_id):
            if why := await self._delete(row):
                await self._context.disks.trouble(row, why)
                left.append(f"{why} vmkops tries again by itself for a day.")
            else:
                await self._context.disks.settled(row.job, row.number)
        return left

    async def _delete(self, row: DiskRow) -> str:
        """Delete the file of a disk, wherever it is; why that was not possible, empty when it is gone."""
        for path in row.files:
            try:
                if not await find_disk(self._session, row.datacenter, path):
                    continue
                if users := await users_of(self._session, row.datacenter, path):
                    if any(user.job != row.job for user in users):
                        await self._context.disks.used(row)
                    return f"The disk file {path} was not deleted: {', '.join(user.name for user in users)} has it."
                await delete_disk(self._session, row.datacenter, path)
            except VSphereUnavailable:
                raise
            except VmkopsError as error:
                return f"The disk file {path} could not be deleted: {error}"
        return ""

    async def remove_temporary(self, done: str) -> None:
        """Remove the temporary VM at the end; a failure says that the rest is `done`."""
        try:
            await self._job.step_as(VmsRemoved, REMOVE, self.remove, cleanup=True)
        except VmkopsError as error:
            raise RestoreFailed(
                f"{done} But the temporary VM, which has no disks any more, could not be removed: {error} vmkops tries "
                "again by itself for a day."
            ) from error

    async def _read(self, name: str, numbers: Sequence[int]) -> Deployable:
        kept, contents = await open_backup(self._context, self._backup)
        disks = [disk for disk in contents.outline.disks if disk.number in numbers]
        names = {disk.file for disk in disks}
        capacities = sorted(disk.capacity for disk in disks)
        return Deployable(
            title=f"backup {kept.id} of {kept.vm.name}",
            vm=f"{name[: LONGEST_NAME - 24]}{SUFFIX}-{self._job.job_id[:8]}",
            note=f"Temporary: brings disks of the backup {kept.id} of {kept.vm.name} ({made_at(kept)}) to {name}.",
            root=kept.path,
            descriptor=contents.text,
            files=[file for file in files_to_send(kept, contents.files) if file.name in names],
            networks=contents.outline.networks,
            capacities=capacities if all(capacities) else None,
            stored=stored_disks(kept),
            only={disk.file: disk.place for disk in disks},
        )

    async def _list(self, temporary: str) -> Listed:
        package, made = await open_backup(self._context, self._backup), await read_disks(self._session, temporary)
        home = await read_disks(self._session, self._vm)
        stem = PurePosixPath(home.vmx).stem
        found = []
        for disk in package[1].outline.disks:
            if attached := made.at(disk.place):
                target = f"{stem}-restored-{self._job.job_id}-{disk.number}.vmdk"
                found.append(
                    BroughtDisk(
                        number=disk.number,
                        name=disk.file,
                        place=disk.place,
                        capacity=attached.capacity,
                        source=attached.file,
                        target=file_beside(home.vmx, target),
                    )
                )
        if len(found) != len(made.disks):
            raise RestoreFailed("The temporary VM has other disks than the backup: somebody changed it meanwhile.")
        center = await find_datacenter(self._session, self._vm)
        return Listed(disks=found, datacenter=center, detail=f"{counted(len(found), 'disk')} to move")

    async def _detach(self, temporary: str) -> StepResult:
        await detach_all(self._session, temporary)
        return StepResult()

    async def _move(self, disk: BroughtDisk) -> StepResult:
        await move_disk(self._session, self._vm, disk.source, disk.target, self._job.percent)
        return StepResult(detail=disk.target)


TEMPORARY = {REMOVE: "remove the temporary VM"}
"""What the last step of a restore to an existing VM does, where a plan is shown."""
BRING = (PACKAGE, SEND, CONFIRM, LOOK, MOVE)
"""The steps of `send` and `move`."""


def origin_checks(context: Context, kept: KeptBackup, vm: VmState, *, lost: bool) -> list[Check]:
    """Which backup it is, and of which VM and vCenter; `lost` is true when the disks of the VM `vm` are replaced."""
    found = [info("backup-from", origin(kept, context.vcenters.names())), *elsewhere(kept, vm.vcenter)]
    if kept.vm.uuid != vm.uuid and lost:
        message = f"The backup is of another VM, {kept.vm.name} (UUID {kept.vm.uuid or 'unknown'}), not of {vm.name}."
        found.append(Check(rule="other-vm", severity="warn", message=message))
    return found


def room_checks(place: Place, kept: KeptBackup, disks: Sequence[PackageDisk]) -> list[Check]:
    """Whether the datastore has the room for these disks of the backup."""
    sizes = {disk.file: disk.size for disk in kept.disks}
    if kept.saved:
        sizes = {disk.file: disk.sent for disk in kept.saved.disks}
    size, most = sum(sizes.get(disk.file, 0) for disk in disks), sum(disk.capacity for disk in disks)
    free = f"{place.datastore.name} has {amount(place.free)} free"
    if place.free < size:
        return [refuse("no-room", f"{free}, but the disks alone need {amount(size)}. Free some space first.")]
    most_words = f", and up to {amount(most)} when the guest fills the disks" if most else ""
    return [info("room", f"The disks need at least {amount(size)}{most_words}. {free}.")]


def placeless_checks(disks: Sequence[PackageDisk]) -> list[Check]:
    """The disks of which the descriptor does not say where they were attached."""
    lost = ", ".join(disk.file for disk in disks if not disk.place)
    message = f"The backup does not say to which controller {lost} was attached. Restore it as a new VM."
    return [refuse("no-place", message)] if lost else []


def failed(what: str, cause: Exception, left: Sequence[str]) -> VmkopsError:
    """The error of a job that could not clean up everything."""
    first = "The job was cancelled" if isinstance(cause, JobCancelled) else f"{what} failed ({cause})"
    return RestoreFailed(" ".join([f"{first}, and not everything could be undone.", *left]))
