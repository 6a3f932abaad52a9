"""Verifies a kept backup: reads every byte of it again and stores the verdict with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from knowledge.runs.marks import attributed
from service.actions._from_backup import BackupParams, read_backup
from service.actions._targeted import info, refuse
from service.api.models import ActionClass, Check
from service.api.units import amount, when
from service.backups.catalogue import KeptBackup, Verdict
from service.backups.lock import locked
from service.backups.signatures import check_signatures
from service.backups.stored import facts_of, read_checks, store_of
from service.backups.verify import CheckedDescriptor, check_hashes, check_saved, files_of, write_verdict
from service.backups.vm_choice import find_backup, origin, shown_vm
from service.errors import BackupDamaged, Conflict, SaveFailed
from service.jobs.action import Action, Context, JobControl, StepResult, Target
from service.packages.contents import CHECK_IN_THE_SHELL
from service.saving.reader import hash_saved
from service.saving.store import SavedDisk
from service.transfer.checksum import hash_file

READ, DESCRIPTOR, VERDICT = "read every file", "follow the descriptor", "keep the verdict"


class VerifyBackup(BackupParams):
    """Which backup to verify."""


class ToVerify(KeptBackup, StepResult):
    """The backup, and the names of the files to read."""

    files: list[str]


class FileRead(StepResult):
    """A file that was read: its bytes, and its SHA-256 in hex, which is empty when it could not be read."""

    size: int
    sha256: str


class DescriptorChecked(StepResult):
    """What is wrong with the descriptor, in sentences."""

    problems: list[str]
    warnings: list[str]


class VerdictWritten(Verdict, StepResult):
    """The verdict as it is stored with the backup."""


class Verify(Action):
    """Computes the checksums again, compares them, and checks what the descriptor refers to."""

    name = "verify-backup"
    summary = "Read every byte of a kept backup again and report whether it is as it was written."
    action_class = ActionClass.READ
    steps = (READ, DESCRIPTOR, VERDICT)
    params = VerifyBackup

    async def pinned(self, context: Context, params: VerifyBackup) -> VerifyBackup:
        """See `Action.pinned`."""
        return await params.pinned(context)

    async def target(self, context: Context, params: VerifyBackup) -> Target:
        """The backup as it is now; raises NotFound. A broken one is refused, because files of it are missing."""
        kept, vcenters = await read_backup(context, params.backup), context.vcenters.names()
        return Target(
            key=f"backup:{kept.id}",
            name=f"{shown_vm(kept, vcenters)} {kept.id}",
            params={"backup": kept.id},
            checks=(info("backup-from", origin(kept, vcenters)), *_checks(kept), *_store_checks(context, kept)),
        )

    async def run(self, context: Context, job: JobControl, params: VerifyBackup) -> dict[str, Any]:
        """Read file by file, then decide; raises BackupDamaged once the verdict is stored."""
        size, hashes = 0, {}
        kept = await job.step_as(ToVerify, READ, partial(_find, context.settings.backups_dir, params.backup))
        folder = Path(kept.path)
        with locked(folder):
            for name in kept.files:
                read = partial(_read, folder / name, size, kept.size, job)
                file = await job.step_as(FileRead, READ, read, part=name, interruptible=True)
                hashes[name] = file.sha256
                size += file.size
            for disk in kept.saved.disks if kept.saved else []:
                read = partial(_read_saved, context, kept, disk, size, job)
                file = await job.step_as(FileRead, READ, read, part=disk.path, interruptible=True)
                hashes[disk.path] = file.sha256
                size += file.size
            checked = await job.step_as(DescriptorChecked, DESCRIPTOR, partial(_check_descriptor, context, kept))
            verdict = await job.step_as(VerdictWritten, VERDICT, partial(_decide, context, kept, hashes, checked, job))
        if verdict.verdict != "good":
            problems = " ".join(verdict.problems)
            raise BackupDamaged(f"The backup {kept.id} of {kept.vm.name} is damaged. {problems}")
        return {"backup": kept.id, "vm": kept.vm.name, "size": size, **verdict.model_dump(mode="json")}


ACTION = Verify()


async def _find(backups_dir: Path, backup: str) -> ToVerify:
    kept = await asyncio.to_thread(find_backup, backups_dir, backup)
    if kept.state == "broken":
        raise Conflict(f"The backup {kept.id} is broken: {kept.reason}")
    return ToVerify(**dict(kept), files=await asyncio.to_thread(files_of, kept))


async def _read(path: Path, before: int, total: int, job: JobControl) -> FileRead:
    try:
        size, sha256 = await hash_file(path, lambda done: job.report(before + done, max(total, before + done)))
    except OSError as error:
        return FileRead(size=0, sha256="", detail=f"{path.name}: {error.strerror}")
    return FileRead(size=size, sha256=sha256, detail=f"{path.name}: {amount(size)}")


async def _read_saved(context: Context, kept: KeptBackup, disk: SavedDisk, before: int, job: JobControl) -> FileRead:
    """Read one disk back from its store; raises SaveFailed when the store cannot be asked at all."""
    assert kept.saved is not None
    store = store_of(context.settings, kept.saved)
    listed = await store.archives(kept.id)
    if listed is not None and disk.archive not in listed:
        return FileRead(size=0, sha256="", detail=f"{disk.path}: the store no longer has {disk.archive}")

    def progress(done: int) -> None:
        job.report(before + done, max(kept.size, before + done))

    try:
        size, sha256 = await hash_saved(store, disk, facts_of(kept, disk), progress)
    except SaveFailed as error:
        if listed is None:
            raise
        return FileRead(size=0, sha256="", detail=str(error))
    return FileRead(size=size, sha256=sha256, detail=f"{disk.path}: {amount(size)} from the store")


async def _check_descriptor(context: Context, kept: KeptBackup) -> DescriptorChecked:
    if not kept.whole_vm:
        return DescriptorChecked(problems=[], warnings=[], detail="a backup of files has none")
    elsewhere = [disk.file for disk in kept.disks] if kept.saved else []
    problems, warnings = await context.workers.run(
        "check_descriptor", CheckedDescriptor, folder=kept.path, elsewhere=elsewhere, advice=CHECK_IN_THE_SHELL
    )
    return DescriptorChecked(problems=problems, warnings=warnings, detail=" ".join([*problems, *warnings]))


async def _decide(
    context: Context, kept: ToVerify, hashes: Mapping[str, str], checked: DescriptorChecked, job: JobControl
) -> VerdictWritten:
    files = {name: digest for name, digest in hashes.items() if name in kept.files}
    wrong = [*await asyncio.to_thread(check_hashes, kept, files), *check_saved(kept, hashes)]
    required = context.settings.require_signatures
    unsigned, warnings = await asyncio.to_thread(partial(check_signatures, kept, context.signer, required=required))
    verdict = Verdict(
        verdict="damaged" if wrong or unsigned or checked.problems else "good",
        verified_at=datetime.now(UTC),
        verified_by=job.requested_by,
        token=job.token,
        job=job.job_id,
        problems=[*unsigned, *wrong, *checked.problems],
        warnings=[*warnings, *checked.warnings],
    )
    await asyncio.to_thread(write_verdict, Path(kept.path), verdict)
    return VerdictWritten(**dict(verdict), detail=f"the backup is {verdict.verdict}")


def _store_checks(context: Context, kept: KeptBackup) -> list[Check]:
    return read_checks(context.settings, kept.saved) if kept.saved and kept.state != "broken" else []


def _checks(kept: KeptBackup) -> list[Check]:
    if kept.state == "broken":
        return [refuse("backup-broken", f"The backup is broken: {kept.reason}")]
    checks = [info("bytes", f"{amount(kept.size)} are read.")]
    if kept.verified:
        last = kept.verified
        by = attributed(last.verified_by, last.token)
        message = f"It was verified on {when(last.verified_at)} by {by}: {last.verdict}."
        checks.append(info("verified-before", message))
    return checks
