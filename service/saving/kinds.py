"""What each kind of save profile runs: the words of its commands, and what it reads in their output; pure.

Facts: restic 0.14 and borg 1.2 from Debian, their manuals, and what they print with `--json`.
"""

from __future__ import annotations

import json
import shlex
import signal
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from service.api.save_settings import SaveTable

SECTOR = 512
TAG = "vmkops"

CHUNKS = "fixed,1048576"
"""How borg cuts a disk: a change in place changes one MiB then, and not the up to 8 MiB of its usual chunks."""


class Archive(NamedTuple):
    """One disk in the store: the id that the store gave it, and the bytes that it added; None when unknown."""

    id: str
    added: int | None


class SaveKind(ABC):
    """The commands of one profile; a disk has a `name` (`UUID/disk-0.raw`) and gets an `archive` name of its own."""

    program: ClassVar[str]
    polite: ClassVar[int] = signal.SIGTERM
    """The signal at which the program ends in good order."""
    alone: ClassVar[bool] = False
    """Whether only one command at a time can write to the repository."""
    good: ClassVar[frozenset[int]] = frozenset({0})
    """The exit statuses of success."""

    def __init__(self, table: SaveTable) -> None:
        self._table = table
        self.words = shlex.split(table.program) if table.program else [self.program]

    def version(self) -> list[str]:
        """The command that prints the version of the program; empty when there is no program."""
        return [self.words[0], "--version"]

    def look(self) -> list[str]:
        """The command that reads the repository and changes nothing; empty when there is none."""
        return []

    def environment(self) -> dict[str, str]:
        """Variables of the program; those of the profile go before them."""
        return {}

    def before(self, name: str, size: int) -> bytes:  # noqa: ARG002
        """What comes before the disk in the stream."""
        return b""

    def after(self, size: int) -> bytes:  # noqa: ARG002
        """What comes after the disk in the stream."""
        return b""

    @abstractmethod
    def save(self, name: str, archive: str, job: str) -> list[str]:
        """The command that gets the disk on its standard input."""

    def saved(self, archive: str, out: str) -> Archive:  # noqa: ARG002
        """What the command has made, by its standard output; raises ValueError when that does not say it."""
        return Archive(archive, None)

    @abstractmethod
    def read(self, name: str, archive: str) -> list[str]:
        """The command that writes the disk to its standard output; empty when the profile has none."""

    def listing(self, job: str) -> list[str]:  # noqa: ARG002
        """The command that lists the archives of a job; empty when the profile has none."""
        return []

    def listed(self, out: str) -> list[str]:  # noqa: ARG002
        """The ids in the output of that command, or raises ValueError."""
        return []

    @abstractmethod
    def forget(self, archives: Sequence[str]) -> list[str]:
        """The command that removes these archives; empty when the profile has none. An archive that is gone is none."""

    def free(self) -> list[str]:
        """The command that frees the space of what was removed; empty when there is none."""
        return []


class Restic(SaveKind):
    """restic: one snapshot for each disk, with the tags `vmkops` and `job-ID`."""

    program = "restic"
    polite = signal.SIGINT  # it removes its lock then, and makes no snapshot

    def version(self) -> list[str]:  # noqa: D102
        return [self.words[0], "version"]

    def look(self) -> list[str]:  # noqa: D102
        return [*self.words, "--no-lock", "cat", "config"]

    def environment(self) -> dict[str, str]:
        """The repository and the file of its password; neither is in the list of processes."""
        return {
            "RESTIC_REPOSITORY": self._table.repository,
            "RESTIC_PASSWORD_FILE": str(self._table.password_file),
            "RESTIC_PROGRESS_FPS": "0.1",
        }

    def save(self, name: str, archive: str, job: str) -> list[str]:  # noqa: ARG002, D102
        tags = ["--tag", f"{TAG},job-{job}"]
        return [*self.words, "--json", "backup", "--host", TAG, *tags, "--stdin", "--stdin-filename", name]

    def saved(self, archive: str, out: str) -> Archive:  # noqa: ARG002, D102
        summary = next((each for each in map(_object, reversed(out.splitlines())) if "snapshot_id" in each), {})
        if not isinstance(summary.get("snapshot_id"), str):
            raise ValueError("restic printed no summary of its snapshot")
        # Since 0.17, the bytes after compression have a name of their own.
        added = summary.get("data_added_packed", summary.get("data_added"))
        return Archive(summary["snapshot_id"], added if isinstance(added, int) else None)

    def read(self, name: str, archive: str) -> list[str]:  # noqa: D102
        return [*self.words, "dump", archive, f"/{name}"]

    def listing(self, job: str) -> list[str]:  # noqa: D102
        return [*self.words, "--json", "snapshots", "--tag", f"{TAG},job-{job}"]

    def listed(self, out: str) -> list[str]:  # noqa: D102
        return [str(each["id"]) for each in _list(out)]

    def forget(self, archives: Sequence[str]) -> list[str]:  # noqa: D102
        return [*self.words, "forget", *archives]

    def free(self) -> list[str]:  # noqa: D102
        return [*self.words, "prune"]


