"""How a mount goes on and ends: its lease is renewed, somebody unmounts it, or the reaper removes its files."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from service.api.models import Job, JobState, Value
from service.api.mount_settings import MOST_HOURS
from service.api.units import when
from service.api.words import printable
from service.backups.freshness import read_duration
from service.backups.staged_files import VOLUMES
from service.errors import Conflict, NotFound
from service.jobs.action import Context
from service.jobs.claims import live_jobs
from service.jobs.engine import Jobs
from service.packages.staging import discard_partial, folder_name, partial_folders, remove_staged
from service.store.audit import Audit, Event
from service.store.mount_ledger import EXPIRED, UNMOUNTED, MountRow

log = logging.getLogger(__name__)

UNKNOWN_SECONDS = 86_400
"""How old an unfinished folder of a job that nobody knows must be before it is removed."""
LEASE = r"^([1-9]\d{0,4}[mhd])?$"
"""A lease such as 90m, 6h or 2d; empty for that of the settings."""
MountState = Literal["mounted", "stopping", "unmounted", "expired"]


class MountView(Value):
    """A package that is staged for another backup product, or was."""

    name: str
    """The name of its folder."""
    folder: str
    """The folder, on the host of the service; every process of the service has it at the same path."""
    vm: str
    """The name of the VM, with that of its vCenter where there are several."""
    type: Literal["fullvm", "file"] = "fullvm"
    """Whether the package of the VM is in it, or its files."""
    job: str
    state: MountState
    """`stopping`: its job still stages it and was asked to stop."""
    size: int = 0
    """Bytes of its disks, or of its files."""
    mounted_at: str = ""
    until: str = ""
    """The end of its lease."""
    ended_at: str | None = None
    already: bool = False
    """Whether it was unmounted before, or stayed as long already, so that this call has changed nothing."""
    left: list[str] = Field(default_factory=list)
    """Files that somebody else has put there, and that stay."""
    trouble: str = ""
    """Why its files could not be removed yet."""


def mount_view(context: Context, row: MountRow, state: MountState | None = None) -> MountView:
    """A row of the ledger as callers see it."""
    ended: MountState = {EXPIRED: "expired", UNMOUNTED: "unmounted"}.get(row.end, "mounted")  # type: ignore[assignment]
    return MountView(
        name=row.name,
        folder=str(context.settings.mounts_dir / row.name),
        vm=context.vcenters.shown(row.vcenter, row.vm_name),
        type="file" if VOLUMES in row.files else "fullvm",
        job=row.job,
        state=state or ended,
        size=row.size,
        mounted_at=row.created_at,
        until=row.until,
        ended_at=row.ended_at,
        trouble=row.trouble,
    )


async def unmount(context: Context, jobs: Jobs, dest: str, by: str) -> MountView:
    """Remove what `mount` staged at `dest`, a name or a full path; doing it again changes nothing.

    A job that still stages it is asked to stop, in the name of `by`. Raises InvalidParams for a path elsewhere,
    NotFound when nothing was ever mounted there, and Conflict for a folder that vmkops did not make, or for a mount
    whose lease has ended: its files went while somebody may still have read them.
    """
    root = context.settings.mounts_dir
    name = folder_name(dest, root)
    path = root / name
    for live in await live_jobs([f"mount:{name}"]):
        with contextlib.suppress(Conflict, NotFound):  # it has just ended
            job = await jobs.cancel(live.id, by)
            return MountView(name=name, folder=str(path), vm=job.target, job=job.id, state="stopping")
    row = await context.mounts.last(name)
    if row is None or row.ended_at is not None:
        if await asyncio.to_thread(os.path.lexists, path):
            raise Conflict(
                f"The folder {name} was not made by `vmkops mount`, so it is not removed. `vmkops mounts` lists what "
                "is mounted."
            )
        if row is None:
            raise NotFound(f"Nothing is mounted as {name}. `vmkops mounts` lists what is mounted.")
    if row.end == EXPIRED:
        raise Conflict(
            f"The lease of {name} ended at {when(row.until)}, and its files were removed before it was unmounted. "
            "Do not rely on what was saved from it after that. Mount again, with a longer lease."
        )
    if row.ended_at is not None:
        return mount_view(context, row).model_copy(update={"already": True})
    try:
        left = await _remove(context, row)
    except Conflict:
        now = await context.mounts.last(name)
        if now is None or (now.job == row.job and now.ended_at is None):
            raise
        left = []  # another unmount was faster, and a new mount may have the name by now
    first = await context.mounts.ended(row.job, UNMOUNTED)
    update = {"left": left, "ended_at": datetime.now(UTC).isoformat(), "already": not first}
    return mount_view(context, row, "unmounted").model_copy(update=update)


def checked_lease(lease: str) -> str:
    """The lease, which fits LEASE; raises ValueError when it is too long."""
    if lease and read_duration(lease) > timedelta(hours=MOST_HOURS):
        raise ValueError(f"must be at most {MOST_HOURS // 24}d")
    return lease


async def renew(context: Context, dest: str, lease: str) -> MountView:
    """Let the mount at `dest` stay for `lease` from now, by default that of the settings; never shorter than before.

    Raises InvalidParams for a path elsewhere, NotFound when nothing is mounted there, and Conflict when its lease has
    ended.
    """
    name = folder_name(dest, context.settings.mounts_dir)
    row = await context.mounts.last(name)
    if row is None or row.end == UNMOUNTED:
        raise NotFound(f"Nothing is mounted as {name}. `vmkops mounts` lists what is mounted.")
    now = datetime.now(UTC)
    last = datetime.fromisoformat(row.until)
    until = max(last, now + read_duration(lease or f"{context.settings.mount_lease_hours}h"))
    renewed = replace(row, until=until.isoformat(timespec="seconds"))
    if last <= now or not await context.mounts.renew(row, renewed.until):
        raise Conflict(
            f"The lease of {name} cannot be renewed: it ended at {when(row.until)}, or somebody else has just changed "
            "it. `vmkops mounts` lists what is mounted."
        )
    return mount_view(context, renewed).model_copy(update={"already": until == last})


async def _remove(context: Context, row: MountRow) -> list[str]:
    """Remove the files of a mount; the names of those that stay. Raises Conflict when that is not possible."""
    root = context.settings.mounts_dir
    try:
        return await asyncio.to_thread(remove_staged, root, row.name, row.job, row.files)
    except OSError as error:
        raise Conflict(
            f"The folder {row.name} could not be removed: {error.strerror}. Correct that, then unmount again."
        ) from error


class MountLeases:
    """What the reaper does about mounts: it ends their leases, and removes what failed jobs left."""

    def __init__(self, context: Context, jobs: Jobs, audit: Audit) -> None:
        self._context = context
        self._jobs = jobs
        self._audit = audit

    async def sweep(self) -> None:
        """Look once at all mounts, and at the folders that are not complete."""
        context = self._context
        for row in await context.mounts.mounted():
            job = await self._job(row.job)
            if job is not None and not job.state.final:
                continue
            if job is not None and job.state is not JobState.SUCCEEDED:
                await self._end(row, None)
            elif datetime.fromisoformat(row.until) <= datetime.now(UTC) and await context.mounts.expire(row):
                await self._end(row, EXPIRED)
        for folder, job_id in await asyncio.to_thread(lambda: list(partial_folders(context.settings.mounts_dir))):
            job = await self._job(job_id)
            # A job that is not known can be of another installation that stages there too.
            old = job is None and await asyncio.to_thread(_is_old, folder)
            if (old or (job is not None and job.state.final)) and await asyncio.to_thread(discard_partial, folder):
                log.info("unfinished mount removed: %s", folder)
        await context.mounts.forget_old()

    async def _job(self, job_id: str) -> Job | None:
        with contextlib.suppress(NotFound):
            return await self._jobs.get(job_id)
        return None

    async def _end(self, row: MountRow, end: str | None) -> None:
        """Remove the files of a mount that has expired, or whose job has failed, where `end` is None."""
        mounts, path = self._context.mounts, self._context.settings.mounts_dir / row.name
        try:
            left = await _remove(self._context, row)
        except Conflict as error:
            if str(error) != row.trouble:
                log.warning("the mount %s of job %s cannot be removed: %s", path, row.job, error)
                await mounts.trouble(row.job, str(error))
            return
        if end is None:
            await mounts.forget(row.job)
        elif await mounts.ended(row.job, end):
            await self._report(row, path, left)

    async def _report(self, row: MountRow, path: Path, left: list[str]) -> None:
        stays = f" Files that somebody else has put there stay: {', '.join(map(printable, left[:10]))}." if left else ""
        note = f"Nobody unmounted {path} before its lease ended at {when(row.until)}, so vmkops removed it.{stays}"
        log.warning(note, extra={"job": row.job})
        await self._audit.write(Event.MOUNT_EXPIRED, name=row.name, job=row.job, target=row.vm_name)
        with contextlib.suppress(NotFound):
            await self._jobs.note(row.job, note)


def _is_old(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - folder.stat().st_mtime > UNKNOWN_SECONDS
    return False
