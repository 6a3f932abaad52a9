"""Which files and folders of a VM a job takes, where they go, and how it watches its progress and the free space."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from service.api.words import counted, in_one_line
from service.errors import CopyFailed, InvalidParams, NotFound
from service.files.names import Target, path_text, read_target
from service.files.readers import PackageFiles
from service.files.values import KIND_WORDS, Volume
from service.jobs.action import JobControl
from service.transfer.disk_space import LOOK_BYTES, require_space

MOST_PATHS = 100
LONGEST_FOLDER = 200
"""Characters of the name of a folder, so that a file system takes it with an ending."""
SWAP = "swap"


class Chosen(NamedTuple):
    """A folder or a file that a job takes: its volume, and its path there."""

    volume: Volume
    parts: tuple[bytes, ...]

    @property
    def path(self) -> str:
        """As the reader takes it."""
        return f"{self.volume.name}:{path_text(self.parts)}"


class Choice(NamedTuple):
    """What a job takes, and the paths that it cannot take, each with the reason as a sentence."""

    chosen: list[Chosen]
    left: list[str]


def read_paths(text: str) -> list[str]:
    r"""The paths in a text with commas between them; a comma of a name is `\x2c`. Raises InvalidParams."""
    paths = [each.strip() for each in text.split(",") if each.strip()]
    if len(paths) > MOST_PATHS:
        raise InvalidParams(f"There are {len(paths)} paths, and at most {MOST_PATHS} are possible. Name their folders.")
    for path in paths:
        read_target(path)
    return paths


async def choose(
    package: PackageFiles, every: Sequence[Volume], paths: Sequence[str], *, all_of_them: bool = True
) -> Choice:
    """What the paths mean, or each whole volume without any; of two where one contains the other, only that one.

    Raises CopyFailed when no volume can be read, and NotFound or InvalidParams for a path that cannot be taken: the
    first one, or without `all_of_them` only when none can.
    """
    readable = [each for each in every if each.readable and read_target(f"{each.name}:/").volume == each.name]
    if not readable:
        notes = [f"{each.name}: {each.note}" for each in every if each.note]
        raise CopyFailed(" ".join(["The VM has no volume whose files can be read.", *notes[:5]]))
    if not paths:
        return Choice([Chosen(each, ()) for each in readable], [])
    by_name = {each.name: each for each in readable}
    found, left = list[Chosen](), list[str]()
    for path in paths:
        try:
            entry = await package.stat(path, follow=True, by_volume=True)
            if entry.kind not in ("file", "folder"):
                raise InvalidParams(f"{entry.path} is {KIND_WORDS[entry.kind]}, and only files and folders are taken.")
        except (NotFound, InvalidParams) as error:
            if all_of_them:
                raise
            left.append(error.detail)
            if len(left) == len(paths):
                raise type(error)(" ".join(left), error.suggestions) from error
            continue
        target: Target = read_target(entry.path)
        found.append(Chosen(by_name[target.volume], target.parts))
    found.sort(key=lambda each: (each.volume.name, each.parts))
    kept: list[Chosen] = []
    for each in found:
        last = kept[-1] if kept else None
        if last is None or last.volume != each.volume or each.parts[: len(last.parts)] != last.parts:
            kept.append(each)
    return Choice(kept, left)


async def bytes_of(package: PackageFiles, chosen: Iterable[Chosen], job: JobControl) -> int:
    """The bytes of all files in what was chosen; the job says what it counts."""
    total = 0
    for each in chosen:
        job.say(f"counting the files of {each.path}")
        async with contextlib.aclosing(package.entries(each.path)) as batches:
            async for batch in batches:
                total += sum(entry.size for entry in batch if entry.kind == "file")
    job.say("")
    return total


def folder_names(volumes: Iterable[Volume]) -> dict[str, str]:
    """A folder name for each volume, by its name, such as `disk0-p1`; where two become one, the later has a `~2`."""
    names: dict[str, str] = {}
    for volume in volumes:
        plain = volume.name.replace("/", "-")[:LONGEST_FOLDER]
        name, number = plain, 1
        while name in names.values():
            number += 1
            name = f"{plain}~{number}"
        names[volume.name] = name
    return names


def unread(volumes: Iterable[Volume]) -> list[str]:
    """The volumes whose files cannot be read although somebody may miss them, each with the reason."""
    return [f"{each.name}: {each.note}" for each in volumes if not each.readable and each.type != SWAP and each.note]


def in_words(files: int, size: str, not_taken: Sequence[str]) -> str:
    """What a step took, for people; `not_taken` are sentences about what it did not."""
    return in_one_line([f"{counted(files, 'file')}, {size}", *(f"not read: {each}" for each in not_taken)])


class Watch:
    """Counts what is written, reports it, and looks at the free space now and then."""

    def __init__(self, dest: Path, keep: int, total: int, job: JobControl) -> None:
        """`dest` is a folder on the file system where `keep` bytes stay free. Raises DiskFull."""
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
