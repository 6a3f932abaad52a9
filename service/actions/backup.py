"""Backs a VM up into an OVF package: the seven documented steps of a VCB backup, as durable ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from service.actions._base import Action, Equipment, JobControl, Params, Target
from service.backups.disk import copy_disk
from service.backups.meter import Meter
from service.backups.package import Package, PackageFile
from service.errors import Conflict, JobCancelled, SnapshotFailed, SnapshotLeft, VmkopsError
from service.vsphere.descriptor import create_descriptor
from service.vsphere.inventory import find_vm, read_vm
from service.vsphere.nfc import Lease, LeasedDisk, abort_lease, complete_lease, kept_alive, open_lease
from service.vsphere.snapshots import remove_snapshot, take_snapshot

QUIESCE, SNAPSHOT, UNQUIESCE, MOUNT, BACK_UP, UNMOUNT, REMOVE = (
    "quiesce",
    "snapshot",
    "unquiesce",
    "mount",
    "back up",
    "unmount",
    "remove snapshot",
)


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

    async def target(self, equipment: Equipment, params: BackupVm) -> Target:
        """The VM as it is now; raises NotFound, Ambiguous, or Conflict for a template."""
        vm = await find_vm(equipment.vsphere(), params.vm)
        if vm.template:
            raise Conflict(f"{vm.name} is a template; a backup needs a VM. Convert it or deploy a VM from it.")
        exact = params.model_copy(update={"vm": f"moref:{vm.moref}"})
        return Target(key=f"vm:{vm.moref}", name=vm.name, params=exact.model_dump())

    async def run(self, equipment: Equipment, job: JobControl, params: BackupVm) -> dict[str, Any]:
        """The seven steps; whatever goes wrong after the snapshot was begun, the snapshot is removed."""
        deed = _Deed(equipment, job, params)
        vm = await job.step(QUIESCE, deed.prepare)
        try:
            snapshot = await job.step(SNAPSHOT, lambda: deed.snapshot(vm))
            await job.step(UNQUIESCE, lambda: deed.unquiesce(snapshot))
            mounted = await job.step(MOUNT, lambda: deed.mount(snapshot))
            package = await deed.back_up(vm, snapshot, mounted)
            await job.step(UNMOUNT, lambda: deed.unmount(mounted), cleanup=True)
        except Exception as error:
            await deed.clean_up(vm, error)
            raise
        removed = await job.step(REMOVE, deed.remove, cleanup=True)
        return {**package, "consistency": snapshot["consistency"], "snapshot_removed": removed["removed"]}


ACTION = Backup()


class _Deed:
    """One backup under way in this process; all that must outlive the process is in what its steps return."""

    def __init__(self, equipment: Equipment, job: JobControl, params: BackupVm) -> None:
        self._job = job
        self._params = params
        self._session = equipment.vsphere()
        self._backups_dir = equipment.settings.backups_dir
        self._moref = params.vm.removeprefix("moref:")
        self._lease: Lease | None = None

    async def prepare(self) -> dict[str, Any]:
        vm = await read_vm(self._session, self._moref)
        running = vm.power_state == "poweredOn"
        quiesce = running and vm.tools_running and self._params.quiesce != "none"
        if self._params.quiesce == "require" and running and not vm.tools_running:
            raise SnapshotFailed(
                f"VMware Tools do not run in {vm.name}, so it cannot be quiesced. "
                "Start them, or ask for quiesce=prefer."
            )
        if quiesce:
            detail = "VMware Tools run: the guest is asked to flush its file systems"
        elif not running:
            detail = f"the VM is {vm.power_state}: nothing to quiesce"
        else:
            asked = self._params.quiesce == "none"
            detail = "not asked for" if asked else "VMware Tools do not run: the backup is crash-consistent"
        return {
            "name": vm.name,
            "uuid": vm.uuid,
            "quiesce": quiesce,
            "running": running,
            "allocated": vm.allocated,
            "detail": detail,
        }

    async def snapshot(self, vm: dict[str, Any]) -> dict[str, Any]:
        job_id, why = self._job.job_id, ""
        try:
            taken = await take_snapshot(self._session, self._moref, job_id, quiesce=vm["quiesce"])
        except SnapshotFailed as error:
            if not vm["quiesce"] or self._params.quiesce == "require":
                raise
            why = f" (quiescing failed: {error})"
            taken = await take_snapshot(self._session, self._moref, job_id, quiesce=False)
        consistency = "powered off" if not vm["running"] else "quiesced" if taken.quiesced else "crash-consistent"
        return {"moref": taken.moref, "consistency": consistency, "detail": f"{taken.name}, {consistency}{why}"}

    async def unquiesce(self, snapshot: dict[str, Any]) -> dict[str, Any]:
        # vSphere thaws the guest as the last act of its snapshot task, and that task has ended.
        frozen = snapshot["consistency"] == "quiesced"
        return {"detail": "the guest was thawed when the snapshot was done" if frozen else "the guest was not frozen"}

    async def mount(self, snapshot: dict[str, Any]) -> dict[str, Any]:
        self._lease = await open_lease(self._session, snapshot["moref"])
        disks = [{"key": disk.key, "file": disk.file, "size": disk.size} for disk in self._lease.disks]
        return {"lease": self._lease.moref, "disks": disks, "detail": f"{len(disks)} disk(s) can be read"}

    async def back_up(self, vm: dict[str, Any], snapshot: dict[str, Any], mounted: dict[str, Any]) -> dict[str, Any]:
        package = Package(self._backups_dir, vm["name"], self._job.job_id)
        files: list[PackageFile] = []
        meter = Meter(self._job.report, [disk["size"] for disk in mounted["disks"]], vm["allocated"])
        for number, disk in enumerate(mounted["disks"]):

            async def copy(number: int = number, disk: dict[str, Any] = disk) -> dict[str, Any]:
                leased = await self._leased(disk["key"], snapshot, mounted)
                return await self._copy(package, leased, meter, number)

            copied = PackageFile.model_validate(
                await self._job.step(BACK_UP, copy, part=disk["file"], interruptible=True)
            )
            meter.copied(number, copied.size)
            files.append(copied)
        return await self._job.step(BACK_UP, lambda: self._finish(package, vm, snapshot, files), part="package")

    async def _copy(self, package: Package, leased: LeasedDisk, meter: Meter, number: int) -> dict[str, Any]:
        assert self._lease is not None
        name = package.disk_name(leased.file)
        async with kept_alive(self._session, self._lease.moref, meter.percent):
            size, sha256 = await copy_disk(
                leased.url,
                package.open() / name,
                self._session.ssl_context(),
                lambda done, promised: meter.reading(number, done, promised),
            )
        file = PackageFile(key=leased.key, file=name, size=size, sha256=sha256)
        return {**file.model_dump(), "detail": f"{name}: {size} bytes"}

    async def _leased(self, key: str, snapshot: dict[str, Any], mounted: dict[str, Any]) -> LeasedDisk:
        """The disk in an open lease: the one that `mount` opened, or a new one after its process died."""
        if self._lease is None:
            await abort_lease(self._session, mounted["lease"])
            self._lease = await open_lease(self._session, snapshot["moref"])
        found = next((disk for disk in self._lease.disks if disk.key == key), None)
        if found is None:
            raise Conflict(f"The disk {key} is not in the snapshot any more.")
        return found

    async def _finish(
        self, package: Package, vm: dict[str, Any], snapshot: dict[str, Any], files: Sequence[PackageFile]
    ) -> dict[str, Any]:
        descriptor = await create_descriptor(self._session, self._moref, vm["name"], files)
        about = {
            "job": self._job.job_id,
            "vm": {"name": vm["name"], "uuid": vm["uuid"], "moref": self._moref},
            "requested_by": self._job.requested_by,
            "consistency": snapshot["consistency"],
            "created_at": datetime.now(UTC).isoformat(),
            "disks": [file.model_dump() for file in files],
        }
        names = package.finish(descriptor, list(files), about)
        size = sum(file.size for file in files)
        return {
            "package": str(package.path),
            "files": names,
            "size": size,
            "disks": [file.model_dump() for file in files],
            "detail": f"{len(names)} files, {size} bytes",
        }

    async def unmount(self, mounted: dict[str, Any]) -> dict[str, Any]:
        if self._lease is None:
            await abort_lease(self._session, mounted["lease"])
            return {"detail": "the lease ended with the process that held it"}
        await complete_lease(self._session, self._lease.moref)
        return {"detail": "export lease completed"}

    async def remove(self) -> dict[str, Any]:
        removed = await remove_snapshot(self._session, self._moref, self._job.job_id)
        return {"removed": True, "detail": "gone from the tree" if removed else "there was none to remove"}

    async def clean_up(self, vm: dict[str, Any], cause: Exception) -> None:
        """Give the lease up, drop the half package, remove the snapshot; raises SnapshotLeft when that fails."""

        async def unmount() -> dict[str, Any]:
            Package(self._backups_dir, vm["name"], self._job.job_id).discard()
            if self._lease is not None:
                await abort_lease(self._session, self._lease.moref)
            return {"detail": "given up"}

        await self._job.step(UNMOUNT, unmount, part="give up", cleanup=True)
        try:
            await self._job.step(REMOVE, self.remove, part="give up", cleanup=True)
        except VmkopsError as error:
            first = "The job was cancelled" if isinstance(cause, JobCancelled) else f"The backup failed ({cause})"
            raise SnapshotLeft(
                f"{first}, and its snapshot on {vm['name']} could not be removed: {error} "
                f"Remove the snapshot named 'vmkops {self._job.job_id}' in vCenter."
            ) from error
