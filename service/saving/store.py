"""One save profile at work: saving a disk, reading it back, and removing what is no longer wanted."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import math
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from service.api.named_tables import named_table
from service.api.redaction import REDACTED, redact
from service.api.save_settings import NONE, SaveProfile
from service.api.settings import Settings
from service.errors import SaveFailed
from service.saving.kinds import KINDS, Archive
from service.saving.process import MOST_OUT, Ended, SaveProcess

HIDDEN_PREFIXES = ("VMKOPS_", "SLACK_")
"""Variables of the service that no command gets."""
SECRET = re.compile(r"KEY|SECRET|PASS|TOKEN|CREDENTIAL", re.IGNORECASE)
"""The names of variables whose values are removed from what a command prints."""
SHOWN = 400
"""Characters of a command's output that a message has."""
FORGET_AT_ONCE = 100
LONGEST_LIST = 16 << 20
"""Bytes that the list of a store's archives may have: about 500 for each."""
LOCK_PAUSE = 0.2
PATIENCE = 60.0
"""How long a removal waits for the jobs that save to the same store; it is tried again later."""
PLAIN = re.compile(r"[^A-Za-z0-9.-]+")


class SavedDisk(BaseModel):
    """Where one disk of a backup is in the store: `archive` as the store names it, and the `path` in that archive.

    `file` is the name of the disk in the descriptor; `size` (bytes) and `sha256` (hex) are those of the raw disk.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    archive: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")
    path: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}/disk-[0-9]{1,4}\.raw$")
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    sent: int = Field(default=0, ge=0)
    """Bytes of the compressed stream that the host sent: about what the disk needs where it is thin."""


class Saved(BaseModel):
    """What a backup keeps of a save: the name and the kind of the profile, where it goes, and each disk."""

    model_config = ConfigDict(frozen=True)

    profile: str
    kind: str
    repository: str = ""
    disks: list[SavedDisk]


class DiskFacts(NamedTuple):
    """What a command learns about a disk; `vm` has the keys `name`, `uuid`, `moref` and `vcenter`."""

    vm: Mapping[str, str]
    job: str
    path: str
    archive: str
    size: int
    time: str

    def variables(self) -> dict[str, str]:
        """The environment variables that docs/save.md documents."""
        found = {
            **{f"VMKOPS_VM_{name.upper()}": value for name, value in self.vm.items()},
            "VMKOPS_JOB_ID": self.job,
            "VMKOPS_DISK_NAME": self.path,
            "VMKOPS_DISK_SIZE": str(self.size),
            "VMKOPS_BACKUP_TIME": self.time,
            "VMKOPS_ARCHIVE": self.archive,
        }
        return {name: value.replace("\0", "") for name, value in found.items()}


def folder_of(uuid: str, moref: str) -> str:
    """The name in the store of a VM: the same in every backup, so that its disks are compared with earlier ones."""
    return PLAIN.sub("-", uuid or moref).strip(".-")[:80] or "vm"


def choose_save(settings: Settings, asked: str) -> SaveProfile | None:
    """The save profile that a request names, or the default one; None for a plain copy.

    Raises NotFound with a near name when there is no such profile.
    """
    name = asked or settings.default_save
    return None if name in ("", NONE) else find_profile(settings, name)


def find_profile(settings: Settings, name: str) -> SaveProfile:
    """The save profile of this name; raises NotFound with a near name."""
    return named_table(settings.save_profiles(), name, what="save profile", section="save", also=NONE)


class Store:
    """The store behind one save profile; `folder` is the backups directory, which has the file of its lock."""

    def __init__(self, profile: SaveProfile, folder: Path) -> None:
        self.profile = profile
        self.kind = KINDS[profile.table.kind](profile.table)
        self._lock = folder / f".save-{profile.name}.lock"

    @classmethod
    def of(cls, settings: Settings, name: str) -> Store:
        """The store of the profile with this name; raises NotFound."""
        return cls(find_profile(settings, name), settings.backups_dir)

    def missing_program(self) -> str:
        """The program that is not installed; empty when it is."""
        return "" if shutil.which(self.kind.words[0]) else self.kind.words[0]

    @contextlib.asynccontextmanager
    async def saving(self, facts: DiskFacts) -> AsyncIterator[SaveProcess]:
        """The command that saves a disk, with its standard input as `pipe`; it is stopped at the end of the block.

        Hold the `turn` meanwhile.
        """
        if self.profile.table.kind == "tar":
            await asyncio.to_thread(Path(self.profile.table.repository).mkdir, parents=True, exist_ok=True)
        words = self.kind.save(facts.path, facts.archive, facts.job)
        async with self._started(words, facts.variables(), "in") as process:
            yield process

    def turn(self, waiting: Callable[[], None]) -> contextlib.AbstractAsyncContextManager[None]:
        """Wait until this process may write to the store; for as long as the block runs, no archive is removed.

        `waiting` is called once if that takes a wait.
        """
        return self._locked(exclusive=self.kind.alone, waiting=waiting)

    @contextlib.asynccontextmanager
    async def reading(self, disk: SavedDisk, facts: DiskFacts) -> AsyncIterator[SaveProcess]:
        """The command that reads a disk back, with its standard output as `pipe`; raises SaveFailed without one."""
        words = self.kind.read(disk.path, disk.archive)
        if not words:
            raise SaveFailed(
                f"The save profile {self.profile.name} has no command that reads a disk back. Add restore to "
                f"[save.{self.profile.name}] in vmkops.toml."
            )
        async with self._locked(exclusive=self.kind.alone), self._started(words, facts.variables(), "out") as process:
            yield process

    def archive(self, facts: DiskFacts, ended: Ended) -> Archive:
        """What a save that has ended has made; raises SaveFailed when it failed."""
        if ended.status not in self.kind.good:
            raise SaveFailed(self.failed("saving", ended))
        try:
            return self.kind.saved(facts.archive, ended.out)
        except (OSError, ValueError) as error:
            raise SaveFailed(f"The save profile {self.profile.name} ended well, but {error}.") from error

    async def archives(self, job: str) -> list[str] | None:
        """The ids of the archives of a job; None when the profile cannot list any. Raises SaveFailed."""
        words = self.kind.listing(job)
        if not words:
            return None
        async with self._locked(exclusive=self.kind.alone):
            ended = await self._run(words, {}, "listing the archives")
        try:
            return self.kind.listed(ended.out)
        except (KeyError, ValueError) as error:
            raise SaveFailed(f"The list of archives of the save profile {self.profile.name} cannot be read.") from error

    async def forget(self, archives: Sequence[str], facts: Sequence[DiskFacts] = ()) -> bool:
        """Remove archives; one that is gone is no error. False when the profile has no command for it.

        `facts` has one entry for each archive, for a team's own command, which removes one at a time. Raises
        SaveFailed.
        """
        if not archives:
            return True
        if not self.kind.forget(archives):
            return False
        async with self._locked(exclusive=True, patience=PATIENCE):
            if facts and self.profile.table.kind == "command":
                for each in facts:
                    await self._run(self.kind.forget([each.archive]), each.variables(), "removing an archive")
                return True
            if self.profile.table.kind == "restic":  # removes only the locks of processes that died
                await self._run([*self.kind.words, "unlock"], {}, "removing old locks")
            for start in range(0, len(archives), FORGET_AT_ONCE):
                words = self.kind.forget(archives[start : start + FORGET_AT_ONCE])
                await self._run(words, {}, "removing archives")
        return True

    async def look(self) -> str:
        """Read the repository without changing it; the first line that the program prints about itself.

        Empty for a command of a team's own, which nobody can try without a disk. Raises SaveFailed.
        """
        if not (version := self.kind.version()):
            return ""
        found = await self._run(version, {}, "asking for its version")
        await self._run(self.kind.look(), {}, "reading the repository")
        return found.out.partition("\n")[0].strip()

    async def free(self) -> bool:
        """Free the space of removed archives; False when the profile needs no such command. Raises SaveFailed."""
        words = self.kind.free()
        if not words:
            return False
        async with self._locked(exclusive=True, patience=PATIENCE):
            await self._run(words, {}, "freeing space")
        return True

    def failed(self, what: str, ended: Ended) -> str:
        """Why a command failed, with the end of what it printed."""
        said = self.shown(ended.err) or self.shown(ended.out) or "it printed nothing"
        name = self.profile.name
        if ended.status == 127:
            return f"The command of the save profile {name} cannot be started: {said}. Check [save.{name}]."
        status = f"exit status {ended.status}"
        if ended.status > 128:
            status = f"signal {ended.status - 128}"
        return f"The command of the save profile {name} failed with {status} while {what}: {said}"

    def shown(self, text: str) -> str:
        """The end of what a command printed, as one line without control characters and secrets."""
        for secret in sorted(self._secrets(), key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return one_line(text)

    def _secrets(self) -> set[str]:
        table = self.profile.table
        found = {value for name, value in table.environment.items() if SECRET.search(name)}
        found |= {each.get_secret_value() for each in self.profile.secrets.values()}
        if table.password_file is not None:
            with contextlib.suppress(OSError, ValueError):
                found.add(table.password_file.read_text(encoding="utf-8").strip())
        return {each for each in found if len(each) >= 4}

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(HIDDEN_PREFIXES)},
            **self.kind.environment(),
            **self.profile.table.environment,
            **{name: value.get_secret_value() for name, value in self.profile.secrets.items()},
            **variables,
        }

    async def _run(self, words: Sequence[str], variables: Mapping[str, str], what: str) -> Ended:
        """Run a command to its end within the time limit; raises SaveFailed."""
        async with self._started(words, variables, "", most_out=LONGEST_LIST) as process:
            ended = await process.ended()
        if ended.status not in self.kind.good:
            raise SaveFailed(self.failed(what, ended))
        return ended

    @contextlib.asynccontextmanager
    async def _started(
        self, words: Sequence[str], variables: Mapping[str, str], pipe: str, *, most_out: int = MOST_OUT
    ) -> AsyncIterator[SaveProcess]:
        """A command that is stopped at the end of the block, or when the time limit of the profile has passed."""
        table = self.profile.table
        try:
            process = await SaveProcess.start(
                words, self._environment(variables), pipe=pipe, polite=self.kind.polite, most_out=most_out
            )
        except OSError as error:
            raise SaveFailed(f"No process can be started for a save command: {error.strerror}.") from error
        try:
            async with asyncio.timeout(table.seconds) as limit:
                yield process
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise SaveFailed(
                f"The command of the save profile {self.profile.name} took longer than {table.seconds} seconds and was "
                f"stopped. Raise seconds in [save.{self.profile.name}] if it needs more."
            ) from error
        finally:
            await process.stop()

    @contextlib.asynccontextmanager
    async def _locked(
        self, *, exclusive: bool, waiting: Callable[[], None] = lambda: None, patience: float = math.inf
    ) -> AsyncIterator[None]:
        """Hold the lock of the profile: removals, and each write to a borg repository, run alone.

        It ends with the process. Another host that uses the same repository is kept out by the store itself. `waiting`
        is called once if it is held elsewhere; after `patience` seconds, SaveFailed is raised.
        """
        limit, told = time.monotonic() + patience, False
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(handle, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() > limit:
                        raise SaveFailed(f"Other jobs use the save profile {self.profile.name}.") from error
                    if not told:
                        waiting()
                    told = True
                    await asyncio.sleep(LOCK_PAUSE)
            yield
        finally:
            os.close(handle)


def one_line(text: str) -> str:
    """The end of what a command printed, as one line without control characters and the secret parts of URLs."""
    lines = (
        " ".join("".join(each if each.isprintable() else " " for each in line).split()) for line in text.splitlines()
    )
    line = " / ".join(filter(None, lines))
    return redact(line if len(line) <= SHOWN else f"...{line[-SHOWN:]}")
