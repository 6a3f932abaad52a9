"""The files of a VM instead of its disks: what `mount` stages with the type `file`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from service.api.models import Value
from service.api.units import amount
from service.api.words import counted
from service.errors import CopyFailed, DiskFull, InvalidParams
from service.files.extract import Extracted, extract
from service.files.names import Target, path_text, read_target
from service.files.readers import PackageFiles
from service.files.tree_writer import checked
from service.files.values import Entry, Volume
from service.jobs.action import JobControl, StepResult
from service.packages.staging import Modes, modes_in
from service.transfer.disk_space import LOOK_BYTES, require_space

VOLUMES = "volumes.json"
"""The file in the folder that says which volume each folder is."""
MOST_PATHS = 100
EXECUTABLE = 0o100
SWAP = "swap"


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


class Chosen(NamedTuple):
    """A folder or a file that is written: its volume, and its path there."""

    volume: Volume
    parts: tuple[bytes, ...]

    @property
    def path(self) -> str:
        """As the reader takes it."""
        return f"{self.volume.name}:{path_text(self.parts)}"


def read_paths(text: str) -> list[str]:
    r"""The paths in a text with commas between them; a comma of a name is `\x2c`. Raises InvalidParams."""
    paths = [each.strip() for each in text.split(",") if each.strip()]
    if len(paths) > MOST_PATHS:
        raise InvalidParams(f"There are {len(paths)} paths, and at most {MOST_PATHS} are possible. Name their folders.")
    for path in paths:
        read_target(path)
    return paths


async def write_files(
    package: PackageFiles, paths: Sequence[str], dest: Path, *, keep: int, root: Path, job: JobControl
) -> FilesWritten:
    """Write the files of a package into the empty folder `dest`: a folder for each volume, and `volumes.json`.

    With `paths`, only what they name, each below the folder of its volume. `keep` bytes stay free. The permissions are
    those of what is staged in `root`. Raises DiskFull, CopyFailed, and what `PackageFiles.contents` raises.
    """
    every = (await package.volumes()).volumes
    chosen = await _chosen(package, every, paths)
    modes = modes_in(root)
    total = 0
    for each in chosen:
        job.say(f"counting the files of {each.path}")
        total += await _bytes_of(package, each.path)
    job.say("")
    watched = _Watched(package, modes, _Watch(dest, keep, total, job))
    found: dict[str, VolumeFiles] = {}
    try:
        for each in chosen:
            folder = await asyncio.to_thread(_parent, dest, each, modes)
            done = await extract(watched, [each.path], folder)
            found[each.volume.name] = _added(found.get(each.volume.name), each.volume, done)
        described = [found.get(each.name) or _about(each) for each in every]
        await asyncio.to_thread(_describe, dest / VOLUMES, described)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk of {root} is full. Free up disk space, then try again.") from error
        raise CopyFailed(
            f"A file of the VM cannot be written: {error.strerror}. Mount its disks: type=fullvm."
        ) from error
    files, size = sum(each.files for each in described), sum(each.bytes for each in described)
    closed = [] if paths else [f"{each.name}: {each.note}" for each in described if _lacks_files(each)]
    return FilesWritten(
        names=[*sorted({f"{each.folder}/" for each in described if each.folder}), VOLUMES],
        files=files,
        size=size,
        not_read=closed,
        detail="; ".join([f"{counted(files, 'file')}, {amount(size)}", *(f"not read: {each}" for each in closed)]),
    )


async def _chosen(package: PackageFiles, every: Sequence[Volume], paths: Sequence[str]) -> list[Chosen]:
    """What is written; of two paths where one contains the other, only that one. Raises CopyFailed without any."""
    readable = [each for each in every if each.readable and read_target(f"{each.name}:/").volume == each.name]
    if not readable:
        notes = [f"{each.name}: {each.note}" for each in every if each.note]
        raise CopyFailed(" ".join(["The VM has no volume whose files can be read.", *notes[:5]]))
    if not paths:
        return [Chosen(each, ()) for each in readable]
    by_name = {each.name: each for each in readable}
    found = []
    for path in paths:
        entry = await package.stat(path, follow=True, by_volume=True)
        if entry.kind not in ("file", "folder"):
            raise InvalidParams(f"{entry.path} is a {entry.kind}, and only files and folders are staged.")
        target: Target = read_target(entry.path)
        found.append(Chosen(by_name[target.volume], target.parts))
    found.sort(key=lambda each: (each.volume.name, each.parts))
    kept: list[Chosen] = []
    for each in found:
        last = kept[-1] if kept else None
        if last is None or last.volume != each.volume or each.parts[: len(last.parts)] != last.parts:
            kept.append(each)
    return kept


async def _bytes_of(package: PackageFiles, path: str) -> int:
    total = 0
    async with contextlib.aclosing(package.entries(path)) as batches:
        async for batch in batches:
            total += sum(entry.size for entry in batch if entry.kind == "file")
    return total


def _folder_of(volume: Volume) -> str:
    return volume.name.replace("/", "-")


def _parent(dest: Path, chosen: Chosen, modes: Modes) -> Path:
    """The folder that gets what is chosen, whose own name `extract` adds."""
    parent = dest
    if chosen.parts:
        for name in (_folder_of(chosen.volume).encode(), *chosen.parts[:-1]):
            parent = parent / checked(name)
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


def _added(before: VolumeFiles | None, volume: Volume, done: Extracted) -> VolumeFiles:
    before = before or _about(volume)
    return before.model_copy(
        update={
            "folder": _folder_of(volume),
            "files": before.files + done.files,
            "folders": before.folders + done.folders,
            "bytes": before.bytes + done.bytes,
            "left_out": [*before.left_out, *done.left_out],
        }
    )


def _lacks_files(volume: VolumeFiles) -> bool:
    """Whether somebody may miss the files of a volume."""
    return not volume.folder and volume.type != SWAP and bool(volume.note)


def _describe(path: Path, volumes: Sequence[VolumeFiles]) -> None:
    found = [each.model_dump(mode="json") for each in volumes]
    with path.open("x") as file:
        json.dump({"volumes": found}, file, indent=2)
        file.write("\n")


class _Watch:
    """Counts what is written, reports it, and looks at the free space now and then."""

    def __init__(self, dest: Path, keep: int, total: int, job: JobControl) -> None:
        self._dest, self._keep, self._total, self._job = dest, keep, total, job
        self._done = self._looked = 0
        require_space(dest, 0, keep)

    def wrote(self, size: int) -> None:
        """Raises DiskFull when too little is free."""
        self._done += size
        self._job.report(self._done, self._total)
        if self._done - self._looked >= LOOK_BYTES:
            self._looked = self._done
            require_space(self._dest, 0, self._keep)


class _Watched:
    """The files of a package with the permissions that are staged."""

    def __init__(self, package: PackageFiles, modes: Modes, watch: _Watch) -> None:
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
