"""The files of kept packages, each read by a confined process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from service import errors
from service.api.adapter import adapter
from service.errors import DiskUnreadable, InvalidParams, LimitReached, NotConfigured, NotFound, WorkersBusy
from service.files.answers import Answers, Frame
from service.files.child import LIBRARIES
from service.files.stored import Disks, Stored
from service.files.values import Entry, Extent, Volume, Volumes
from service.workers.frames import frame
from service.workers.process import PASSED

MODULE = "service.files.child"
MEMORY = 1 << 30
"""Bytes of address space of a process."""
STALL_SECONDS = 90
"""How long a process may work without an answer; then it is killed. What it sends waits for the receiver."""
MOST = 4
"""Processes at a time."""
WAIT_SECONDS = 50
"""How long a request waits for its turn."""
SLOW = (
    "Reading takes more time or memory than it may have. Name a smaller folder; if it is one file, the disk is damaged."
)
_RAISED = {each.__name__: each for each in (DiskUnreadable, InvalidParams, NotFound)}


class DiskPlaces(NamedTuple):
    """Where disks are: the folder, and the names of the files in the order of the disks.

    A file in `members` is an uncompressed tar archive, with this name for the raw disk in it. A backup of files has no
    disks: its `archives` are its volumes, each with the name of the tar archive that has its files, or an empty one.
    """

    folder: Path
    files: list[str]
    members: Mapping[str, str] = MappingProxyType({})
    archives: Sequence[tuple[Volume, str]] = ()


class PackageFiles:
    """The files on the disks of a package."""

    def __init__(self, readers: FileReaders, places: DiskPlaces) -> None:
        self._readers, self._places = readers, places

    async def volumes(self) -> Volumes:
        """Disks, partitions and logical volumes. Raises as `stat`."""
        return adapter(Volumes).validate_json(await self._one("volumes"))

    async def stat(self, path: str, *, follow: bool = False, by_volume: bool = False) -> Entry:
        """What a path means (see `service.files.names.read_target` and `PackageReader.stat`).

        Raises NotFound with suggestions, InvalidParams, DiskUnreadable, LimitReached, WorkersBusy when other requests
        take too long, and NotConfigured when the libraries are not installed.
        """
        return adapter(Entry).validate_json(await self._one("stat", path=path, follow=follow, by_volume=by_volume))

    async def entries(self, path: str, *, depth: int = 0, pattern: str = "") -> AsyncGenerator[list[Entry], None]:
        """What is in a folder, in batches; see `PackageReader.entries`. Raises as `stat`."""
        arguments = {"path": path, "depth": depth, "pattern": pattern}
        async with contextlib.aclosing(self._ask("entries", arguments)) as answers:
            async for _, body in answers:
                yield adapter(list[Entry]).validate_json(body)

    async def pieces(self, path: str, *, offset: int = 0, size: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes of a file, or `size` of them from `offset`. Raises as `stat`."""
        arguments = {"path": path, "offset": offset, "size": size}
        async with contextlib.aclosing(_read(self._bytes("pieces", arguments))) as answers:
            async for each in answers:
                assert isinstance(each, bytes)
                yield each

    async def file(
        self, path: str, *, start: int | None = None, stop: int | None = None
    ) -> AsyncGenerator[Entry | bytes | Stored, None]:
        """What a path means, then its bytes if it is a file; see `PackageReader.file`. Raises as `stat`.

        Bytes that a disk has as they are come as `Stored`, and its disk is open until the next one is asked for.
        """
        arguments = {"path": path, "start": start, "stop": stop}
        async with contextlib.aclosing(self._bytes("file", arguments)) as answers:
            async for each in answers:
                yield each

    async def contents(self, path: str) -> AsyncGenerator[Entry | bytes, None]:
        """A file or a folder with all that is in it; see `PackageReader.contents`. Raises as `stat`."""
        async with contextlib.aclosing(_read(self._bytes("contents", {"path": path}))) as answers:
            async for each in answers:
                yield each

    async def _one(self, do: str, **arguments: Any) -> bytes:
        async with contextlib.aclosing(self._ask(do, arguments)) as answers:
            found = [body async for _, body in answers]
        return found[0]

    async def _bytes(self, do: str, arguments: dict[str, Any]) -> AsyncGenerator[Entry | bytes | Stored, None]:
        with Disks(self._places.folder, self._places.files) as disks:
            async with contextlib.aclosing(self._ask(do, arguments)) as answers:
                async for header, body in answers:
                    if header.get("data"):
                        yield body
                    elif header.get("extents"):
                        for each in disks.stored(adapter(list[Extent]).validate_json(body)):
                            yield each
                    else:
                        yield adapter(Entry).validate_json(body)

    async def _ask(self, do: str, arguments: dict[str, Any]) -> AsyncGenerator[Frame, None]:
        """The header and the bytes of each answer."""
        folder, files, members, archives = self._places
        request: dict[str, Any] = {"do": do, "folder": str(folder), "files": files, "members": dict(members)}
        request["arguments"] = arguments
        request["archives"] = [(_plain(volume), name) for volume, name in archives]
        async with self._readers.process(request) as answers:
            while True:
                header, body = await _next(answers)
                if header.get("end"):
                    return
                if "error" in header:
                    raise _error(header)
                yield header, body


