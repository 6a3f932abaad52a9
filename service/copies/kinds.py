"""What each kind of copy target runs: the words of its commands, and what it reads in their output; pure.

Facts: rclone 1.75, its manual (global flags, `rcat`, `cat`, `lsjson`, `delete`) and its exit codes.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from service.api.copy_settings import CopyTable
from service.backups.catalogue import RECORD

SCRIPT = Path(__file__).with_name("directory.py")
ABSENT = frozenset({3, 4})
"""rclone's exit statuses for a directory or a file that is not there."""


class CopyKind(ABC):
    """The commands of one target. A copy is a folder with a name of its own, and has files and no folders in it."""

    absent: ClassVar[frozenset[int]] = frozenset()
    """Exit statuses for what is not there."""

    def __init__(self, table: CopyTable) -> None:
        self._table = table

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """Variables of the program."""

    @abstractmethod
    def version(self) -> list[str]:
        """The command that prints the version of the program; empty when there is no program."""

    @abstractmethod
    def listing(self, copy: str = "") -> list[str]:
        """The command that lists all files, or those of one copy."""

    def listed(self, out: str, copy: str) -> dict[str, int]:
        """The files in the output of that command, as `COPY/NAME` with their bytes; raises ValueError."""
        found = json.loads(out or "[]")
        before = f"{copy}/" if copy and self._relative else ""
        return {f"{before}{each['Path']}": int(each["Size"]) for each in found}

    _relative: ClassVar[bool] = False

    @abstractmethod
    def look(self) -> list[str]:
        """The command that shows that the target can be read, without a list of all that it has."""

    @abstractmethod
    def put(self, copy: str, name: str, size: int) -> list[str]:
        """The command that gets a file of so many bytes on its standard input."""

    @abstractmethod
    def read(self, copy: str, name: str) -> list[str]:
        """The command that writes a file to its standard output."""

    @abstractmethod
    def gather(self, names: Path, into: Path) -> list[str]:
        """The command that copies the files whose paths are the lines of a file into a folder."""

    @abstractmethod
    def unlink(self, copy: str, name: str) -> list[str]:
        """The command that removes one file."""

    @abstractmethod
    def remove(self, copy: str) -> list[list[str]]:
        """The commands that remove the files of a copy, `backup.json` after all others."""

    def tidy(self, copy: str) -> list[str]:  # noqa: ARG002
        """The command that removes the empty folder of a copy; empty when the removal has done that."""
        return []


class Rclone(CopyKind):
    """rclone with a remote of its configuration file."""

    absent = ABSENT
    _relative = True

    def __init__(self, table: CopyTable) -> None:
        super().__init__(table)
        program = shlex.split(table.program) if table.program else ["rclone"]
        self.words = [*program, "--ask-password=false", "--retries", "1", "--stats", "0"]

    def environment(self) -> dict[str, str]:
        """The configuration file."""
        return {"RCLONE_CONFIG": str(self._table.config_file)}

    def version(self) -> list[str]:  # noqa: D102
        return [self.words[0], "version"]

    def listing(self, copy: str = "") -> list[str]:  # noqa: D102
        options = ["--recursive", "--files-only", "--no-mimetype", "--no-modtime"]
        return [*self.words, "lsjson", *options, self._at(copy)]

    def look(self) -> list[str]:  # noqa: D102
        return [*self.words, "lsf", "--max-depth", "1", self._at()]

    def put(self, copy: str, name: str, size: int) -> list[str]:  # noqa: D102
        return [*self.words, "rcat", "--size", str(size), self._at(copy, name)]

    def read(self, copy: str, name: str) -> list[str]:  # noqa: D102
        return [*self.words, "cat", self._at(copy, name)]

    def gather(self, names: Path, into: Path) -> list[str]:  # noqa: D102
        options = ["--files-from-raw", str(names), "--no-traverse", "--max-transfer", "1G"]
        return [*self.words, "copy", *options, self._at(), str(into)]

    def unlink(self, copy: str, name: str) -> list[str]:  # noqa: D102
        return [*self.words, "deletefile", self._at(copy, name)]

    def remove(self, copy: str) -> list[list[str]]:  # noqa: D102
        # Not purge: on S3, it would also remove the versions that a bucket with object lock keeps.
        others = [*self.words, "delete", "--exclude", f"/{RECORD}", self._at(copy)]
        return [others, [*self.words, "delete", self._at(copy)]]

    def tidy(self, copy: str) -> list[str]:  # noqa: D102
        return [*self.words, "rmdir", self._at(copy)]

    def _at(self, *parts: str) -> str:
        remote = self._table.remote
        below = "/".join(filter(None, parts))
        return f"{remote}{'' if remote.endswith((':', '/')) or not below else '/'}{below}"


class Directory(CopyKind):
    """A directory of this machine, such as one that is mounted from a server."""

    absent = frozenset({3})

    def environment(self) -> dict[str, str]:  # noqa: D102
        return {}

    def version(self) -> list[str]:  # noqa: D102
        return []

    def listing(self, copy: str = "") -> list[str]:  # noqa: D102
        return self._words("list", *filter(None, [copy]))

    def look(self) -> list[str]:  # noqa: D102
        return self.listing("none")

    def put(self, copy: str, name: str, size: int) -> list[str]:  # noqa: D102
        return self._words("put", copy, name, str(size))

    def read(self, copy: str, name: str) -> list[str]:  # noqa: D102
        return self._words("read", copy, name)

    def gather(self, names: Path, into: Path) -> list[str]:  # noqa: D102
        return self._words("gather", str(names), str(into))

    def unlink(self, copy: str, name: str) -> list[str]:  # noqa: D102
        return self._words("unlink", copy, name)

    def remove(self, copy: str) -> list[list[str]]:  # noqa: D102
        return [self._words("remove", copy, RECORD)]

    def _words(self, verb: str, *words: str) -> list[str]:
        return [sys.executable, "-I", "-S", str(SCRIPT), verb, str(self._table.path), *words]


KINDS: dict[str, type[CopyKind]] = {"rclone": Rclone, "directory": Directory}

REASONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|StatusCode: 40[13]|unable to authenticate|"
            r"Permission denied|PERMISSION_DENIED",
            re.IGNORECASE,
        ),
        "The target refuses the credentials, or what they may do. Check the key and its rights.",
    ),
    (
        re.compile(r"No space left|Disk quota|EDQUOT|QuotaExceeded|InsufficientStorage|StatusCode: 507", re.IGNORECASE),
        "The target is full. Free some space there, or keep fewer copies.",
    ),
    (re.compile(r"didn't find section in config file"), "The configuration file has no remote of that name."),
    (
        re.compile(r"NoSuchBucket|No such file or directory|directory not found", re.IGNORECASE),
        "The bucket or the directory is not there. Create it, or mount it.",
    ),
    (
        re.compile(r"dial tcp|no such host|i/o timeout|connection refused|Network is unreachable", re.IGNORECASE),
        "The target does not answer. Check its address and the network.",
    ),
)
"""What the words of a program mean for whoever runs the service."""


def reason(said: str) -> str:
    """What to do about what a program said; empty when that is not known."""
    return next((words for pattern, words in REASONS if pattern.search(said)), "")
