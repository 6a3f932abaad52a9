"""One copy target at work: what it has, writing a file to it, reading one back, and removing a copy."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from service.api.copy_settings import CopyTarget
from service.api.models import Check
from service.api.named_tables import named_table
from service.api.settings import Settings
from service.copies.kinds import KINDS, reason
from service.copies.local import contents, directory_checks, prepare
from service.errors import CopyFailed, DiskFull, TargetFailed
from service.saving.process import Ended, SaveProcess
from service.saving.store import HIDDEN_PREFIXES, one_line
from service.transfer.disk_space import FULL, disk_full, free_space
from service.transfer.safe_open import safe_open

R = TypeVar("R")

PIECE = 1 << 20
DIRECTORY_SECONDS = 10.0
"""How long a look at a directory may take before a job is queued."""
LONGEST_LIST = 64 << 20
"""Bytes that the list of a target's files may have: about 100 for each."""
LEAST_FREE = 1 << 20
"""Bytes free on a disk that is not full."""

Progress = Callable[[int], None]
"""Gets the bytes of the file that are through so far."""


def find_target(settings: Settings, name: str) -> CopyTarget:
    """The copy target of this name; raises NotFound with a near name."""
    return named_table(settings.copy_targets(), name, what="copy target", section="copy")


class CopyStore:
    """The commands of one copy target, each within its time limits. All methods raise TargetFailed.

    A copy is a folder at the target with the id of its backup; its files are named by `copy` and `name`.
    """

    def __init__(self, target: CopyTarget) -> None:
        self.target = target
        self.kind = KINDS[target.table.kind](target.table)

    @classmethod
    def of(cls, settings: Settings, name: str) -> CopyStore:
        """The target with this name; raises NotFound."""
        return cls(find_target(settings, name))

    def missing_program(self) -> str:
        """That the program is not installed, and what to do; empty when it is."""
        name, program = self.target.name, self.kind.version()[:1]
        if program and not shutil.which(program[0]):
            return (
                f"The copy target {name} needs {program[0]}, which is not installed where the service runs. Install "
                f"it, or set program in [copy.{name}]."
            )
        return ""

    async def checks(self, beside: Path) -> list[Check]:
        """What prevents a copy as far as this machine knows, and whether a directory is on the disk of `beside`."""
        if missing := self.missing_program():
            return [Check(rule="copy-target", severity="refuse", message=missing)]
        if self.target.table.path is None:
            return []
        try:
            async with asyncio.timeout(DIRECTORY_SECONDS):  # it may be on a server that no longer answers
                return await asyncio.to_thread(directory_checks, self.target.name, self.target.table.path, beside)
        except TimeoutError:
            message = f"The directory of the copy target {self.target.name} does not answer."
            return [Check(rule="copy-target", severity="warn", message=message)]

    async def version(self) -> str:
        """The first line that the program prints about itself; empty for a directory."""
        words = self.kind.version()
        return (await self._run(words, "asking for its version")).out.partition("\n")[0].strip() if words else ""

    async def look(self) -> bool:
        """Read the target without changing it; False when nothing is there yet."""
        return (await self._run(self.kind.look(), "reading the target", absent=True)).status == 0

    async def files(self, copy: str = "") -> dict[str, int]:
        """The bytes of each file at the target, or of one copy, by `COPY/NAME`; empty when there is none."""
        ended = await self._run(self.kind.listing(copy), "listing what it has", absent=True)
        if ended.status in self.kind.absent:
            return {}
        try:
            return self.kind.listed(ended.out, copy)
        except (ValueError, KeyError, TypeError) as error:
            raise TargetFailed(f"The list of the copy target {self.target.name} cannot be read.") from error

    async def put(self, copy: str, name: str, folder: Path, size: int, progress: Progress) -> str:
        """Write the file `name` of a package to the target; returns the SHA-256 in hex of what was sent."""
        digest, done = hashlib.sha256(), 0
        with await asyncio.to_thread(safe_open, folder, name) as file:
            async with self._started(self.kind.put(copy, name, size), pipe="in") as process, _thread() as worker:

                def send() -> int:
                    piece = file.read(PIECE)
                    digest.update(piece)
                    left = memoryview(piece)
                    while left:
                        left = left[os.write(process.pipe, left) :]
                    return len(piece)

                try:
                    while count := await self._moving(worker, send, "taken"):
                        done += count
                        progress(done)
                    process.close_pipe()
                except BrokenPipeError:
                    await self._end(process, f"writing {name}")
                    raise TargetFailed(self._words(f"ended before it had taken all of {name}.")) from None
                await self._end(process, f"writing {name}")
        return digest.hexdigest()

    async def digest(self, copy: str, name: str, size: int, progress: Progress) -> tuple[int, str]:
        """Read a file back; its bytes and its SHA-256 in hex. It stops after more than `size` bytes.

        One that is not there has no bytes.
        """
        found, digest = 0, hashlib.sha256()
        async with self._reading(copy, name) as pieces:
            async for piece in pieces:
                await asyncio.to_thread(digest.update, piece)
                found += len(piece)
                progress(found)
                if found > size:
                    break
        return found, digest.hexdigest()

    async def fetch(self, copy: str, name: str, to: Path, size: int, progress: Progress) -> str:
        """Write a file of the target to `to`; returns its SHA-256 in hex.

        Raises DiskFull, and CopyFailed when it cannot be written for another reason.
        """
        found, written, digest = 0, 0, hashlib.sha256()

        def write(piece: bytes) -> None:
            nonlocal written
            digest.update(piece)
            left = memoryview(piece)
            while left:  # a disk that gets full takes a part
                count = file.write(left) or 0
                left, written = left[count:], written + count

        try:
            with await asyncio.to_thread(to.open, "wb", 0) as file:
                async with self._reading(copy, name) as pieces:
                    async for piece in pieces:
                        found += len(piece)
                        if found > size:
                            break
                        await asyncio.to_thread(write, piece)
                        progress(found)
                await asyncio.to_thread(os.fsync, file.fileno())
        except OSError as error:
            if error.errno in FULL:
                raise disk_full(to.parent, size - written, name) from error
            raise CopyFailed(f"{name} cannot be written to {to.parent}: {error.strerror}. Check that disk.") from error
        if found != size:
            raise TargetFailed(self._words(f"has another {name} than it lists: {found:,} bytes instead of {size:,}."))
        return digest.hexdigest()

    async def gather(self, paths: Collection[str]) -> dict[str, bytes]:
        """The content of small files, by `COPY/NAME`; one that cannot be read is missing. Raises DiskFull."""
        if not paths:
            return {}
        with tempfile.TemporaryDirectory(prefix="copies-") as made:
            names, into = await asyncio.to_thread(prepare, Path(made), paths)
            try:
                await self._run(self.kind.gather(names, into), "reading the records of its copies", absent=True)
            except TargetFailed as error:
                if free_space(into) >= LEAST_FREE:
                    raise
                raise DiskFull(
                    f"The disk of {tempfile.gettempdir()} is full, so the records of the copies cannot be read. Free "
                    "up disk space there, then try again."
                ) from error
            return await asyncio.to_thread(contents, into, paths)

    async def unlink(self, copy: str, name: str) -> None:
        """Remove one file; one that is gone is no error."""
        await self._run(self.kind.unlink(copy, name), f"removing {name}", absent=True)

    async def remove(self, copy: str) -> None:
        """Remove a copy, `backup.json` after all other files; one that is gone is no error."""
        for words in self.kind.remove(copy):
            await self._run(words, f"removing the copy {copy}", absent=True)
        if words := self.kind.tidy(copy):
            with contextlib.suppress(TargetFailed):  # a bucket has no folders
                await self._run(words, f"removing the folder {copy}", absent=True)

    @contextlib.asynccontextmanager
    async def _reading(self, copy: str, name: str) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        async with self._started(self.kind.read(copy, name), pipe="out") as process, _thread() as worker:

            async def pieces() -> AsyncGenerator[bytes, None]:
                while piece := await self._moving(worker, lambda: os.read(process.pipe, PIECE), "given"):
                    yield piece
                await self._end(process, f"reading {name} back", self.kind.absent)

            reading = pieces()
            try:
                yield reading
            finally:
                await process.stop()  # first: the thread may still read
                await reading.aclose()

    async def _moving(self, worker: ThreadPoolExecutor, do: Callable[[], R], verb: str) -> R:
        """The result of a call in the thread; raises TargetFailed when it takes longer than the target may idle."""
        idle = self.target.table.idle_seconds
        working = asyncio.get_running_loop().run_in_executor(worker, do)
        done, _ = await asyncio.wait([working], timeout=idle)
        if not done:
            working.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            raise TargetFailed(
                self._words(f"has {verb} nothing for {idle} seconds, so its command was stopped. Check it.")
            )
        return working.result()

    async def _run(self, words: Sequence[str], what: str, *, absent: bool = False) -> Ended:
        async with self._started(words) as process:
            return await self._end(process, what, self.kind.absent if absent else frozenset())

    async def _end(self, process: SaveProcess, what: str, good: Collection[int] = ()) -> Ended:
        """Wait until a command ends, no longer than the target may idle; raises TargetFailed when it failed."""
        idle = self.target.table.idle_seconds
        try:
            async with asyncio.timeout(idle) as limit:
                ended = await process.ended()
        except TimeoutError as error:
            if not limit.expired():
                raise
            words = f"has not ended {what} within {idle} seconds, so its command was stopped. Check it."
            raise TargetFailed(self._words(words)) from error
        if ended.status == 0 or ended.status in good:
            return ended
        said = one_line(ended.err) or one_line(ended.out) or "it printed nothing"
        if ended.status == 127:
            raise TargetFailed(self._words(f"cannot be used, because its program does not start: {said}"))
        raise TargetFailed(
            " ".join(filter(None, [self._words(f"failed while {what}."), reason(said), f"It said: {said}"]))
        )

    def _words(self, rest: str) -> str:
        return f"The copy target {self.target.name} {rest}"

    @contextlib.asynccontextmanager
    async def _started(self, words: Sequence[str], pipe: str = "") -> AsyncIterator[SaveProcess]:
        """A command that is stopped at the end of the block, or when the time limit of the target has passed."""
        table = self.target.table
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN_PREFIXES)}
        try:
            process = await SaveProcess.start(
                words, {**inherited, **self.kind.environment()}, pipe=pipe, most_out=LONGEST_LIST
            )
        except OSError as error:
            raise TargetFailed(f"No process can be started for a copy: {error.strerror}.") from error
        try:
            async with asyncio.timeout(table.seconds) as limit:
                yield process
        except TimeoutError as error:
            if not limit.expired():
                raise
            words_ = f"took longer than {table.seconds} seconds for one file, and its command was stopped."
            raise TargetFailed(f"{self._words(words_)} Raise seconds in [copy.{self.target.name}].") from error
        finally:
            await process.stop()


@contextlib.asynccontextmanager
async def _thread() -> AsyncIterator[ThreadPoolExecutor]:
    worker = ThreadPoolExecutor(1, thread_name_prefix="copy")
    try:
        yield worker
    finally:
        worker.shutdown(wait=False, cancel_futures=True)
