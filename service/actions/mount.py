"""Stages a VM for another backup product: puts its package, or the files in it, where that product reads it."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from service.actions._copy_params import FILE, CopyVm
from service.actions._files import EXTRACT, files_checks
from service.actions._snapshot_copy import (
    GIVE_UP,
    QUIESCE,
    REMOVE,
    SNAPSHOT,
    UNQUIESCE,
    Names,
    SnapshotCopy,
    copy_over_snapshot,
)
from service.actions._targeted import info, refuse
from service.actions.backup import Backup
from service.api.models import ActionClass
from service.api.settings import Settings
from service.api.units import amount, when
from service.api.words import counted
from service.backups.chosen_files import read_paths
from service.backups.freshness import read_duration
from service.backups.mounts import LEASE, checked_lease
from service.backups.staged_files import FilesWritten, write_files
from service.backups.steps import BackupRun
from service.errors import CopyFailed
from service.files.readers import DiskPlaces, FileReaders
from service.jobs.action import Context, JobControl, StepResult, Target
from service.packages.folder import safe_name
from service.packages.staging import StagedPackage, exists, folder_name
from service.store.mount_ledger import MountRow

NAMES = Names("open the lease", "copy the disks", "close the lease")
STAGE = "stage"
KEY = "mount:{}"
"""The key that a job holds for the name of its folder."""


class MountVm(CopyVm):
    """Which VM to stage, where, and for how long."""

    dest: str = Field(
        default="",
        max_length=4096,
        description="The folder to make, in `VMKOPS_MOUNT_DIR` on the host of the service: its name, or its full path. "
        "By default, the name of the VM.",
    )
    type: Literal["fullvm", "file"] = Field(
        default="fullvm",
        description="What is staged. `fullvm` is the whole VM as an OVF package, with its disks, and `file` the files "
        "of its file systems, a folder for each volume.",
    )
    lease: str = Field(
        default="",
        pattern=LEASE,
        examples=["90m", "6h", "2d"],
        description="How long the folder stays if nobody unmounts it, such as 90m, 6h or 2d, at most 30d; by default "
        "`VMKOPS_MOUNT_LEASE_HOURS`.",
    )

    _lease = field_validator("lease")(checked_lease)


class Staged(StepResult):
    """When the lease of the package ends (RFC 3339, UTC), and the host that it is on."""

    until: str
    host: str


class Mount(Backup):
    """The snapshot is gone before the folder gets its name, so a mount that is there needs nothing from the VM."""

    name = "mount"
    summary = "Stage a VM as an OVF package, or its files, in a folder, for another backup product to save."
    action_class = ActionClass.SAFE  # as a backup
    label = "Mount {target}"
    steps = (QUIESCE, SNAPSHOT, UNQUIESCE, *NAMES, REMOVE, EXTRACT, STAGE)
    params = MountVm

    def steps_of(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """Files are extracted with the type `file` only."""
        return tuple(step for step in self.steps if step != EXTRACT or params.get("type") == FILE)

    def folder(self, settings: Settings) -> Path:
        """Where the package is written."""
        return settings.mounts_dir

    async def target(self, context: Context, params: CopyVm) -> Target:
        """As for a backup, and whether the folder can be made; raises InvalidParams for another path."""
        assert isinstance(params, MountVm)
        root = context.settings.mounts_dir
        if params.dest:
            folder_name(params.dest, root)  # before vCenter is asked
        read_paths(params.paths)
        found = await super().target(context, params)
        folder = folder_name(params.dest, root) if params.dest else safe_name(found.name)
        lease = params.lease or f"{context.settings.mount_lease_hours}h"
        path = root / folder
        checks = [*found.checks, info("lease", f"{path} on {socket.gethostname()} stays for {_words(lease)}.")]
        last = await context.mounts.last(folder)
        if last is not None and last.ended_at is None:
            message = f"{path} is mounted already, by job {last.job}. Unmount it first: vmkops unmount {folder}"
            checks.append(refuse("mounted", message))
        elif await asyncio.to_thread(os.path.lexists, path):
            checks.append(refuse("mounted", exists(path)))
        if why := await asyncio.to_thread(_why_unfit, root):
            checks.append(refuse("mount-dir", why))
        if params.type == FILE:
            checks += files_checks(root)
        return Target(
            key=found.key,
            name=found.name,
            vcenter=found.vcenter,
            params={**found.params, "dest": folder, "lease": lease},
            checks=tuple(checks),
            also=(KEY.format(folder),),
        )

    async def run(self, context: Context, job: JobControl, params: CopyVm) -> dict[str, Any]:
        """The steps of a backup, then the folder gets its name; whatever fails, nothing of it stays."""
        assert isinstance(params, MountVm)
        session, moref = context.vcenters.at(params.vm)
        root = context.settings.mounts_dir
        package = partial(StagedPackage, root, params.dest, job_id=job.job_id)
        run = BackupRun(context, session, job, moref, params.quiesce, params.until, package=package)

        async def take_out() -> FilesWritten:
            _require_whole(copied)
            made = package(copied.plan.name)
            to = await asyncio.to_thread(made.open_files)
            disks = FileReaders().open(DiskPlaces(made.partial, [disk.file for disk in copied.written.disks]))
            keep, paths = context.settings.keep_free_bytes, read_paths(params.paths)
            return await write_files(disks, paths, to, keep=keep, root=root, job=job)

        async def stage() -> Staged:
            _require_whole(copied)
            plan, written = copied.plan, copied.written
            size = files.size if files else written.size
            until = (datetime.now(UTC) + read_duration(params.lease)).isoformat(timespec="seconds")
            row = MountRow(
                job=job.job_id,
                name=params.dest,
                vcenter=session.vcenter.name,
                vm=moref,
                vm_name=plan.name,
                files=files.names if files else written.files,
                size=size,
                until=until,
            )
            await context.mounts.intend(row)
            await asyncio.to_thread(package(plan.name).stage, files=files is not None)
            await job.stop_if_cancelled()  # no step follows that would notice it
            host, detail = socket.gethostname(), f"{root / params.dest} until {when(until)}: {amount(size)}"
            return Staged(until=until, host=host, detail=detail)

        async def give_up() -> StepResult:
            await asyncio.to_thread(package("").discard)
            await context.mounts.forget(job.job_id)
            return StepResult(detail="nothing is staged")

        files: FilesWritten | None = None
        try:
            copied = await copy_over_snapshot(job, run, NAMES)
            if params.type == FILE:
                files = await job.step_as(FilesWritten, EXTRACT, take_out, interruptible=True)
            staged = await job.step_as(Staged, STAGE, stage)
        except Exception:
            await job.step_as(StepResult, STAGE, give_up, part=GIVE_UP, cleanup=True)
            raise
        written = copied.written.model_dump(mode="json", include={"files", "size", "disks", "warnings"})
        if files is not None:
            written = {"files": files.names, "file_count": files.files, "size": files.size, "not_read": files.not_read}
        return {
            "folder": str(root / params.dest),
            "on_host": staged.host,
            "until": staged.until,
            **written,
            "consistency": copied.taken.consistency,
            "left_out": copied.plan.left_out,
            "snapshot_removed": copied.removed.removed,
            "consolidated": copied.removed.consolidated,
        }


def _require_whole(copied: SnapshotCopy) -> None:
    """Raise CopyFailed when a disk of the VM is missing in the copy."""
    if copied.written.missing:
        raise CopyFailed(
            f"vCenter did not offer {counted(copied.written.missing, 'disk')} of {copied.plan.name}, so the package is "
            "not complete. Check whether the VM's disks were changed meanwhile, then try again."
        )


def _why_unfit(root: Path) -> str:
    """Why nothing can be mounted in this directory, and what to do; empty when it is fit, or not there yet."""
    if not root.exists():
        return ""
    if not os.access(root, os.W_OK | os.X_OK):
        return f"The user of the service cannot write to {root} (VMKOPS_MOUNT_DIR). Give that user the directory."
    found = root.stat()
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or found.st_uid not in (0, os.geteuid()):
        return (
            f"Other users can write to {root} (VMKOPS_MOUNT_DIR), and could replace what is staged there. "
            f"Make it a directory of the user of the service, and take that from the others: chmod g-w,o-w {root}"
        )
    return ""


ACTION = Mount()


def _words(lease: str) -> str:
    number, unit = re.fullmatch(r"(\d+)([mhd])", lease).groups()  # type: ignore[union-attr]
    return counted(int(number), {"m": "minute", "h": "hour", "d": "day"}[unit])
