"""What is kept: the backup packages on disk, read as they are; a broken one is listed with the reason."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from service.api.models import Value
from service.api.vcenter import DEFAULT
from service.errors import Conflict, NotFound

NOT_KEPT = (".partial", ".deleted")
"""Endings of folders that are half written or half removed; they never count."""
ABOUT, VERDICT = "backup.json", "verified.json"
LARGEST_RECORD = 4 << 20
"""Bytes; `backup.json` and `verified.json` have some kilobytes."""
NEWEST = "newest:"

State = Literal["verified", "unverified", "damaged", "broken"]


class KeptFile(Value):
    """One disk file of a backup: size in bytes, SHA-256 in hex."""

    file: str
    size: int = Field(ge=0)
    sha256: str


class KeptVm(Value):
    """The VM that a backup is of, as it was then."""

    name: str = ""
    uuid: str = ""
    moref: str = ""
    vcenter: str = DEFAULT


class Verdict(Value):
    """What re-hashing a backup showed: when, for whom, by which job, and what is wrong."""

    verdict: Literal["good", "damaged"]
    verified_at: AwareDatetime
    verified_by: str
    job: str
    problems: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


class KeptBackup(Value):
    """One backup package; `id` is the job that made it.

    `verified`: whole, and a later reading of every byte agreed; `unverified`: whole; `damaged`: a reading found
    something wrong; `broken`: files lack or cannot be read. `reason` says what is wrong.
    """

    id: str
    state: State
    reason: str = ""
    vm: KeptVm
    path: str
    created_at: AwareDatetime | None = None
    requested_by: str = ""
    consistency: str = ""
    size: int = 0
    """Bytes of all disks."""
    disks: list[KeptFile] = Field(default_factory=list)
    left_out: list[str] = Field(default_factory=list)
    """Disks that no snapshot holds, each with the reason."""
    missing: int = 0
    """How many disks lack that it should hold."""
    verified: Verdict | None = None

    @property
    def good(self) -> bool:
        """Whether a VM could be restored from it, for all that is known."""
        return self.state in ("verified", "unverified")

    @property
    def complete(self) -> bool:
        """Whether it holds every disk of the VM."""
        return not self.left_out and not self.missing


class _About(BaseModel):
    """`backup.json` as the backup wrote it; fields that are not known here are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    job: str
    vm: KeptVm
    requested_by: str = ""
    consistency: str = ""
    created_at: AwareDatetime
    disks: list[KeptFile]
    left_out: list[str] = Field(default_factory=list)
    missing: int = 0


def read_catalogue(backups_dir: Path) -> list[KeptBackup]:
    """Every package, newest first, broken ones with unknown age last. It reads the disk: call it in a thread."""
    found = [read_package(folder) for folder in _folders(backups_dir)]
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda kept: (kept.created_at or oldest, kept.id), reverse=True)


def read_package(folder: Path) -> KeptBackup:
    """The package in `folder`; what is wrong with it is in the answer, never raised."""
    unknown = KeptBackup(id=folder.name, state="broken", vm=KeptVm(name=folder.parent.name), path=str(folder))
    try:
        about = _About.model_validate(_record(folder / ABOUT))
    except (OSError, ValueError) as error:
        return unknown.model_copy(update={"reason": f"{ABOUT} cannot be read: {_brief(error)}."})
    kept = unknown.model_copy(
        update={
            "vm": about.vm,
            "created_at": about.created_at.astimezone(UTC),
            "requested_by": about.requested_by,
            "consistency": about.consistency,
            "size": sum(disk.size for disk in about.disks),
            "disks": about.disks,
            "left_out": about.left_out,
            "missing": about.missing,
        }
    )
    if wrong := _what_lacks(folder, about):
        return kept.model_copy(update={"reason": wrong})
    return kept.model_copy(update=_verdict(folder))