def _plain(volume: Volume) -> dict[str, Any]:
    """What a volume has in common with those that the backup describes in more detail."""
    return {each.name: getattr(volume, each.name) for each in fields(Volume)}


async def _read(answers: AsyncGenerator[Entry | bytes | Stored, None]) -> AsyncGenerator[Entry | bytes, None]:
    """The same with all bytes read."""
    async with contextlib.aclosing(answers):
        async for each in answers:
            if not isinstance(each, Stored):
                yield each
                continue
            async with contextlib.aclosing(each.pieces()) as pieces:
                async for piece in pieces:
                    yield piece


def missing_libraries() -> str:
    """That the libraries are not installed, and how to install them; empty when they are."""
    if all(importlib.util.find_spec(name) for name in LIBRARIES):
        return ""
    return (
        "The libraries that read file systems are not installed where the service runs. Install them there: "
        'pip install "vmkops[files]", with the pip of the same Python. `vmkops help files` has other ways.'
    )


class FileReaders:
    """Starts the processes that read packages, a few at a time."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(MOST)
        self._threads = ThreadPoolExecutor(MOST, thread_name_prefix="files")

    def check(self) -> None:
        """Raises NotConfigured when the libraries are not installed."""
        if missing := missing_libraries():
            raise NotConfigured(missing)

    def open(self, places: DiskPlaces) -> PackageFiles:
        """The files of a package; nothing is read yet. Raises NotConfigured when the libraries are not installed."""
        self.check()
        return PackageFiles(self, places)

    @contextlib.asynccontextmanager
    async def process(self, request: dict[str, Any]) -> AsyncGenerator[Answers, None]:
        """The answers of a process to a request; it is killed at the end of the block. Raises WorkersBusy."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise WorkersBusy("Other requests for files of backups take long. Try again in a minute.") from None
        try:
            async with Answers(self._threads) as answers:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *("-P", "-m", MODULE, str(MEMORY), str(os.getpid())),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=answers.to,
                    env={name: os.environ[name] for name in PASSED if name in os.environ},
                    start_new_session=True,
                )
                answers.started()
                try:
                    assert process.stdin is not None
                    with contextlib.suppress(ConnectionError):
                        process.stdin.writelines(frame(request))
                        await process.stdin.drain()
                    yield answers
                finally:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
        finally:
            self._turns.release()


async def _next(answers: Answers) -> Frame:
    try:
        return await answers.next(STALL_SECONDS)
    except (TimeoutError, EOFError, ValueError):
        raise LimitReached(SLOW) from None


def _error(header: dict[str, Any]) -> errors.VmkopsError:
    kind, detail = str(header["error"]), str(header.get("detail", ""))
    if kind in _RAISED:
        return _RAISED[kind](detail, [str(each) for each in header.get("suggestions", ())])
    if kind == "memory":
        return LimitReached(SLOW)
    if kind == "missing":
        return NotConfigured(f"The Python module {detail} is not installed where the service runs.")
    return DiskUnreadable("The disk cannot be read there: it is damaged, or its form is not known.")
