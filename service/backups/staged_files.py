"""The files of a VM instead of its disks: what `mount` stages with the type `file`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import Field

from service.api.models import Value
from service.api.units import amount
from service.backups.chosen_files import Chosen, Watch, bytes_of, choose, folder_names, in_words, unread
from service.errors import CopyFailed, DiskFull
from service.files.extract import Extracted, extract
from service.files.readers import PackageFiles
from service.files.tree_writer import checked
from service.files.values import Entry, Volume
from service.jobs.action import JobControl, StepResult
from service.packages.staging import Modes, modes_in

VOLUMES = "volumes.json"
"""The file in the folder that says which volume each folder is."""
EXECUTABLE = 0o100


class VolumeFiles(Value):
    """A volume of the VM as `volumes.json` describes it; `bytes` are those of the files. Without a folder, it has none
    in the mount, and `note` says why."""

    name: str
    folder: str = ""
    type: str = ""
    label: str = ""
    uuid: str = ""
    used_as: str = ""
    note: str = ""
    files: int = 0
    folders: int = 0
    bytes: int = 0
    left_out: list[str] = Field(default_factory=list)
    """Links, devices and other things that are no files, at most 1000 of them."""


class FilesWritten(StepResult):
    """What was written: the names in the folder, where a folder has a `/` at its end, and how much they have."""

    names: list[str]
    files: int
    size: int
    not_read: list[str] = Field(default_factory=list)
    """Volumes whose files cannot be read, each with the reason."""


async def write_files(
    package: PackageFiles, paths: Sequence[str], dest: Path, *, keep: int, root: Path, job: JobControl
) -> FilesWritten:
    """Write the files of a package into the empty folder `dest`: a folder for each volume, and `volumes.json`.

    With `paths`, only what they name, each below the folder of its volume. `keep` bytes stay free. The permissions are
    those of what is staged in `root`. Raises DiskFull, CopyFailed, and what `PackageFiles.contents` raises.
    """
    every = (await package.volumes()).volumes
    chosen, _ = await choose(package, every, paths)
    modes, folders = modes_in(root), folder_names(every)
    total = await bytes_of(package, chosen, job)
    watched = _Watched(package, modes, Watch(dest, keep, total, job))
    found: dict[str, VolumeFiles] = {}
    try:
        for each in chosen:
            name = folders[each.volume.name]
            folder = await asyncio.to_thread(_parent, dest, name, each, modes)
            done = await extract(watched, [each.path], folder, "" if each.parts else name)
            found[each.volume.name] = _added(found.get(each.volume.name), each.volume, name, done)
        described = [found.get(each.name) or _about(each) for each in every]
        await asyncio.to_thread(_describe, dest / VOLUMES, described)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk of {root} is full. Free up disk space, then try again.") from error
        raise CopyFailed(
            f"A file of the VM cannot be written: {error.strerror}. Mount its disks: type=fullvm."
        ) from error
    files, size = sum(each.files for each in described), sum(each.bytes for each in described)
    closed = [] if paths else unread(every)
    return FilesWritten(
        names=[*sorted({f"{each.folder}/" for each in described if each.folder}), VOLUMES],
        files=files,
        size=size,
        not_read=closed,
        detail=in_words(files, amount(size), closed),
    )


def _parent(dest: Path, name: str, chosen: Chosen, modes: Modes) -> Path:
    """The folder that gets what is chosen, whose own name `extract` adds."""
    parent = dest
    if chosen.parts:
        for part in (name.encode(), *chosen.parts[:-1]):
            parent = parent / checked(part)
            parent.mkdir(exist_ok=True)
            parent.chmod(modes.folder)
    return parent


def _about(volume: Volume) -> VolumeFiles:
    return VolumeFiles(
        name=volume.name,
        type=volume.type,
        label=volume.label,
        uuid=volume.uuid,
        used_as=volume.used_as,
        note=volume.note,
    )


def _added(before: VolumeFiles | None, volume: Volume, folder: str, done: Extracted) -> VolumeFiles:
    before = before or _about(volume)
    return before.model_copy(
        update={
            "folder": folder,
            "files": before.files + done.files,
            "folders": before.folders + done.folders,
            "bytes": before.bytes + done.bytes,
            "left_out": [*before.left_out, *done.left_out],
        }
    )


def _describe(path: Path, volumes: Sequence[VolumeFiles]) -> None:
    found = [each.model_dump(mode="json") for each in volumes]
    with path.open("x") as file:
        json.dump({"volumes": found}, file, indent=2)
        file.write("\n")


class _Watched:
    """The files of a package with the permissions that are staged."""

    def __init__(self, package: PackageFiles, modes: Modes, watch: Watch) -> None:
        self._package, self._modes, self._watch = package, modes, watch

    async def contents(self, path: str) -> AsyncGenerator[Entry | bytes, None]:
        """See `service.files.extract.Contents`."""
        async with contextlib.aclosing(self._package.contents(path)) as contents:
            async for each in contents:
                if isinstance(each, bytes):
                    yield each
                    self._watch.wrote(len(each))
                    continue
                mode = self._modes.folder
                if each.kind == "file":
                    mode = self._modes.file | (EXECUTABLE if each.mode & EXECUTABLE else 0)
                yield replace(each, mode=mode)
