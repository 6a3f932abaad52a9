"""Fetches a backup from a copy target into the kept backups, with the checks of `vmkops backups adopt`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from service.actions._snapshot_copy import GIVE_UP
from service.actions._targeted import info, refuse
from service.api.models import ActionClass
from service.api.units import amount
from service.backups.adopt import Adoption
from service.backups.catalogue import KeptFile, read_catalogue
from service.copies.fetched import Fetched, names_of_copy, small_files
from service.copies.held import ID
from service.copies.records import note_copy
from service.copies.store import CopyStore, find_target
from service.errors import BackupDamaged, Conflict, TargetFailed, VmkopsError
from service.jobs.action import Action, Context, JobControl, Params, StepResult, Target
from service.transfer.disk_space import require_space

LOOK, FETCH, KEEP = "look at the copy", "fetch", "check and keep"


class FetchBackup(Params):
    """Which backup to fetch, and from where."""

    backup: str = Field(
        pattern=f"^{ID.pattern}$",
        examples=["046f3e7e01bdc7c1"],
        description="The id of the backup, as `vmkops backups --target NAME` lists it.",
    )
    source: str = Field(
        min_length=1,
        max_length=63,
        examples=["offsite"],
        description="The copy target that has it: the name of a table [copy.NAME] in the settings of the service.",
    )


class Listed(StepResult):
    """The disks and other files to fetch, as the signed record lists them, and the name of the VM."""

    files: list[KeptFile]
    vm: str


class Fetch(Action):
    """The files go to a folder that no list shows; it gets its name when all are there and fit the signed manifest.

    After that the backup is whole, so a failure that comes later leaves it and says so.
    """

    name = "fetch-backup"
    summary = "Fetch a backup from a copy target, so that it is a kept backup again."
    action_class = ActionClass.SAFE
    label = "Fetch {target}"
    steps = (LOOK, FETCH, KEEP)
    params = FetchBackup

    async def target(self, context: Context, params: FetchBackup) -> Target:
        """What prevents the fetch as far as the settings and the kept backups say; raises InvalidParams."""
        source = find_target(context.settings, params.source)
        checks = [info("fetch-from", f"The backup comes from the copy target {source.name} ({source.where}).")]
        found = await CopyStore(source).checks(context.settings.data_dir)
        checks += [each for each in found if each.severity == "refuse"]
        if await asyncio.to_thread(_kept, context, params.backup):
            checks.append(refuse("kept", f"The backup {params.backup} is among the kept backups already."))
        return Target(
            key=f"fetch:{params.backup}",
            name=f"{params.backup} from {source.name}",
            params=params.model_dump(),
            checks=tuple(checks),
        )

    async def run(self, context: Context, job: JobControl, params: FetchBackup) -> dict[str, Any]:
        """Look, fetch file by file, check, keep; what fails before the backup is kept leaves nothing."""
        store, id_ = CopyStore.of(context.settings, params.source), params.backup
        fetched = Fetched(context.settings.backups_dir, job.job_id, id_)
        try:
            listed = await job.step_as(Listed, LOOK, partial(_look, context, store, fetched))
            total, done = sum(file.size for file in listed.files), 0
            for file in listed.files:
                fetch = partial(_fetch, context, store, fetched, file, _progress(job, done, total))
                await job.step_as(StepResult, FETCH, fetch, part=file.file, interruptible=True)
                done += file.size
            kept = await job.step_as(StepResult, KEEP, partial(_keep, context, job, store, fetched))
        except Exception:
            await job.step_as(StepResult, KEEP, partial(give_up, fetched), part=GIVE_UP, cleanup=True)
            raise
        return {"backup": id_, "from": params.source, "vm": listed.vm, "size": total, "package": kept.detail}


ACTION = Fetch()


def _kept(context: Context, backup: str) -> bool:
    return any(each.id == backup for each in read_catalogue(context.settings.backups_dir))


def _progress(job: JobControl, before: int, total: int) -> Callable[[int], None]:
    return lambda done: job.report(before + done, total)


async def _look(context: Context, store: CopyStore, fetched: Fetched) -> Listed:
    """Fetch the small files, and judge by the signed record what else there must be."""
    sizes = names_of_copy(await store.files(fetched.id), fetched.id, store.target.name)
    await asyncio.to_thread(fetched.open)
    for name in small_files(sizes, store.target.name):
        await store.fetch(fetched.id, name, fetched.folder / name, sizes[name], lambda _: None)
    kept = await asyncio.to_thread(fetched.listed, context.signer, sizes)
    files = [*kept.here, *kept.beside]
    await asyncio.to_thread(
        require_space, fetched.folder, sum(file.size for file in files), context.settings.keep_free_bytes
    )
    return Listed(files=files, vm=kept.vm.name, detail=f"{kept.vm.name}: {amount(kept.size)}")


async def _fetch(
    context: Context, store: CopyStore, fetched: Fetched, file: KeptFile, progress: Callable[[int], None]
) -> StepResult:
    await asyncio.to_thread(require_space, fetched.folder, file.size, context.settings.keep_free_bytes)
    digest = await store.fetch(fetched.id, file.file, fetched.folder / file.file, file.size, progress)
    if digest != file.sha256:
        raise BackupDamaged(
            f"{file.file} was changed at the copy target {store.target.name}: its SHA-256 is {digest}, the signed "
            f"record says {file.sha256}. Fetch the backup from another target."
        )
    return StepResult(detail=f"{file.file}: {amount(file.size)} with the right SHA-256")


async def _keep(context: Context, job: JobControl, store: CopyStore, fetched: Fetched) -> StepResult:
    def keep() -> Path:
        if found := fetched.published():
            return found  # by the attempt before
        if _kept(context, fetched.id):
            raise Conflict(f"The backup {fetched.id} is among the kept backups already.")
        kept = Adoption(context.settings, context.signer, job.requested_by).check_copy(fetched.folder)
        note_copy(fetched.folder, store.target.name, job.job_id)
        return fetched.publish(kept.vm.name)

    try:
        return StepResult(detail=str(await asyncio.to_thread(keep)))
    except OSError as error:
        raise TargetFailed(f"The backup {fetched.id} cannot be kept: {error.strerror}.") from error


async def give_up(fetched: Fetched) -> StepResult:
    """Remove what was fetched, but not a backup that is kept already; says what is left."""
    try:
        if kept := await asyncio.to_thread(fetched.published):
            return StepResult(detail=f"the backup is among the kept backups all the same, as a whole one: {kept}")
        await asyncio.to_thread(fetched.discard)
    except (OSError, VmkopsError) as error:
        return StepResult(detail=f"files of it may be left in {fetched.folder}: {error}")
    return StepResult(detail="nothing of it is left")
