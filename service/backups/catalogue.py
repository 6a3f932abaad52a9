"""The backup packages on disk; a broken one is listed too, with the reason."""

from __future__ import annotations

import contextlib
import json
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from knowledge.for_people import amount
from service.api.models import Value
from service.api.vcenter import DEFAULT
from service.files.values import Volume
from service.saving.store import Saved

ADOPTING = ".adopting"
"""Ending of the folder of a package that is copied from elsewhere."""
NOT_KEPT = (".partial", ".deleted", ADOPTING)
"""Endings of folders that are incomplete or being removed; they are never listed."""
RECORD, VERDICT = "backup.json", "verified.json"
COPIED = "copied.{}.json"
"""The file that says that a copy target has a copy, by the name of the target."""
LARGEST_RECORD = 4 << 20
"""Bytes that are read of `backup.json` and `verified.json`, which have some kilobytes."""
NEWEST = "newest:"
ENDINGS = {".ovf": "descriptor", ".mf": "manifest"}
"""How the names of files end of which a package has exactly one."""

BackupType = Literal["fullvm", "file"]
State = Literal["verified", "unverified", "damaged", "broken"]


class KeptFile(Value):
    """One disk file of a backup: size in bytes, SHA-256 in hex.

    `number` (from 1), `place` (controller and unit, such as `scsi0:1`) and `capacity` (bytes) are what the descriptor
    says of a disk. They are only there where one backup is shown, and empty or 0 where they are not known.
    """

    file: str
    size: int = Field(ge=0)
    sha256: str
    number: int = 0
    place: str = ""
    capacity: int = 0


@dataclass(frozen=True, kw_only=True)
class KeptVolume(Volume):
    """A volume of the VM in a backup of files; `file` and `offset` are empty, because its disk is not there.

    `bytes` are those of the files, and `left_out` is how many devices, pipes and sockets the archive does not have.
    """

    archive: KeptFile | None = None
    """The tar archive with its files; None when the backup has none of it."""
    files: int = 0
    folders: int = 0
    bytes: int = 0
    left_out: int = 0


class KeptVm(Value):
    """The VM of a backup, as it was when the backup was made."""

    name: str = ""
    uuid: str = ""
    """The BIOS UUID."""
    instance_uuid: str = ""
    """Empty in the records of earlier versions."""
    moref: str = ""
    vcenter: str = DEFAULT


class Verdict(Value):
    """The result of a verification: when, for whom, by which job, and what is wrong."""

    verdict: Literal["good", "damaged"]
    verified_at: AwareDatetime
    verified_by: str
    token: str = ""
    """The name of the token that the verification was requested with, if any."""
    job: str
    problems: list[str] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)


class Copied(Value):
    """A copy of a backup that a copy target has: when it was made, when it was last read back and found whole."""

    target: str
    copied_at: AwareDatetime
    verified_at: AwareDatetime
    job: str