def find_backup(backups_dir: Path, selector: str) -> KeptBackup:
    """The backup that an id, or `newest:` and the name of a VM, means; raises NotFound.

    `newest:` takes the newest that is whole and not known to be damaged.
    """
    every = read_catalogue(backups_dir)
    if not selector.startswith(NEWEST):
        for kept in every:
            if kept.id == selector:
                return kept
        raise NotFound(f"There is no backup {selector[:80]!r}. GET /backups lists them.")
    name = selector.removeprefix(NEWEST).strip()
    own = [kept for kept in every if kept.vm.name == name]
    for kept in own:
        if kept.good:
            return kept
    if own:
        raise NotFound(f"None of the {len(own)} backups of {name} is whole: {own[0].reason}")
    names = sorted({kept.vm.name for kept in every})
    near = [each for each in names if name.lower() in each.lower()]
    raise NotFound(f"There is no backup of a VM {name[:80]!r}. GET /backups lists them.", near[:5])


@contextlib.contextmanager
def held(folder: Path, *, alone: bool = False) -> Iterator[None]:
    """Hold a package for as long as the block runs, so that it is not pruned while it is read.

    Readers hold it together; `alone` is for who removes it, and raises Conflict when somebody reads. The hold ends
    with the process. Raises NotFound when the package has gone.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise NotFound(f"The backup {folder.name} is not there any more.") from error
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Conflict(f"The backup {folder.name} is in use just now.") from error
    finally:
        os.close(handle)


def descriptor_of(folder: Path) -> Path:
    """The one `.ovf` of a whole package."""
    return next(item for item in sorted(folder.iterdir()) if item.suffix == ".ovf")


def _folders(backups_dir: Path) -> Iterator[Path]:
    for vm in _subfolders(backups_dir):
        yield from (item for item in _subfolders(vm) if not item.name.endswith(NOT_KEPT))


def _subfolders(folder: Path) -> list[Path]:
    try:
        return [item for item in folder.iterdir() if item.is_dir() and not item.is_symlink()]
    except OSError:
        return []


def _record(path: Path) -> Any:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError("it is no plain file")
    with path.open("rb") as file:
        data = file.read(LARGEST_RECORD + 1)
    if len(data) > LARGEST_RECORD:
        raise ValueError("it is far too long")
    return json.loads(data)


def _what_lacks(folder: Path, about: _About) -> str:
    if about.job != folder.name:
        return f"{ABOUT} belongs to the backup {about.job[:40]}; the folder was copied or renamed."
    if not about.disks:
        return "It holds no disk."
    for disk in about.disks:
        if Path(disk.file).name != disk.file:
            return f"{ABOUT} names a file outside of the package: {disk.file[:80]!r}."
        try:
            found = (folder / disk.file).lstat()
        except (OSError, ValueError):
            return f"The disk {disk.file} is not there."
        if not stat.S_ISREG(found.st_mode):
            return f"The disk {disk.file} is no plain file."
        if found.st_size != disk.size:
            return f"The disk {disk.file} has {found.st_size} bytes; it was kept with {disk.size}."
    try:
        names = [item.name for item in folder.iterdir()]
    except OSError as error:
        return f"The folder cannot be read: {error.strerror}."
    for ending, what in ((".ovf", "descriptor"), (".mf", "manifest")):
        if (count := sum(name.endswith(ending) for name in names)) != 1:
            return f"There is no {what} (*{ending})." if count == 0 else f"There are {count} files *{ending}."
    return ""


def _verdict(folder: Path) -> dict[str, Any]:
    try:
        verdict = Verdict.model_validate(_record(folder / VERDICT))
    except FileNotFoundError:
        return {"state": "unverified"}
    except (OSError, ValueError) as error:
        return {"state": "unverified", "reason": f"{VERDICT} cannot be read: {_brief(error)}. Verify it again."}
    if verdict.verdict == "good":
        return {"state": "verified", "verified": verdict}
    return {"state": "damaged", "verified": verdict, "reason": " ".join(verdict.problems)}


def _brief(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
