"""Fetches a backup from a copy target into the kept backups, with the checks of `vmkops backups adopt`."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from service.actions._snapshot_copy import GIVE_UP
from service.actions._targeted import info, refuse, warn
from service.actions.copy_backup import disks_and_more
from service.api.models import ActionClass, Check
from service.api.units import amount
from service.backups.adopt import Adoption
from service.backups.catalogue import KeptBackup, KeptFile, read_catalogue
from service.backups.vm_choice import origin
from service.copies.fetched import Fetched, names_of_copy, small_files
from service.copies.held import ID, WHOLE_ID, copy_id
from service.copies.records import note_copy
from service.copies.store import CopyStore, find_target
from service.errors import BackupDamaged, Conflict, DiskFull, TargetFailed, VmkopsError
from service.jobs.action import Action, Context, JobControl, Params, StepResult, Target
from service.transfer.disk_space import require_space

LOOK_SECONDS = 20.0
"""How long a dry run looks at the target, and how long it may take to find the whole of a short id."""
LOOK, FETCH, KEEP = "look at the copy", "fetch", "check and keep"


class FetchBackup(Params):
    """Which backup to fetch, and from where."""

    backup: str = Field(
        pattern=f"^{ID.pattern}$",
        examples=["046f3e7e01bdc7c1"],
        description="The id of the backup, as `vmkops backups --target NAME` lists it, or the beginning of it.",
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
    disks: int = 0
    """The bytes of the disks alone; 0 in a record of an earlier version."""
    small: int = 0
    """The bytes of the record, the descriptor, the manifest and the signatures, which are there already."""


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
    target_param = "source"

    async def target(self, context: Context, params: FetchBackup) -> Target:
        """What prevents the fetch as far as the settings and the kept backups say.

        The target is asked only for the id that the word means. Raises NotFound, Ambiguous and TargetFailed.
        """
        source = find_target(context.settings, params.source)
        checks = [info("fetch-from", f"The backup comes from the copy target {source.name} ({source.where}).")]
        store = CopyStore(source)
        found = [each for each in await store.checks(context.settings.data_dir) if each.severity == "refuse"]
        id_ = params.backup if found else await _whole_id(store, params.backup)
        if await asyncio.to_thread(_kept, context, id_):
            found.append(refuse("kept", f"The backup {id_} is among the kept backups already."))
        return Target(
            key=f"fetch:{id_}",
            name=f"{id_} from {source.name}",
            params={**params.model_dump(), "backup": id_},
            checks=(*checks, *found),
        )

    async def more_checks(self, context: Context, params: FetchBackup, target: Target) -> list[Check]:
        """See `Action.more_checks`: whether the target has a whole copy with a good signature, and room for it."""
        if any(check.severity == "refuse" for check in target.checks):
            return []
        store, settings = CopyStore.of(context.settings, params.source), context.settings
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                kept = await _look_only(context, store, target.params["backup"])
        except TimeoutError:
            message = f"The copy target {params.source} did not answer within {LOOK_SECONDS:g} seconds."
            return [warn("copy-not-checked", f"{message} The job looks at the copy before it fetches anything.")]
        except VmkopsError as error:
            return [refuse(f"copy-{error.code}", str(error))]
        checks = [info("backup-from", origin(kept, context.vcenters.names()))]
        checks.append(info("copy-size", f"What is fetched: {disks_and_more(kept)}."))
        try:
            await asyncio.to_thread(require_space, settings.backups_dir / kept.id, kept.size, settings.keep_free_bytes)
        except DiskFull as error:
            checks.append(refuse("backup-room", str(error)))
        return checks

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
        return {
            "backup": id_,
            "from": params.source,
            "vm": listed.vm,
            "size": listed.disks or total,
            "all_files_bytes": total + listed.small,
            "package": kept.detail,
            "checked": f"each file, as it came, with the signed manifest. {READ_BACK.format(id_)}",
        }


ACTION = Fetch()


async def _whole_id(store: CopyStore, word: str) -> str:
    """The id that a word means at the target; raises what `copy_id` raises.

    A word as long as an id is taken for a whole one when the target cannot be asked: the job asks it again.
    """
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await copy_id(store, word)
    except TargetFailed:
        if len(word) < WHOLE_ID:
            raise
        return word
    except TimeoutError as error:
        if len(word) >= WHOLE_ID:
            return word
        raise TargetFailed(
            f"The copy target {store.target.name} did not answer within {LOOK_SECONDS:g} seconds. Give the whole id of "
            "the backup, so that nobody has to ask which one is meant."
        ) from error


def _kept(context: Context, backup: str) -> bool:
    return any(each.id == backup for each in read_catalogue(context.settings.backups_dir))


READ_BACK = "It counts as unverified until it is read back from this disk: vmkops action verify-backup {}"


def _progress(job: JobControl, before: int, total: int) -> Callable[[int], None]:
    return lambda done: job.report(before + done, total)


async def _look_only(context: Context, store: CopyStore, id_: str) -> KeptBackup:
    """The copy as its signed record describes it; only the small files are fetched, and nothing of them stays."""
    with tempfile.TemporaryDirectory(prefix="copies-") as made:
        fetched = Fetched(Path(made), "look", id_)
        return await _listed(context, store, fetched)


async def _listed(context: Context, store: CopyStore, fetched: Fetched) -> KeptBackup:
    """Fetch the small files; the backup as its signed record describes it. Raises NotFound and BackupDamaged."""
    sizes = names_of_copy(await store.files(fetched.id), fetched.id, store.target.name)
    await asyncio.to_thread(fetched.open)
    for name in small_files(sizes, store.target.name):
        await store.fetch(fetched.id, name, fetched.folder / name, sizes[name], lambda _: None)
    return await asyncio.to_thread(fetched.listed, context.signer, sizes)


async def _look(context: Context, store: CopyStore, fetched: Fetched) -> Listed:
    """Fetch the small files, and judge by the signed record what else there must be."""
    kept = await _listed(context, store, fetched)
    files = [*kept.here, *kept.beside]
    await asyncio.to_thread(
        require_space, fetched.folder, sum(file.size for file in files), context.settings.keep_free_bytes
    )
    small = sum(each.stat().st_size for each in fetched.folder.iterdir())
    detail = f"{kept.vm.name}: {disks_and_more(kept)}"
    return Listed(files=files, vm=kept.vm.name, disks=kept.size, small=small, detail=detail)


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