class KeptBackup(Value):
    """One backup package; `id` is the job that made it.

    `verified`: complete, and a verification read every byte as it was written; `unverified`: complete; `damaged`: a
    verification found a problem; `broken`: files are missing or cannot be read. `reason` explains what is wrong.
    """

    id: str
    state: State
    type: BackupType = "fullvm"
    """`fullvm`: a whole VM, with its disks; `file`: only files of it, so that no VM can be made of it."""
    reason: str = ""
    vm: KeptVm
    title: str = ""
    """The name of the VM for people, with its vCenter's when there are several: `prod/web-01`; empty in a list that
    nobody asked for."""
    path: str
    created_at: AwareDatetime | None = None
    requested_by: str = ""
    token: str = ""
    """The name of the token that the backup was requested with, if any."""
    consistency: str = ""
    size: int = 0
    """Bytes of all disks, or of all archives with files."""
    disks: list[KeptFile] = Field(default_factory=list)
    volumes: list[KeptVolume] = Field(default_factory=list)
    """With the type `file`, all volumes of the VM, with the archives of those that have files here."""
    paths: list[str] = Field(default_factory=list)
    """With the type `file`, the files and folders of the guest that were asked for; empty: all."""
    not_found: list[str] = Field(default_factory=list)
    """Those of them that were not there, each as a sentence."""
    left_out: list[str] = Field(default_factory=list)
    """Disks that no snapshot contains, each with the reason."""
    missing: int = 0
    """How many disks are missing that it should contain."""
    beside: list[KeptFile] = Field(default_factory=list)
    """Files beside the disks: the settings of the VM and its NVRAM."""
    saved: Saved | None = None
    """Where the disks are when a save profile has them: they are not in `path` then, and the sizes and checksums are
    those of the raw disks. None when they are in `path`."""
    verified: Verdict | None = None
    copies: list[Copied] = Field(default_factory=list)
    """The copies that copy targets have, as far as this installation knows."""

    @property
    def good(self) -> bool:
        """Whether a VM can be restored from it, as far as is known."""
        return self.state in ("verified", "unverified")

    @property
    def whole_vm(self) -> bool:
        """Whether it is of disks, so that a VM can be made of it."""
        return self.type == "fullvm"

    @property
    def here(self) -> list[KeptFile]:
        """The disks that are files in `path`; of a backup of files, the archives."""
        return _here(self)

    @property
    def packed_size(self) -> int:
        """Bytes that the disks need at least where they are restored."""
        return sum(disk.sent for disk in self.saved.disks) if self.saved else self.size

    @property
    def complete(self) -> bool:
        """Whether it contains every disk of the VM, or every path that was asked for."""
        return not self.left_out and not self.missing and not self.not_found


