"""What each step of a backup does; whatever must outlive the process is in what a step returns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from service.api.units import amount
from service.api.words import counted, vsphere_words
from service.backups.hooks import run_hook, run_post_thaw
from service.backups.plan import BackupPlan, PackageWritten, SnapshotRemoved, SnapshotTaken
from service.backups.removal import Removal
from service.backups.room_guard import RoomGuard
from service.backups.saving import SavedFile, Saving, recorded, totals
from service.backups.size import expected_time, window_check
from service.backups.turn import Turn, turn_keys
from service.errors import Conflict, HookFailed, SnapshotFailed, VmkopsError
from service.jobs.action import Context, JobControl, StepResult
from service.packages.beside import keep_beside
from service.packages.folder import CopiedFile, Package
from service.retry import retry
from service.saving.store import find_profile
from service.transfer.export_lease import RETRY_SECONDS, ExportLease, OpenedLease
from service.vsphere.descriptor import create_descriptor
from service.vsphere.host_probe import probe_host
from service.vsphere.inventory import Vm, read_vm
from service.vsphere.nfc import open_lease
from service.vsphere.preflight import Preflight, preflight
from service.vsphere.room import read_room, room_checks
from service.vsphere.selectors import read_exact
from service.vsphere.session import Session
from service.vsphere.snapshots import Snapshot, take_job_snapshot


class BackupRun:
    """The backup of one VM (a moref) in this process, for one job.

    `until` is the end of its window, or empty, and `save` the save profile that its disks go to, or empty.
    """

    def __init__(
        self,
        context: Context,
        session: Session,
        job: JobControl,
        moref: str,
        quiesce: str,
        until: str = "",
        save: str = "",
        package: Callable[[str], Package] | None = None,
    ) -> None:
        """`package` gives the package to write, from the name of the VM; by default a kept backup."""
        self._settings = context.settings
        self._signer = context.signer
        self._ledger = context.ledger
        self._leases = context.leases
        self._removal = Removal(context.ledger, session, moref, job.job_id)
        self._turn = Turn(context, session, job)
        self._guard = RoomGuard(session, moref, context.settings.delta_room, job.grown)
        self._copy_rates = context.copy_rates
        self._session = session
        self._job = job
        self._moref = moref
        self._quiesce = quiesce
        self._until = until
        self._save = save
        self._lease: ExportLease | None = None
        self._package_of = package or partial(Package, self._settings.backups_dir, job_id=job.job_id)

    async def prepare(self) -> BackupPlan:
        """Check the VM again, wait for the turn, decide whether to quiesce the VM, and run the hook before the freeze.

        The turn comes before all that lasts: a snapshot would grow meanwhile, and the hook may freeze the guest.
        """
        parallel = min(self._settings.parallel_disks, self._settings.max_copies)
        while True:
            vm, found = await self._look()
            eligible = [disk.label for disk in found.disks if not disk.left_out]
            turns = turn_keys(vm)
            if not await self._turn.take(turns, min(parallel, len(eligible))):
                break  # after a wait, the VM may have changed: look again
        if self._save:
            find_profile(self._settings, self._save)  # it may have been removed since the job was queued
        await self._check_window(vm, min(parallel, len(eligible)))
        quiesce, detail = self._decide(vm)
        plan = BackupPlan(
            name=vm.name,
            uuid=vm.uuid,
            instance_uuid=vm.instance_uuid,
            quiesce=quiesce,
            running=vm.power_state == "poweredOn",
            allocated=vm.allocated,
            parallel=parallel,
            turns=turns,
            eligible=eligible,
            left_out=[f"{disk.label}: {disk.left_out}" for disk in found.disks if disk.left_out],
            save=self._save,
            detail=detail,
        )
        if self._settings.pre_freeze:
            try:
                output = await run_hook(self._settings.pre_freeze, self._hook_facts(plan))
            except HookFailed:
                await self.thaw(plan)
                raise
            detail += f"; pre-freeze hook done{f': {output}' if output else ''}"
        return plan.model_copy(update={"detail": detail})

    async def _look(self) -> tuple[Vm, Preflight]:
        """The VM as it is now, and its pre-flight; raises Conflict when that refuses.

        What an earlier backup left to merge is merged first. Raises ConsolidationFailed when that is still impossible.
        """
        await self._removal.merge_earlier(self._job.say)
        vm = await retry(lambda: read_vm(self._session, self._moref), seconds=RETRY_SECONDS)
        found = await preflight(self._session, self._moref)
        rooms = await read_room(self._session, self._moref, refresh=True)
        probed = await probe_host(self._session, self._moref)
        checks = [*found.checks, *room_checks(rooms, self._settings.delta_room), *probed]
        if refused := [check.message for check in checks if check.severity == "refuse"]:
            raise Conflict(" ".join(refused))
        return vm, found

    async def _check_window(self, vm: Vm, disks: int) -> None:
        """Raise Conflict when the backup can no longer end in its window: the wait for the turn took some of it."""
        rate = await self._copy_rates.rate(vm.vcenter, vm.host, vm.datastores)
        found = window_check(self._until, expected_time(vm.allocated, rate, disks), datetime.now(UTC))
        if refused := [check.message for check in found if check.severity == "refuse"]:
            raise Conflict(" ".join(refused))

    async def _take_turn(self, plan: BackupPlan) -> None:
        """Hold the turn in this process; a job that an earlier process began has kept its place."""
        await self._turn.take(plan.turns, min(plan.parallel, len(plan.eligible)))

    async def release_turn(self) -> None:
        """Let the next backups begin: the copy has ended."""
        await self._turn.release()

    def _decide(self, vm: Vm) -> tuple[bool, str]:
        """Whether to quiesce the VM, and why."""
        if vm.power_state != "poweredOn":
            return False, f"the VM is {vsphere_words(vm.power_state)}: nothing to quiesce"
        if self._quiesce == "none":
            return False, "not asked for: the copy is crash-consistent"
        if vm.tools_running:
            return True, "VMware Tools are running: the guest is asked to flush its file systems"
        if self._quiesce == "require":
            raise SnapshotFailed(
                f"VMware Tools no longer run in {vm.name}, so it cannot be quiesced. Start them, or ask for "
                "quiesce=prefer."
            )
        return False, "VMware Tools are not running: the copy is crash-consistent"

    async def snapshot(self, plan: BackupPlan) -> SnapshotTaken:
        """Take the snapshot, with a ledger row before it; without quiescing when that fails and is not required."""
        await self._take_turn(plan)
        nonce = await self._ledger.intend(self._job.job_id, self._session.vcenter.name, self._moref, plan.name)
        note = ""
        try:
            taken = await self._take(nonce, quiesce=plan.quiesce)
        except SnapshotFailed as error:
            if not plan.quiesce or self._quiesce == "require":
                raise
            note = f" (quiescing failed: {error})"
            taken = await self._take(nonce, quiesce=False)
        await self._ledger.taken(self._job.job_id, taken.moref)
        consistency = "powered off" if not plan.running else "quiesced" if taken.quiesced else "crash-consistent"
        return SnapshotTaken(moref=taken.moref, consistency=consistency, detail=f"{taken.name}, {consistency}{note}")

    async def _take(self, nonce: str, *, quiesce: bool) -> Snapshot:
        return await retry(
            lambda: take_job_snapshot(self._session, self._moref, self._job.job_id, nonce, quiesce=quiesce),
            seconds=RETRY_SECONDS,
        )

    async def unquiesce(self, plan: BackupPlan, taken: SnapshotTaken) -> StepResult:
        """Run the hook after the thaw; vSphere itself thaws the guest at the end of its snapshot task."""
        frozen = taken.consistency == "quiesced"
        detail = "the guest was thawed when the snapshot was complete" if frozen else "the guest was not frozen"
        hook = (await self.thaw(plan)).detail
        return StepResult(detail=f"{detail}; {hook}" if hook else detail)

    async def thaw(self, plan: BackupPlan) -> StepResult:
        """Run the hook after the thaw, when one is set; its failure is reported and stops nothing."""
        command = self._settings.post_thaw
        return StepResult(detail=await run_post_thaw(command, self._hook_facts(plan)) if command else "")

    def _hook_facts(self, plan: BackupPlan) -> dict[str, str]:
        vcenter = self._session.vcenter.name
        return {"name": plan.name, "uuid": plan.uuid, "moref": self._moref, "vcenter": vcenter}

    async def mount(self, plan: BackupPlan, taken: SnapshotTaken) -> OpenedLease:
        """Open the export lease on the snapshot."""
        await self._take_turn(plan)
        return await self._export(taken.moref).open(len(plan.eligible))

    def measure(self, plan: BackupPlan, taken: SnapshotTaken, opened: OpenedLease) -> ExportLease:
        """Start the job's progress over the disks; returns the lease, which counts them."""
        lease = self._export(taken.moref)
        lease.measure(opened, plan.allocated)
        return lease

    async def copy(self, plan: BackupPlan, taken: SnapshotTaken, opened: OpenedLease, number: int) -> CopiedFile:
        """Copy one disk.

        Raises CopyFailed, BackupDamaged when the disk never arrives as the host sent it, DiskRefused when it is not a
        VMDK, and DatastoreLow when the delta disk of the snapshot leaves too little room on a datastore.
        """
        package, disk = self._package(plan), opened.disks[number]
        name = package.disk_name(disk.file)
        await self._take_turn(plan)
        began = time.monotonic()
        copying = self._export(taken.moref).copy(opened, number, package.open() / name)
        copied = await self._guard.beside(copying, taken.moref)
        await self._measured(plan, copied.size, time.monotonic() - began)
        return CopiedFile(
            key=disk.key,
            file=name,
            size=copied.size,
            sha256=copied.sha256,
            detail=f"{name}: {amount(copied.size)}, {copied.compared}",
        )

    async def save(self, plan: BackupPlan, taken: SnapshotTaken, opened: OpenedLease, number: int) -> SavedFile:
        """Save one disk with the save profile of the plan; raises SaveFailed, and what `copy` raises."""
        await self._take_turn(plan)
        began = time.monotonic()
        saved = await self._saving(plan).save(
            plan,
            self._export(taken.moref),
            opened,
            number,
            self._package(plan).disk_name(opened.disks[number].file),
            lambda copying: self._guard.beside(copying, taken.moref),
        )
        await self._measured(plan, saved.size, time.monotonic() - began)
        return saved

    def _saving(self, plan: BackupPlan) -> Saving:
        return Saving(self._settings, plan.save, self._job, self._hook_facts(plan))

    async def _measured(self, plan: BackupPlan, size: int, seconds: float) -> None:
        """Keep how long one disk took, for the sizes of later backups."""
        found: dict[str, list[str]] = {"host": [], "datastore": []}
        for key in plan.turns:
            kind, _, place = key.partition(":")
            found.setdefault(kind, []).append(read_exact(place).moref)
        vcenter, hosts = self._session.vcenter.name, found["host"]
        await self._copy_rates.record(vcenter, hosts[0] if hosts else "", found["datastore"], size, seconds)

    async def finish(
        self, plan: BackupPlan, taken: SnapshotTaken, opened: OpenedLease, files: Sequence[CopiedFile]
    ) -> PackageWritten:
        """Write descriptor, manifest and `backup.json`, check that every disk is there, and publish the package.

        Of disks that were saved with a save profile, `backup.json` has the archives in the store.
        """
        package, lease = self._package(plan), self._export(taken.moref)
        beside = await keep_beside(self._session, self._moref, taken.moref, package, partial(lease.copy_nvram, opened))
        described = [*files, *beside.described]
        descriptor = await retry(
            lambda: create_descriptor(self._session, self._moref, plan.name, described, snapshot=taken.moref),
            seconds=RETRY_SECONDS,
        )
        in_store = [file for file in files if isinstance(file, SavedFile)]
        saved = await self._saving(plan).settle(in_store) if in_store else None
        disks = [recorded(file) for file in files]
        vm = {
            "name": plan.name,
            "uuid": plan.uuid,
            "instance_uuid": plan.instance_uuid,
            "moref": self._moref,
            "vcenter": self._session.vcenter.name,
        }
        record = {
            "job": self._job.job_id,
            "vm": vm,
            "requested_by": self._job.requested_by,
            "token": self._job.token,
            "consistency": taken.consistency,
            "created_at": datetime.now(UTC).isoformat(),
            "disks": disks,
            "left_out": plan.left_out,
            "missing": opened.missing,
            "beside": [file.model_dump(exclude={"detail"}) for file in beside.files],
        }
        if saved is not None:
            record["saved"] = saved.model_dump(mode="json")
        here = [file for file in files if not isinstance(file, SavedFile)]
        names = await asyncio.to_thread(package.finish, descriptor, [*here, *beside.files], record, self._signer)
        size, total = sum(disk["size"] for disk in disks), totals(in_store)
        in_words = total.words(saved.profile) if saved else f"{counted(len(names), 'file')}, {amount(size)}"
        return PackageWritten.model_validate(
            {
                "package": str(package.path),
                "files": names,
                "size": size,
                "disks": disks,
                "missing": opened.missing,
                "warnings": beside.warnings,
                "saved_with": saved.profile if saved else "",
                "added_bytes": total.added if saved else None,
                "deduplication": total.ratio if saved else None,
                "detail": " ".join([f"{in_words}.", *beside.warnings]).removesuffix("."),
            }
        )

    async def unmount(self, taken: SnapshotTaken, opened: OpenedLease) -> StepResult:
        """Complete the lease; the package is complete by now, so a failure is only reported."""
        return StepResult(detail=await self._export(taken.moref).complete(opened))

    async def give_up(self, plan: BackupPlan, opened: OpenedLease | None) -> StepResult:
        """Discard the incomplete package and abort the lease, also one that a process which died had opened."""
        await asyncio.to_thread(self._package(plan).discard)
        detail = await self._export("").give_up(opened)
        if plan.save and opened is not None:
            detail = "; ".join(filter(None, [detail, await self._give_up_saves(plan)]))
        return StepResult(detail=detail)

    async def _give_up_saves(self, plan: BackupPlan) -> str:
        try:
            return await self._saving(plan).give_up()
        except VmkopsError as error:  # the profile is no longer set
            return str(error)

    async def remove(self, plan: BackupPlan, cause: Exception | None = None) -> SnapshotRemoved:
        """Remove the snapshot and merge its disks; see `Removal.remove`."""
        return await self._removal.remove(plan.name, cause)

    def _package(self, plan: BackupPlan) -> Package:
        return self._package_of(plan.name)

    def _export(self, snapshot: str) -> ExportLease:
        """The export of the snapshot (a moref), one for each process."""
        if self._lease is None:
            opening = partial(open_lease, self._session, snapshot)
            keep = self._settings.keep_free_bytes
            record = self._leases.of_job(self._job.job_id, self._session.vcenter.name)
            self._lease = ExportLease(self._session, opening, self._job.report, keep, record)
        return self._lease
