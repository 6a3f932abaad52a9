"""What each step of one backup does; all that must outlive the process is in what a step returns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from service.backups.hooks import run_hook
from service.errors import (
    Conflict,
    JobCancelled,
    NotFound,
    SnapshotFailed,
    SnapshotLeft,
    VmkopsError,
)
from service.jobs.action import Context
from service.packages.folder import Package, PackageFile
from service.retry import PAUSES, retry
from service.transfer.export_lease import PATIENCE_SECONDS, ExportLease
from service.transfer.progress import TransferProgress
from service.vsphere.descriptor import create_descriptor
from service.vsphere.inventory import read_vm
from service.vsphere.nfc import open_lease
from service.vsphere.preflight import preflight
from service.vsphere.session import Session
from service.vsphere.snapshots import consolidate, remove_job_snapshot, snapshot_name, take_job_snapshot

log = logging.getLogger(__name__)

CONSOLIDATE_TRIES = 3


class BackupRun:
    """One backup under way in this process."""

    def __init__(
        self, context: Context, session: Session, job_id: str, moref: str, quiesce: str, requested_by: str
    ) -> None:
        self._settings = context.settings
        self._ledger = context.ledger
        self._copy_slots = context.copy_slots
        self._session = session
        self._job = job_id
        self._moref = moref
        self._quiesce = quiesce
        self._requested_by = requested_by
        self._disks: ExportLease | None = None

    def _package(self, vm: dict[str, Any]) -> Package:
        return Package(self._settings.backups_dir, vm["name"], self._job)

    def _leased(self, snapshot: dict[str, Any]) -> ExportLease:
        """The disks of the snapshot; they are the same all through one process."""
        if self._disks is None:
            self._disks = ExportLease(self._session, lambda: open_lease(self._session, snapshot["moref"]))
        return self._disks

    async def prepare(self) -> dict[str, Any]:
        """Look at the VM once more, decide whether to quiesce, and run the team's pre-freeze hook."""
        vm = await retry(lambda: read_vm(self._session, self._moref), seconds=PATIENCE_SECONDS)
        found = await preflight(self._session, self._moref)
        if refused := [check.message for check in found.checks if check.severity == "refuse"]:
            raise Conflict(" ".join(refused))
        running = vm.power_state == "poweredOn"
        quiesce = running and vm.tools_running and self._quiesce != "none"
        if self._quiesce == "require" and running and not vm.tools_running:
            raise SnapshotFailed(f"VMware Tools do not run in {vm.name} any more, so it cannot be quiesced.")
        if quiesce:
            detail = "VMware Tools run: the guest is asked to flush its file systems"
        elif not running:
            detail = f"the VM is {vm.power_state}: nothing to quiesce"
        else:
            asked = self._quiesce == "none"
            detail = "not asked for" if asked else "VMware Tools do not run: the backup is crash-consistent"
        plan = {
            "name": vm.name,
            "uuid": vm.uuid,
            "quiesce": quiesce,
            "running": running,
            "allocated": vm.allocated,
            "parallel": self._settings.parallel_disks,
            "turns": [f"host:{vm.host}", *(f"datastore:{each}" for each in vm.datastores)],
            "eligible": [disk.label for disk in found.disks if not disk.left_out],
            "left_out": [f"{disk.label}: {disk.left_out}" for disk in found.disks if disk.left_out],
            "detail": detail,
        }
        if self._settings.pre_freeze:
            try:
                said = await run_hook(self._settings.pre_freeze, self._hook_facts(plan))
            except SnapshotFailed:
                await self.thaw(plan)
                raise
            plan["detail"] = f"{detail}; pre-freeze hook done{f': {said}' if said else ''}"
        return plan

    async def snapshot(self, vm: dict[str, Any]) -> dict[str, Any]:
        """Take the snapshot, noted in the ledger before; without quiescing where that fails and may."""
        nonce = await self._ledger.intend(self._job, self._session.vcenter.name, self._moref, vm["name"])
        why = ""
        try:
            taken = await self._take(nonce, quiesce=vm["quiesce"])
        except SnapshotFailed as error:
            if not vm["quiesce"] or self._quiesce == "require":
                raise
            why = f" (quiescing failed: {error})"
            taken = await self._take(nonce, quiesce=False)
        await self._ledger.taken(self._job, taken.moref)
        consistency = "powered off" if not vm["running"] else "quiesced" if taken.quiesced else "crash-consistent"
        return {"moref": taken.moref, "consistency": consistency, "detail": f"{taken.name}, {consistency}{why}"}

    async def _take(self, nonce: str, *, quiesce: bool) -> Any:
        return await retry(
            lambda: take_job_snapshot(self._session, self._moref, self._job, nonce, quiesce=quiesce),
            seconds=PATIENCE_SECONDS,
        )

    async def unquiesce(self, vm: dict[str, Any], snapshot: dict[str, Any]) -> dict[str, Any]:
        """vSphere thaws the guest as the last act of its snapshot task; the team's hook runs here."""
        frozen = snapshot["consistency"] == "quiesced"
        detail = "the guest was thawed when the snapshot was done" if frozen else "the guest was not frozen"
        return {"detail": f"{detail}{(await self.thaw(vm))['detail']}"}

    async def thaw(self, vm: dict[str, Any]) -> dict[str, Any]:
        """Run the team's post-thaw hook; its failure is told, and stops nothing."""
        if not self._settings.post_thaw:
            return {"detail": ""}
        try:
            said = await run_hook(self._settings.post_thaw, self._hook_facts(vm))
            return {"detail": f"; post-thaw hook done{f': {said}' if said else ''}"}
        except SnapshotFailed as error:
            log.warning("post-thaw hook: %s", error, extra={"job": self._job})
            return {"detail": f"; {error}"}

    def _hook_facts(self, vm: dict[str, Any]) -> dict[str, str]:
        return {"name": vm["name"], "uuid": vm["uuid"], "moref": self._moref}

    async def mount(self, vm: dict[str, Any], snapshot: dict[str, Any]) -> dict[str, Any]:
        """Open the export lease."""
        lease = await self._leased(snapshot).ready()
        disks = [{"key": disk.key, "file": disk.file, "size": disk.size} for disk in lease.disks]
        missing = max(0, len(vm["eligible"]) - len(disks))
        short = f", {missing} fewer than the VM has" if missing else ""
        return {
            "lease": lease.moref,
            "disks": disks,
            "missing": missing,
            "detail": f"{len(disks)} disk(s) to read{short}",
        }

    def meter(
        self, vm: dict[str, Any], mounted: dict[str, Any], report: Callable[[int, int | None], None]
    ) -> TransferProgress:
        """Adds the disks up for the job's progress."""
        return TransferProgress(report, [disk["size"] for disk in mounted["disks"]], vm["allocated"])

    async def copy(
        self,
        vm: dict[str, Any],
        snapshot: dict[str, Any],
        mounted: dict[str, Any],
        disk: dict[str, Any],
        meter: TransferProgress,
        number: int,
    ) -> dict[str, Any]:
        """Copy one disk; raises CopyFailed when it breaks off each time, BackupDamaged when it never arrives whole."""
        package = self._package(vm)
        name = package.disk_name(disk["file"])
        async with self._copy_slots.slot(vm["turns"]):
            leased = self._leased(snapshot)
            arrived = await leased.copy(disk["key"], package.open() / name, meter, number, mounted["lease"])
        file = PackageFile(key=disk["key"], file=name, size=arrived.size, sha256=arrived.sha256)
        return {**file.model_dump(), "detail": f"{name}: {arrived.size} bytes, {arrived.compared}"}

    async def finish(
        self,
        vm: dict[str, Any],
        snapshot: dict[str, Any],
        mounted: dict[str, Any],
        copied: Sequence[dict[str, Any]],
    ) -> dict[str, Any]:
        """Write descriptor and manifest, see that all is there, and give the package its name."""
        files = [PackageFile.model_validate(file) for file in copied]
        descriptor = await retry(
            lambda: create_descriptor(self._session, self._moref, vm["name"], files), seconds=PATIENCE_SECONDS
        )
        about = {
            "job": self._job,
            "vm": {
                "name": vm["name"],
                "uuid": vm["uuid"],
                "moref": self._moref,
                "vcenter": self._session.vcenter.name,
            },
            "requested_by": self._requested_by,
            "consistency": snapshot["consistency"],
            "created_at": datetime.now(UTC).isoformat(),
            "disks": [file.model_dump() for file in files],
            "left_out": vm["left_out"],
            "missing": mounted["missing"],
        }
        package = self._package(vm)
        names = await asyncio.to_thread(package.finish, descriptor, files, about)
        size = sum(file.size for file in files)
        return {
            "package": str(package.path),
            "files": names,
            "size": size,
            "disks": [file.model_dump() for file in files],
            "missing": mounted["missing"],
            "detail": f"{len(names)} files, {size} bytes",
        }

    async def unmount(self, snapshot: dict[str, Any], mounted: dict[str, Any]) -> dict[str, Any]:
        """Say that the export is done; the package is whole by now, so trouble with the lease is told and no more."""
        return {"detail": await self._leased(snapshot).complete(mounted["lease"])}

    async def give_up(self, vm: dict[str, Any], mounted: dict[str, Any] | None) -> dict[str, Any]:
        """Drop the half package and the lease, also one that a process which died had opened."""
        await asyncio.to_thread(self._package(vm).discard)
        return {"detail": await self._leased({}).give_up(mounted["lease"] if mounted else "")}

    async def remove(self, vm: dict[str, Any], cause: Exception | None = None) -> dict[str, Any]:
        """Remove the snapshot, see that it is gone, and merge what is left; raises SnapshotLeft when it stays."""
        row = await self._ledger.row(self._job)
        if row is None:
            return {"removed": True, "consolidated": True, "detail": "none was taken"}
        try:
            removed = await retry(
                lambda: remove_job_snapshot(self._session, self._moref, self._job, row.nonce), seconds=PATIENCE_SECONDS
            )
            await self._ledger.removed(self._job)
        except NotFound:
            await self._ledger.removed(self._job)
            return {"removed": True, "consolidated": True, "detail": "the VM is gone, and its snapshots with it"}
        except VmkopsError as error:
            await self._ledger.trouble(self._job, str(error))
            raise SnapshotLeft(_left(vm["name"], self._job, cause, error)) from error
        gone = "gone from the tree" if removed else "there was none to remove"
        try:
            merged = await self._merge()
        except VmkopsError as error:
            return {"removed": True, "consolidated": False, "detail": f"{gone}, but not consolidated: {error}"}
        detail = gone if merged else f"{gone}, but vSphere still asks for consolidation: do it in vCenter"
        return {"removed": True, "consolidated": merged, "detail": detail}

    async def _merge(self) -> bool:
        for attempt in range(CONSOLIDATE_TRIES):
            if await retry(lambda: consolidate(self._session, self._moref), seconds=PATIENCE_SECONDS):
                return True
            await asyncio.sleep(PAUSES[attempt])
        return False


def _left(vm: str, job: str, cause: Exception | None, error: VmkopsError) -> str:
    first = ""
    if isinstance(cause, JobCancelled):
        first = "The job was cancelled, and its"
    elif cause is not None:
        first = f"The backup failed ({cause}), and its"
    subject = f"{first or 'The'} snapshot {snapshot_name(job)!r} on {vm} could not be removed: {error}"
    return f"{subject} vmkops tries again by itself; until then the VM grows a delta disk."