class PackageRecord(BaseModel):
    """`backup.json` as the backup wrote it; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    job: str
    vm: KeptVm
    requested_by: str = ""
    token: str = ""
    consistency: str = ""
    created_at: AwareDatetime
    type: BackupType = "fullvm"
    disks: list[KeptFile]
    volumes: list[KeptVolume] = Field(default_factory=list)
    paths: list[str] = Field(default_factory=list)
    not_found: list[str] = Field(default_factory=list)
    left_out: list[str] = Field(default_factory=list)
    missing: int = 0
    beside: list[KeptFile] = Field(default_factory=list)
    saved: Saved | None = None

    @property
    def here(self) -> list[KeptFile]:
        """See `KeptBackup.here`."""
        return _here(self)

    def kept(self, unknown: KeptBackup) -> KeptBackup:
        """The backup `unknown` with what the record says of it."""
        return unknown.model_copy(
            update={
                "vm": self.vm,
                "created_at": self.created_at.astimezone(UTC),
                "requested_by": self.requested_by,
                "token": self.token,
                "consistency": self.consistency,
                "type": self.type,
                "size": sum(each.size for each in (self.disks if self.type == "fullvm" else self.here)),
                "disks": self.disks,
                "volumes": self.volumes,
                "paths": self.paths,
                "not_found": self.not_found,
                "left_out": self.left_out,
                "missing": self.missing,
                "beside": self.beside,
                "saved": self.saved,
            }
        )


def endings(kind: BackupType) -> list[str]:
    """Those of `ENDINGS` that a backup of this type has: files have no descriptor of a VM."""
    return [ending for ending in ENDINGS if kind == "fullvm" or ending != ".ovf"]


def _here(backup: KeptBackup | PackageRecord) -> list[KeptFile]:
    if backup.type == "file":
        return [each.archive for each in backup.volumes if each.archive]
    return [] if backup.saved else backup.disks


def read_catalogue(backups_dir: Path) -> list[KeptBackup]:
    """Every package, newest first, those of unknown age last. It reads from disk: call it in a thread."""
    return _newest_first(_folders(backups_dir))


def read_folder(folder: Path) -> list[KeptBackup]:
    """Every package in the folder of one name of a VM, newest first; reads from disk."""
    return _newest_first(_packages(folder))


def _newest_first(folders: Iterable[Path]) -> list[KeptBackup]:
    found = map(read_package, folders)
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda kept: (kept.created_at or oldest, kept.id), reverse=True)


def read_package(folder: Path, *, renamed: bool = False) -> KeptBackup:
    """The package in `folder`; what is wrong with it is in its `reason`, never raised.

    The name of the folder must be the id in the record, unless the folder may be `renamed`: then the record has the id.
    """
    unknown = KeptBackup(id=folder.name, state="broken", vm=KeptVm(name=folder.parent.name), path=str(folder))
    try:
        record = PackageRecord.model_validate(_read_json(folder / RECORD))
    except (OSError, ValueError) as error:
        return unknown.model_copy(update={"reason": f"{RECORD} cannot be read: {_brief(error)}."})
    kept = record.kept(unknown).model_copy(update={"copies": _copies(folder)})
    if renamed:
        kept = kept.model_copy(update={"id": record.job})
    if wrong := _why_broken(folder, record, kept.id):
        return kept.model_copy(update={"reason": wrong})
    return kept.model_copy(update=_verdict(folder))


def descriptor_of(folder: Path) -> Path:
    """The one `.ovf` of a complete package."""
    return next(item for item in sorted(folder.iterdir()) if item.suffix == ".ovf")


def _folders(backups_dir: Path) -> Iterator[Path]:
    for vm in _subfolders(backups_dir):
        yield from _packages(vm)


def _packages(vm: Path) -> list[Path]:
    return [item for item in _subfolders(vm) if not item.name.endswith(NOT_KEPT)]


def _subfolders(folder: Path) -> list[Path]:
    try:
        return [item for item in folder.iterdir() if item.is_dir() and not item.is_symlink()]
    except OSError:
        return []


def _read_json(path: Path) -> Any:
    if not stat.S_ISREG(path.lstat().st_mode):
        raise ValueError("it is not a regular file")
    with path.open("rb") as file:
        data = file.read(LARGEST_RECORD + 1)
    if len(data) > LARGEST_RECORD:
        raise ValueError(f"it is larger than {amount(LARGEST_RECORD)}")
    return json.loads(data)


def _why_broken(folder: Path, record: PackageRecord, id_: str) -> str:
    if record.job != id_:
        return f"{RECORD} belongs to the backup {record.job[:40]}; the folder was copied or renamed."
    if not (record.disks if record.type == "fullvm" else record.here):
        return "It contains no disk." if record.type == "fullvm" else "It contains no archive with files."
    if record.saved and [disk.file for disk in record.disks] != [disk.file for disk in record.saved.disks]:
        return f"{RECORD} does not list the archive of each disk."
    kind = "disk" if record.type == "fullvm" else "archive"
    for what, file in [*((kind, each) for each in record.here), *(("file", each) for each in record.beside)]:
        if Path(file.file).name != file.file:
            return f"{RECORD} lists a file outside the package: {file.file[:80]!r}."
        try:
            found = (folder / file.file).lstat()
        except (OSError, ValueError):
            return f"The {what} {file.file} is missing."
        if not stat.S_ISREG(found.st_mode):
            return f"The {what} {file.file} is not a regular file."
        if found.st_size != file.size:
            return f"The {what} {file.file} has {found.st_size} bytes; it was written with {file.size}."
    try:
        names = [item.name for item in folder.iterdir()]
    except OSError as error:
        return f"The folder cannot be read: {error.strerror}."
    for ending in endings(record.type):
        if (count := sum(name.endswith(ending) for name in names)) != 1:
            return f"There is no {ENDINGS[ending]} (*{ending})." if not count else f"There are {count} files *{ending}."
    return ""


def _verdict(folder: Path) -> dict[str, Any]:
    try:
        verdict = Verdict.model_validate(_read_json(folder / VERDICT))
    except FileNotFoundError:
        return {"state": "unverified"}
    except (OSError, ValueError) as error:
        return {"state": "unverified", "reason": f"{VERDICT} cannot be read: {_brief(error)}. Verify it again."}
    if verdict.verdict == "good":
        return {"state": "verified", "verified": verdict}
    return {"state": "damaged", "verified": verdict, "reason": " ".join(verdict.problems)}


def _copies(folder: Path) -> list[Copied]:
    first, last = COPIED.split("{}")
    found = []
    with contextlib.suppress(OSError):
        for item in sorted(folder.iterdir()):
            if item.name.startswith(first) and item.name.endswith(last):
                with contextlib.suppress(OSError, ValueError):
                    found.append(Copied.model_validate(_read_json(item)))
    return found


def _brief(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
