"""Backs up a VM into an OVF package: the seven documented steps of a VCB backup, as durable steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from service.actions._copies import START_COPIES, CopiesStarted, choose_copies, copy_warnings, names_of, start_copies
from service.actions._copy_params import FILE, FULLVM, CopyVm
from service.actions._files import EXTRACT, files_checks
from service.actions._snapshot_copy import (
    BACK_UP,
    GIVE_UP,
    MOUNT,
    QUIESCE,
    REMOVE,
    SNAPSHOT,
    UNMOUNT,
    UNQUIESCE,
    Names,
    SnapshotCopy,
    copy_over_snapshot,
)
from service.actions._targeted import NOT_CHECKED, info, refuse, warn
from service.actions._vm import VmParams, pinned_vm
from service.api.models import ActionClass, Check, JobState
from service.api.save_settings import NONE, SaveProfile
from service.api.settings import Settings
from service.api.words import counted
from service.backups.chosen_files import read_paths
from service.backups.kept_files import FilesKept, FilesPackage, keep_files
from service.backups.size import end_of_window, expected_time, size_check, window_check
from service.backups.steps import BackupRun
from service.files.readers import DiskPlaces, FileReaders
from service.jobs.action import Action, Context, JobControl, Params, StepResult, Target
from service.saving.store import Store, choose_save
from service.transfer.disk_space import check_space
from service.vsphere.host_probe import probe_host
from service.vsphere.inventory import Vm, find_vm, read_vm
from service.vsphere.preflight import preflight
from service.vsphere.room import Room, read_room, room_checks
from service.vsphere.selectors import lock_key
from service.vsphere.session import Session
from service.vsphere.vcenters import look


class BackupVm(CopyVm):
    """Which VM to back up, and how."""

    type: Literal["fullvm", "file"] = Field(
        default="fullvm",
        description="What is kept. `fullvm` is the whole VM as an OVF package, with its disks, and `file` only files "
        "of its file systems, a tar archive for each volume.",
    )
    save: str = Field(
        default="",
        max_length=63,
        examples=["nightly"],
        description="The save profile that gets the disks instead of a folder, such as one for restic or borg; by "
        "default that of VMKOPS_SAVE, and none for a folder in any case.",
    )
    copy_to: str = Field(
        default="",
        max_length=1000,
        examples=["nas offsite"],
        description="The copy targets that the backup is copied to when it has ended well; by default those of "
        "VMKOPS_COPY_TO, and none for no copy in any case.",
    )


class FilesPublished(StepResult):
    """The names of the files of a backup of files."""

    files: list[str]


class Backup(Action):
    """Takes a snapshot, exports it, and removes it."""

    name = "backup"
    summary = "Back a VM up into an OVF package, while it runs."
    action_class = ActionClass.SAFE  # the VM keeps running, and its snapshot is removed
    joined_despite = frozenset({"within", "until"})
    steps: ClassVar[tuple[str, ...]] = (QUIESCE, SNAPSHOT, UNQUIESCE, MOUNT, BACK_UP, UNMOUNT, REMOVE)
    params: ClassVar[type[Params]] = BackupVm

    def folder(self, settings: Settings) -> Path:
        """Where the package is written."""
        return settings.backups_dir

    def steps_of(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """See `Action.steps_of`."""
        extract = (EXTRACT,) if params.get("type") == FILE else ()
        return (*self.steps, *extract, *((START_COPIES,) if names_of(params.get("copy_to", "")) else ()))

    def check_names(self, settings: Settings, params: CopyVm) -> None:
        """See `Action.check_names`."""
        if isinstance(params, BackupVm):
            choose_copies(settings, params.copy_to, choose_save(settings, params.save))

    async def pinned(self, context: Context, params: VmParams) -> VmParams:
        """See `Action.pinned`."""
        return await pinned_vm(context.vcenters, params)

    async def target(self, context: Context, params: CopyVm) -> Target:
        """The VM as it is now, and what prevents a backup; raises NotFound or Ambiguous."""
        read_paths(getattr(params, "paths", ""))  # before vCenter is asked
        settings, vm = context.settings, await find_vm(context.vcenters, params.vm)
        link = context.vcenters.link(vm.vcenter)
        now, until = datetime.now(UTC), params.until
        until = until or end_of_window(params.within, now)
        looked = await look(link, _read(link.session, vm.moref))
        checks = [NOT_CHECKED]
        if looked is not None:
            vm = looked.vm
            disks = min(settings.parallel_disks, settings.max_copies, looked.disks)
            rate = await context.copy_rates.rate(vm.vcenter, vm.host, vm.datastores)
            checks = [
                *looked.checks,
                *room_checks(looked.rooms, settings.delta_room),
                size_check(vm.allocated, rate, disks, looked.rooms, settings.delta_room),
                *window_check(until, expected_time(vm.allocated, rate, disks), now),
            ]
        keep, folder = settings.keep_free_bytes, self.folder(settings)
        files = getattr(params, "type", FULLVM) == FILE  # beside the disks until those are removed
        profile = choose_save(settings, params.save) if isinstance(params, BackupVm) and not files else None
        needed = None if profile or vm.allocated is None else vm.allocated * (2 if files else 1)
        space = await asyncio.to_thread(check_space, "backup-room", folder, needed, f"the {self.name}", keep)
        if await context.ledger.unmerged(vm.vcenter, vm.moref):
            checks = [_merged_first(each) for each in checks]
        save, copies = {}, list[Check]()
        if isinstance(params, BackupVm):
            copy_to, copies = choose_copies(settings, params.copy_to, profile)
            copies += await copy_warnings(settings, copy_to)
            save = {"save": profile.name if profile else NONE, "copy_to": copy_to}
            if files:
                copies += [*files_checks(folder), *_folder_only(params.save)]
        exact = params.model_copy(update={"vm": vm.selector, "until": until, **save})
        return Target(
            key=lock_key("vm", vm.vcenter, vm.moref),
            name=context.vcenters.shown(vm.vcenter, vm.name),
            vcenter=vm.vcenter,
            params=exact.model_dump(),
            checks=(*checks, *_tools_checks(vm, params.quiesce), *space, *_save_checks(profile, folder), *copies),
        )

    async def run(self, context: Context, job: JobControl, params: BackupVm) -> dict[str, Any]:
        """The seven steps; whatever fails once the freeze has begun, the guest thaws and the snapshot is removed."""
        session, moref = context.vcenters.at(params.vm)
        save = "" if params.save == NONE else params.save
        package = partial(FilesPackage, context.settings.backups_dir, job_id=job.job_id)
        of_files = package if params.type == FILE else None
        run = BackupRun(context, session, job, moref, params.quiesce, params.until, save, of_files)
        copied = await copy_over_snapshot(job, run, Names())
        files = await _keep_files(context, job, copied, package, params.paths) if of_files else None
        complete = copied.removed.consolidated and not copied.written.missing and not (files and files["not_found"])
        copies: dict[str, Any] = {}
        if names := names_of(params.copy_to):
            started = await job.step_as(CopiesStarted, START_COPIES, partial(start_copies, job, names))
            complete = complete and all(each.job for each in started.copies)
            copies = {"copies": [each.model_dump() for each in started.copies]}
        without = set() if copied.plan.save else {"saved_with", "added_bytes", "deduplication"}
        return {
            **(files or copied.written.model_dump(mode="json", exclude=without)),
            "state": (JobState.SUCCEEDED if complete else JobState.PARTIAL).value,
            "consistency": copied.taken.consistency,
            "left_out": copied.plan.left_out,
            "snapshot_removed": copied.removed.removed,
            "consolidated": copied.removed.consolidated,
            **copies,
        }


ACTION = Backup()


class _Looked(NamedTuple):
    """What vCenter says now: the VM, the findings, how many disks a snapshot holds, and the room on its datastores."""

    vm: Vm
    checks: list[Check]
    disks: int
    rooms: list[Room]


async def _read(session: Session, moref: str) -> _Looked:
    reading = read_vm(session, moref), preflight(session, moref), read_room(session, moref), probe_host(session, moref)
    vm, found, rooms, probed = await asyncio.gather(*reading)
    return _Looked(vm, [*found.checks, *probed], sum(not disk.left_out for disk in found.disks), rooms)


async def _keep_files(
    context: Context, job: JobControl, copied: SnapshotCopy, package: Callable[[str], FilesPackage], wanted: str
) -> dict[str, Any]:
    """Turn the disks in the folder of the backup into files, and return the result; nothing stays of a failed one."""
    made, paths = package(copied.plan.name), read_paths(wanted)

    async def extract() -> FilesKept:
        disks = FileReaders().open(DiskPlaces(made.partial, [disk.file for disk in copied.written.disks]))
        return await keep_files(disks, paths, made.partial, keep=context.settings.keep_free_bytes, job=job)

    async def publish() -> FilesPublished:
        names = await asyncio.to_thread(made.keep, kept, paths, context.signer)
        return FilesPublished(files=names, detail=f"{made.path}: {counted(len(names), 'file')}")

    async def give_up() -> StepResult:
        await asyncio.to_thread(made.discard)
        return StepResult(detail="nothing is kept")

    try:
        kept = await job.step_as(FilesKept, EXTRACT, extract, interruptible=True)
        published = await job.step_as(FilesPublished, EXTRACT, publish, part="package")
    except Exception:
        await job.step_as(StepResult, EXTRACT, give_up, part=GIVE_UP, cleanup=True)
        raise
    missing = (
        f"{counted(copied.written.missing, 'disk')} of the VM could not be read." if copied.written.missing else ""
    )
    return {
        "package": str(made.path),
        "files": published.files,
        "file_count": kept.files,
        "size": kept.size,
        "missing": copied.written.missing,
        "not_found": kept.not_found,
        "not_read": kept.not_read,
        "warnings": [*kept.not_found, *filter(None, [missing])],
    }


def _folder_only(save: str) -> list[Check]:
    """What prevents a backup of files with a save profile that was asked for."""
    if save in ("", NONE):
        return []
    message = (
        f"A save profile gets whole disks, and a backup of files stays in a folder of the service: leave save={save} "
        "out. `copy_to` copies it elsewhere."
    )
    return [refuse("save-files", message)]


def _merged_first(check: Check) -> Check:
    """The finding about disks that an earlier backup left to merge: the new one merges them before its snapshot."""
    if check.rule != "consolidation-needed":
        return check
    return warn(check.rule, "An earlier backup or mount left disks to merge. They are merged before the snapshot.")


def _save_checks(profile: SaveProfile | None, backups_dir: Path) -> Iterator[Check]:
    """Where the disks go when a save profile gets them, and whether its program is there."""
    if profile is None:
        return
    yield info(
        "save-to",
        f"The save profile {profile.name} gets the disks ({profile.where}). The folder on the service's computer keeps "
        "the description of the VM.",
    )
    if missing := Store(profile, backups_dir).missing_program():
        yield refuse(
            "save-program",
            f"The save profile {profile.name} needs {missing}, which is not installed where the service runs. Install "
            f"it, or set program in [save.{profile.name}].",
        )


def _tools_checks(vm: Vm, quiesce: str) -> Iterator[Check]:
    if vm.power_state != "poweredOn" or vm.tools_running or quiesce == "none":
        return
    if quiesce == "require":
        yield refuse(
            "tools",
            f"VMware Tools are not running in {vm.name}, so it cannot be quiesced. Start them, or ask for "
            "quiesce=prefer.",
        )
    else:
        yield warn("tools", "VMware Tools are not running, so the copy will be crash-consistent.")
