"""Replaces the disks of an existing VM with those of a backup; a snapshot taken before brings the old ones back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict

from service.actions._deploy import REMOVE
from service.actions._disks import (
    BRING,
    BroughtDisk,
    DiskBringer,
    failed,
    origin_checks,
    placeless_checks,
    room_checks,
)
from service.actions._from_backup import BackupParams, backup_checks, read_backup
from service.actions._targeted import CHECK, NOTHING_FOUND, info, refuse, warn, warnings
from service.actions._vm import vm_checks
from service.api.models import Check
from service.api.units import when
from service.api.words import vsphere_words
from service.backups.catalogue import KeptBackup
from service.backups.described import read_described
from service.backups.removal import RESTORE, Removal
from service.errors import BackupDamaged, Conflict, NotFound, RestoreFailed, VmkopsError, VSphereUnavailable
from service.jobs.action import Context, JobControl, StepResult
from service.packages.descriptor import PackageDisk
from service.store.snapshot_ledger import LedgerRow
from service.vsphere.beside import place_beside
from service.vsphere.disk_changes import NewDisk, swap_disks, why_no_place
from service.vsphere.disks import Disks, read_disks
from service.vsphere.preflight import preflight
from service.vsphere.selectors import exact_selector
from service.vsphere.session import Session
from service.vsphere.snapshots import find_job_snapshot, revert_to, safety_name, take_job_snapshot
from service.vsphere.vms import VmState, read_state

SNAPSHOT, SWAP = "safety snapshot", "swap the disks"
ONTO_STEPS = (CHECK, *BRING, SNAPSHOT, SWAP, REMOVE)
COVERED = {"template", "not-connected", "task-running", "no-disk", "disk-left-out"}
"""Rules of the pre-flight of a snapshot that are checked here, or that concern disks that stay."""


class Replacement(BaseModel):
    """A disk of the backup (`number`, `place`), and the key of the disk of the VM that it replaces, if there is one."""

    model_config = ConfigDict(frozen=True)

    number: int
    place: str
    replaces: int | None


class OntoPlan(StepResult):
    """The VM as the first step saw it, and which disks are replaced or added."""

    name: str
    disks: list[Replacement]


class SafetyTaken(StepResult):
    """The moref of the snapshot to go back to."""

    snapshot: str


def plan_disks(backup: Sequence[PackageDisk], vm: Disks) -> list[Replacement]:
    """Match the disks of a backup with those of a VM by controller and unit; pure."""
    plan = []
    for disk in backup:
        present = vm.at(disk.place)
        plan.append(
            Replacement(number=disk.number, place=disk.place, replaces=present.key if present is not None else None)
        )
    return plan


def disk_checks(backup: Sequence[PackageDisk], vm: Disks) -> Iterator[Check]:
    """For each disk of the backup and of the VM what becomes of it; pure."""
    for disk in backup:
        name = f"disk {disk.number} of the backup ({disk.file}, {disk.place})"
        present = vm.at(disk.place)
        if present is None and (why := why_no_place(vm, disk.place)):
            yield refuse("no-place", f"{name[0].upper()}{name[1:]} cannot be attached there: {why}.")
        elif present is None:
            yield info("disk-added", f"Adds {name}. The VM has no disk there.")
        elif present.why_not_replaced:
            yield refuse(
                "disk",
                f"{present.label} ({present.file}) cannot be replaced: {present.why_not_replaced}. Restore the backup "
                "as a new VM instead.",
            )
        else:
            yield info("disk-replaced", f"Replaces {present.label} ({present.file}) with {name}.")
    places = {disk.place for disk in backup}
    if not any(present.place in places for present in vm.disks):
        yield refuse(
            "nothing-replaced",
            "The VM has no disk where a disk of the backup was, so nothing would be replaced. Restore the backup as a "
            "new VM, or attach its disks with restore-disk.",
        )
    for present in vm.disks:
        if present.place not in places:
            message = f"Stays as it is: {present.label} ({present.file}, {present.place}). The backup does not have it."
            yield warn("disk-stays", message)


async def onto_checks(context: Context, session: Session, moref: str, kept: KeptBackup) -> tuple[VmState, list[Check]]:
    """The VM now, and what a restore of the backup onto it would do, lose, and what prevents it."""
    vm = await read_state(session, moref)
    found = [info("vm", f"{vm.name} in the vCenter {vm.vcenter} keeps its UUIDs, MAC addresses, networks and folder.")]
    found += origin_checks(context, kept, vm, lost=True)
    found += vm_checks(vm, for_snapshot=True)
    if vm.power_state != "poweredOff":
        found.append(
            refuse(
                "power",
                f"{vm.name} is {vsphere_words(vm.power_state)}. Its disks can be replaced only while it is off: use "
                "guest-shutdown or power-off first.",
            )
        )
    safety = await preflight(session, moref, kept=True)
    found += [check for check in safety.checks if check.rule not in COVERED]
    if vm.snapshots:
        found.append(
            warn(
                "other-snapshots",
                f"The other snapshots of {vm.name} keep the old disks: a revert to one of them brings back the disks "
                "of that time.",
            )
        )
    found += await backup_checks(context, kept)
    if not any(check.severity == "refuse" for check in found):
        try:
            disks = (await read_described(context.workers, kept)).outline.disks
        except BackupDamaged as error:
            return vm, [*found, refuse("backup-damaged", str(error))]
        if placeless := placeless_checks(disks):
            return vm, [*found, *placeless]
        place = await place_beside(session, moref, [])
        found += [*disk_checks(disks, await read_disks(session, moref)), *room_checks(place, kept, disks)]
        made = f" ({when(kept.created_at)})" if kept.created_at else ""
        found.append(
            warn("lost", f"What was written to the replaced disks of {vm.name} since the backup{made} is not on them.")
        )
        found.append(
            info(
                "safety",
                f"vmkops takes the snapshot {safety_name('JOB')!r} before it replaces the disks, and keeps it, so that "
                "you can go back. Its files take up space until you remove it.",
            )
        )
    return vm, found


class OntoRun:
    """The restore of a backup onto one VM, for one job in this process."""

    def __init__(self, context: Context, job: JobControl, params: BackupParams, onto: str) -> None:
        self._session, self._vm = context.vcenters.at(onto)
        self._context = context
        self._job = job
        self._backup = params.backup
        self._bringer = DiskBringer(context, job, self._session, self._vm, params.backup)
        self._removal = Removal(context.ledger, self._session, self._vm, job.job_id, RESTORE)

    async def run(self) -> dict[str, Any]:
        """Replace the disks; whatever fails, the VM has its old disks and nothing is left.

        The result has `vm` (moref and name), `backup`, `disks` (number, name, place, file), `snapshot` (a moref), and
        `go_back` and `keep_the_new_disks`, the commands for one and the other.
        """
        job = self._job
        plan = await job.step_as(OntoPlan, CHECK, self._check)
        made = await self._bringer.send(plan.name, [disk.number for disk in plan.disks])
        try:
            brought = await self._bringer.move(made["vm"]["moref"], plan.name)
            taken = await job.step_as(SafetyTaken, SNAPSHOT, partial(self._snapshot, plan))
            await job.step_as(StepResult, SWAP, partial(self._swap, plan, brought, taken))
        except Exception as error:
            await job.step_as(StepResult, REMOVE, partial(self._undo, plan, error), part="undo", cleanup=True)
            raise
        await self._bringer.settle()
        await self._bringer.remove_temporary(f"The disks of {plan.name} are replaced.")
        back, keep = self._commands(taken.snapshot)
        return {
            "vm": {"moref": self._vm, "name": plan.name},
            "backup": self._backup,
            "disks": [
                {"number": disk.number, "name": disk.name, "place": disk.place, "file": disk.target} for disk in brought
            ],
            "snapshot": taken.snapshot,
            "go_back": back,
            "keep_the_new_disks": keep,
        }

    async def _check(self) -> OntoPlan:
        kept = await read_backup(self._context, self._backup)
        vm, found = await onto_checks(self._context, self._session, self._vm, kept)
        if refused := [each.message for each in found if each.severity == "refuse"]:
            raise Conflict(" ".join(refused))
        disks = (await read_described(self._context.workers, kept)).outline.disks
        plan = plan_disks(disks, await read_disks(self._session, self._vm))
        return OntoPlan(name=vm.name, disks=plan, detail=warnings(found) or NOTHING_FOUND)

    async def _snapshot(self, plan: OntoPlan) -> SafetyTaken:
        job, ledger = self._job.job_id, self._context.ledger
        nonce = await ledger.intend(job, self._session.vcenter.name, self._vm, plan.name)
        taken = await take_job_snapshot(self._session, self._vm, job, nonce, quiesce=False, safety=True)
        await ledger.taken(job, taken.moref)
        return SafetyTaken(snapshot=taken.moref, detail=f"{taken.moref}: {taken.name}")

    async def _swap(self, plan: OntoPlan, brought: Sequence[BroughtDisk], taken: SafetyTaken) -> StepResult:
        row = await self._row()
        if row is None or await self._safety(row) is None:
            raise RestoreFailed(f"Somebody removed the snapshot {taken.snapshot} meanwhile. Start the action again.")
        # From here on, the way back must outlive the job, whatever becomes of it.
        await self._context.ledger.keep(self._job.job_id)
        by_number = {disk.number: disk for disk in brought}
        new = [
            NewDisk(
                file=by_number[each.number].target,
                capacity=by_number[each.number].capacity,
                place=each.place,
                replaces=each.replaces,
            )
            for each in plan.disks
        ]
        await swap_disks(self._session, self._vm, plan.name, new)
        back, keep = self._commands(taken.snapshot)
        return StepResult(detail=f"Replaced. To go back: `{back}`. To keep the new disks and free the space: `{keep}`")

    async def _undo(self, plan: OntoPlan, cause: Exception) -> StepResult:
        """Give the VM its old disks again, and remove what the job made."""
        try:
            reverted = await self._revert(plan, cause)
        except NotFound:
            return await self._bringer.leave()
        except VmkopsError as error:
            await self._bringer.stays()  # it may have them: a repetition that finds out otherwise deletes them
            if error.retryable:
                raise
            with contextlib.suppress(VmkopsError):  # it has no disks any more; the sweep tries again
                await self._bringer.remove()
            raise
        left = await self._bringer.discard()
        if await self._row() is not None:
            await self._context.ledger.release(self._job.job_id)
            await self._removal.remove(plan.name, cause)
        if left:
            raise failed("The restore", cause, left)
        return StepResult(detail="The VM was reverted to its old disks." if reverted else "The VM has its old disks.")

    async def _revert(self, plan: OntoPlan, cause: Exception) -> bool:
        """Revert the VM to the snapshot if it has new disks; False when it has none. Raises RestoreFailed."""
        files = self._bringer.files
        state = await read_state(self._session, self._vm)
        if not (await read_disks(self._session, self._vm)).using(files):
            return False
        row = await self._row()
        safety = await self._safety(row) if row else None
        why = "the snapshot is gone"
        if safety is not None:
            try:
                await revert_to(
                    self._session, self._vm, safety.moref, power_on=False, since=state.at, progress=self._job.percent
                )
                why = "it has a new disk all the same"
            except VSphereUnavailable:
                raise
            except VmkopsError as error:
                why = str(error)
        if not (await read_disks(self._session, self._vm)).using(files):
            return True
        back = f" Go back with `{self._commands(safety.moref)[0]}`." if safety is not None else ""
        raise RestoreFailed(
            f"The restore failed ({cause}) while the disks of {plan.name} were replaced, and the VM could not be "
            f"reverted to the snapshot {safety_name(self._job.job_id)!r}: {why} The snapshot stays.{back}"
        )

    async def _row(self) -> LedgerRow | None:
        return await self._context.ledger.row(self._job.job_id)

    async def _safety(self, row: LedgerRow) -> Any:
        return await find_job_snapshot(self._session, self._vm, row.job, row.nonce, row.moref)

    def _commands(self, snapshot: str) -> tuple[str, str]:
        """The commands that go back, and that make the new disks final."""
        selector = exact_selector(self._session.vcenter.name, snapshot).replace("moref:", "", 1)
        return f"vmkops action snapshot-revert {selector}", f"vmkops action snapshot-remove {selector}"