class Borg(SaveKind):
    """borg 1.x: one archive for each disk, with the name `JOB-disk-0-...`."""

    program = "borg"
    alone = True
    good = frozenset({0, 1})  # 1: a warning

    def look(self) -> list[str]:  # noqa: D102
        return [*self.words, "list", "--bypass-lock", "--last", "1", "--short"]

    def environment(self) -> dict[str, str]:
        """The repository, what reads its password, and `no` to questions: the disk would answer them."""
        password = self._table.password_file
        return {
            "BORG_REPO": self._table.repository,
            **({"BORG_PASSCOMMAND": f"cat {shlex.quote(str(password))}"} if password else {}),
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "no",
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "no",
        }

    def save(self, name: str, archive: str, job: str) -> list[str]:  # noqa: ARG002, D102
        options = ["--lock-wait", "600", "--json", "--chunker-params", CHUNKS, "--stdin-name", name]
        return [*self.words, "create", *options, f"::{archive}", "-"]

    def saved(self, archive: str, out: str) -> Archive:  # noqa: D102
        found = _object(out).get("archive")
        stats = found.get("stats") if isinstance(found, dict) else None
        added = stats.get("deduplicated_size") if isinstance(stats, dict) else None
        return Archive(archive, added if isinstance(added, int) else None)

    def read(self, name: str, archive: str) -> list[str]:  # noqa: D102
        return [*self.words, "extract", "--lock-wait", "600", "--stdout", f"::{archive}", name]

    def listing(self, job: str) -> list[str]:  # noqa: D102
        # With --consider-checkpoints, what an interrupted save left is listed too.
        return [
            *(*self.words, "list", "--lock-wait", "600", "--json", "--consider-checkpoints"),
            *("--glob-archives", f"{job}-disk-*"),
        ]

    def listed(self, out: str) -> list[str]:  # noqa: D102
        return [str(each["name"]) for each in _list(json.dumps(_object(out).get("archives")))]

    def forget(self, archives: Sequence[str]) -> list[str]:  # noqa: D102
        first, *others = archives
        return [*self.words, "delete", "--lock-wait", "600", "--force", f"::{first}", *others]

    def free(self) -> list[str]:  # noqa: D102
        return [*self.words, "compact", "--lock-wait", "600"]


class Tar(SaveKind):
    """One uncompressed tar archive for each disk, in the folder `repository`."""

    program = "tar"

    def __init__(self, table: SaveTable) -> None:
        super().__init__(table)
        self._folder = Path(table.repository)

    def look(self) -> list[str]:  # noqa: D102
        return ["find", str(self._folder), "-maxdepth", "0"]

    def before(self, name: str, size: int) -> bytes:  # noqa: D102
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        return member.tobuf(tarfile.GNU_FORMAT)

    def after(self, size: int) -> bytes:  # noqa: D102
        return bytes(-size % SECTOR + 2 * SECTOR)

    def save(self, name: str, archive: str, job: str) -> list[str]:  # noqa: ARG002, D102
        to = self._folder / f"{archive}.tar"
        return ["dd", f"of={to}", "bs=1M", "iflag=fullblock", "conv=fsync", "status=none"]

    def saved(self, archive: str, out: str) -> Archive:  # noqa: ARG002, D102
        name = f"{archive}.tar"
        return Archive(name, (self._folder / name).stat().st_size)

    def read(self, name: str, archive: str) -> list[str]:  # noqa: D102
        return [*self.words, "--extract", "--to-stdout", "--file", str(self._folder / archive), name]

    def listing(self, job: str) -> list[str]:  # noqa: D102
        return ["find", str(self._folder), "-maxdepth", "1", "-name", f"{job}-disk-*.tar", "-printf", "%f\\n"]

    def listed(self, out: str) -> list[str]:  # noqa: D102
        return out.split()

    def forget(self, archives: Sequence[str]) -> list[str]:  # noqa: D102
        return ["rm", "-f", "--", *(str(self._folder / each) for each in archives)]


class Own(SaveKind):
    """A team's own shell commands; the archive is the name in VMKOPS_ARCHIVE."""

    program = "sh"

    def version(self) -> list[str]:  # noqa: D102
        return []

    def save(self, name: str, archive: str, job: str) -> list[str]:  # noqa: ARG002, D102
        return ["sh", "-c", self._table.command]

    def read(self, name: str, archive: str) -> list[str]:  # noqa: ARG002, D102
        return ["sh", "-c", self._table.restore] if self._table.restore else []

    def forget(self, archives: Sequence[str]) -> list[str]:  # noqa: ARG002, D102
        return ["sh", "-c", self._table.forget] if self._table.forget else []


KINDS: dict[str, type[SaveKind]] = {"restic": Restic, "borg": Borg, "tar": Tar, "command": Own}


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _list(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError("it printed no JSON") from error
    if found is None:  # restic has no snapshot to list
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError("it printed something else than a list")
    return found
