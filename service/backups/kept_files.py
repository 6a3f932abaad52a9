"""A backup of files instead of disks: a tar archive for each volume of the VM, in the folder of the backup.

Archives keep what a folder here cannot: owners, links, any name, and permissions that only root may set. They hold on
every file system, and `tar` unpacks them without vmkops.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import Field

from knowledge.atomic_file import replace_file
from service.api.adapter import adapter
from service.api.units import amount
from service.api.words import in_one_line
from service.background import whole_in_thread
from service.backups.catalogue import RECORD, KeptFile, KeptVolume
from service.backups.chosen_files import Chosen, Watch, bytes_of, choose, folder_names, in_words, unread
from service.errors import CopyFailed, DiskFull
from service.files.archives import BLOCK, UniqueNames, tar_header
from service.files.names import unescape
from service.files.readers import PackageFiles
from service.files.tree_writer import TreeWriter
from service.files.values import Entry, Volume
from service.jobs.action import JobControl, StepResult
from service.packages.folder import Package, PackageFile, write_whole
from service.store.signing import Signer, signature_of

PERMISSIONS = 0o7777
"""All of them, so that a system that is put together again from the archive works; `vmkops files` drops some."""
PIECE = 1 << 20
"""Bytes that are collected before they are written."""


class FilesKept(StepResult):
    """The volumes with their archives, and what was asked for but is not there, each as a sentence."""

    volumes: list[KeptVolume]
    files: int
    size: int
    """Bytes of the files."""
    not_found: list[str] = Field(default_factory=list)
    not_read: list[str] = Field(default_factory=list)


class FilesPackage(Package):
    """The folder of a backup of files, where the disks of the VM are until `keep`."""

    def finish(
        self,
        descriptor: str,  # noqa: ARG002
        disks: Sequence[PackageFile],
        record: Mapping[str, Any],
        signer: Signer,  # noqa: ARG002
    ) -> list[str]:
        """Write the record of the disks, which has no signature and is no backup yet; returns their names."""
        if not self.complete:
            write_whole(self.partial / RECORD, _json(record))
        return [disk.file for disk in disks]

    def keep(self, kept: FilesKept, paths: Sequence[str], signer: Signer) -> list[str]:
        """Remove the disks, write the manifest and the signed record, and publish; returns all names.

        Doing it again changes nothing. Raises CopyFailed when an archive was changed meanwhile.
        """
        if self.complete:
            return self.publish()
        archives = [each.archive for each in kept.volumes if each.archive]
        for each in archives:
            found = self.partial / each.file
            if not found.is_file() or found.stat().st_size != each.size:
                raise CopyFailed(f"The archive {each.file} is missing, or was changed after it was written. Try again.")
        for item in self.partial.iterdir():
            if item.name not in {RECORD, *(each.file for each in archives)}:
                item.unlink()
        record = json.loads((self.partial / RECORD).read_bytes())
        record |= {"type": "file", "disks": [], "beside": [], "paths": list(paths), "not_found": kept.not_found}
        record["volumes"] = adapter(list[KeptVolume]).dump_python(kept.volumes, mode="json")
        manifest = self.partial / f"{self.name}.mf"
        sums = "".join(f"SHA256({each.file})= {each.sha256}\n" for each in archives)
        for path, content in ((manifest, sums.encode()), (self.partial / RECORD, _json(record))):
            write_whole(signature_of(path), signer.sign(content))
            replace_file(path, content)  # a process that dies here leaves the record of before
        return self.publish()


async def keep_files(
    package: PackageFiles, paths: Sequence[str], folder: Path, *, keep: int, job: JobControl
) -> FilesKept:
    """Write an archive into `folder` for each volume that has files; with `paths`, with only what they name.

    What an earlier attempt wrote is replaced, and `keep` bytes stay free. Raises DiskFull, CopyFailed, what `choose`
    raises, and what `PackageFiles.contents` raises.
    """
    every = (await package.volumes()).volumes
    chosen, not_found = await choose(package, every, paths, all_of_them=False)
    watch = Watch(folder / "the files", keep, await bytes_of(package, chosen, job), job)
    names = folder_names(every)
    volumes = []
    try:
        for volume in every:
            own = [each for each in chosen if each.volume == volume]
            archive = folder / f"{names[volume.name]}.tar"
            volumes.append(await _archive(package, volume, own, archive, watch) if own else _about(volume))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk of {folder.parent} is full. Free up disk space, then try again.") from error
        raise CopyFailed(f"The archive with the files of the VM cannot be written: {error.strerror}.") from error
    files, size = sum(each.files for each in volumes), sum(each.bytes for each in volumes)
    closed = [] if paths else unread(every)
    detail = in_one_line([in_words(files, amount(size), closed), *not_found])
    return FilesKept(volumes=volumes, files=files, size=size, not_found=not_found, not_read=closed, detail=detail)


async def _archive(
    package: PackageFiles, volume: Volume, chosen: Sequence[Chosen], path: Path, watch: Watch
) -> KeptVolume:
    files = folders = size = left_out = 0
    await asyncio.to_thread(lambda: path.unlink(missing_ok=True))
    async with _Archive(path) as archive:
        for each in chosen:
            above, names = each.parts[:-1], UniqueNames()
            async with contextlib.aclosing(package.contents(each.path)) as contents:
                async for entry in contents:
                    if isinstance(entry, bytes):
                        await archive.write(entry)
                        watch.wrote(len(entry))
                    elif name := _name(entry, above, names, whole=not each.parts):
                        added = await archive.member(entry, name)
                        files += entry.kind == "file"
                        folders += entry.kind == "folder"
                        size += entry.size if entry.kind == "file" else 0
                        left_out += not added
    kept = KeptFile(file=path.name, size=archive.size, sha256=archive.sha256)
    about = _about(volume)
    return replace(about, archive=kept, files=files, folders=folders, bytes=size, left_out=left_out)


def _about(volume: Volume) -> KeptVolume:
    """The volume as the backup describes it, without the name of a disk file that is not there."""
    return KeptVolume(**asdict(replace(volume, file="", offset=0)))


def _name(entry: Entry, above: Sequence[bytes], names: UniqueNames, *, whole: bool) -> str:
    """The path of a member, from the top of the volume; empty for the top itself."""
    path = names.of(unescape(entry.path).decode("utf-8", "surrogateescape"))
    if whole:  # the first part stands for the volume
        return path.partition("/")[2]
    return "/".join([*(part.decode("utf-8", "surrogateescape") for part in above), path])


class _Archive:
    """An async context manager that writes a new tar archive, with holes where there are zeros, onto the disk."""

    def __init__(self, path: Path) -> None:
        self.size = 0
        self.sha256 = ""
        self._path = path
        self._digest = hashlib.sha256()
        self._pending = bytearray()
        self._member = 0

    async def __aenter__(self) -> Self:
        self._writer = TreeWriter(self._path)
        self._writer.__enter__()
        self._writer.file((), 0o600, int(time.time()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self._end_member()
                self._pending += bytes(2 * BLOCK)
                await self._flush()
                self.sha256 = self._digest.hexdigest()
        finally:
            self._writer.__exit__(kind, error, trace)
        if error is None:
            await asyncio.to_thread(_sync, self._path)

    async def member(self, entry: Entry, name: str) -> bool:
        """Begin a member; False for what an archive cannot have, such as a device without its number."""
        await self._end_member()
        header = tar_header(entry, name, PERMISSIONS)
        self._pending += header
        return bool(header)

    async def write(self, data: bytes) -> None:
        """Add to the file that was begun last."""
        self._member += len(data)
        self._pending += data
        if len(self._pending) >= PIECE:
            await self._flush()

    async def _end_member(self) -> None:
        self._pending += bytes(-self._member % BLOCK)
        self._member = 0
        if len(self._pending) >= PIECE:
            await self._flush()

    async def _flush(self) -> None:
        data, self._pending = bytes(self._pending), bytearray()
        self.size += len(data)
        await whole_in_thread(self._put, data)

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self._writer.write(data)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _json(record: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(record, indent=2)}\n".encode()
