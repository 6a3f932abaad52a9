"""Takes packages that another installation, ovftool or another program made among the kept backups, as copies."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from service.api.models import Value
from service.api.settings import Settings
from service.api.vcenter import DEFAULT
from service.backups.catalogue import (
    ADOPTING,
    NOT_KEPT,
    RECORD,
    VERDICT,
    KeptBackup,
    descriptor_of,
    read_catalogue,
    read_package,
)
from service.backups.lock import locked
from service.backups.signatures import check_signatures
from service.backups.verify import check_hashes
from service.errors import BackupDamaged, Conflict, PackageDamaged, VmkopsError
from service.packages.contents import Contents, read_contents
from service.packages.deployable import read_file
from service.packages.folder import Package, PackageFile
from service.store.deep_folders import walk
from service.store.signing import FOLDER, SIGNATURE, TRUSTED, Signer, signature_of
from service.transfer.disk_space import require_space
from service.transfer.safe_open import safe_open
from service.transfer.source import SourceFile

PIECE = 1 << 20
MOST = 10_000
"""Packages that are looked at below one folder."""
ID = "[0-9A-Za-z][0-9A-Za-z_-]{0,99}"
UNKNOWN = (
    "The settings of this command have no vCenter {}. Run it in the folder of vmkops.toml or with VMKOPS_CONFIG, or "
    "name the vCenter of its VM with --vcenter NAME."
)
OTHER = "name the one that it belongs to here with --vcenter NAME"
DESCRIPTOR, ARCHIVE, MANIFEST, NVRAM = ".ovf", ".ova", ".mf", ".nvram"

Copied = Callable[[int], None]
"""Gets the number of bytes that were copied since the last call."""


class Found(Value):
    """One package below a folder.

    `backup` packages are those of vmkops, with a record; `ovf` packages are those of other programs. `new` ones can be
    adopted, `kept` ones are among the kept backups already, and `refused` ones cannot be adopted for `reason`.
    """

    path: str
    kind: Literal["backup", "ovf"]
    id: str = ""
    """The id that it has, or gets, among the kept backups."""
    vm: str = ""
    size: int = 0
    """Bytes of its disks."""
    state: Literal["new", "kept", "adopted", "refused"] = "new"
    reason: str = ""
    warnings: list[str] = Field(default_factory=list)


class Adoption(NamedTuple):
    """How packages are adopted: where they go, who asked, and what to do about signatures that are not known here.

    `sign`: sign packages with the key of this installation when their own signature is missing or not known.
    `vcenter`: the name of the vCenter that their VMs belong to; empty for the one in the record of each package.
    `vcenters`: the names of all vCenters in the settings.
    """

    settings: Settings
    signer: Signer
    requested_by: str
    sign: bool = False
    vcenter: str = ""
    vcenters: Sequence[str] = ()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other process adopt packages while the block runs; raises Conflict when one does."""
        folder = self.settings.backups_dir
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise Conflict("Another `vmkops backups adopt` is at work. Try again when it has ended.") from error
        finally:
            os.close(handle)

    def look(self, folder: Path) -> list[Found]:
        """The packages in a folder and below, or the one that a path to an `.ovf` or `.ova` means; in order of path."""
        kept = {each.id for each in read_catalogue(self.settings.backups_dir)}
        found: list[Found] = []
        for path in itertools.islice(_packages(folder), MOST):
            each = self._look(path, kept)
            if each.state == "new":
                kept.add(each.id)  # a second copy of it is not adopted again
            found.append(each)
        return found

    def adopt(self, found: Found, copied: Copied) -> Found:
        """Copy a `new` package among the kept backups; what prevents it is in the `reason` of the answer.

        Call it while you are `alone`.
        """
        take = self._take_backup if found.kind == "backup" else self._take_package
        target = _Adopted(self.settings.backups_dir, found.vm, found.id)
        try:
            require_space(target.path, found.size, self.settings.keep_free_bytes)
            target.discard()  # what a killed process has left
            take(found, target, copied)
        except VmkopsError as error:
            return found.model_copy(update={"state": "refused", "reason": str(error)})
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or str(error)
            reason = f"{getattr(error, 'filename', None) or found.path} cannot be read or written: {words}."
            return found.model_copy(update={"state": "refused", "reason": reason})
        finally:
            target.discard()  # what a failure or Ctrl-C leaves; a published package is no longer there
        return found.model_copy(update={"state": "adopted"})

    def check_copy(self, folder: Path) -> KeptBackup:
        """The package in `folder`, each of whose files was compared with its digest in `backup.json` on the way.

        Raises BackupDamaged when it cannot be among the kept backups.
        """
        copy = read_package(folder, renamed=True)
        if reason := self._why_not_trusted(copy):
            raise BackupDamaged(reason)
        described = [descriptor_of(folder)] if copy.whole_vm else []
        sums = {descriptor.name: _digest(descriptor) for descriptor in described}
        sums |= {file.file: file.sha256 for file in (*copy.here, *copy.beside)}
        if wrong := check_hashes(copy, sums):
            raise BackupDamaged(" ".join(wrong))
        return copy

    def _look(self, path: Path, kept: set[str]) -> Found:
        if path.is_dir():
            package = read_package(path, renamed=True)
            size = sum(file.size for file in (*package.here, *package.beside))
            found = Found(path=str(path), kind="backup", id=package.id, vm=package.vm.name, size=size)
            if found.id in kept:
                return found.model_copy(update={"state": "kept"})
            reason = self._why_not_trusted(package)
            if not self.vcenter and package.vm.vcenter not in self.vcenters:
                found = found.model_copy(update={"warnings": [UNKNOWN.format(package.vm.vcenter)]})
        else:
            found, reason = Found(path=str(path), kind="ovf", vm=path.stem), ""
            try:
                contents = read_contents(str(path.parent), path.name)
                descriptor = read_file(path.parent, contents.text)
            except (VmkopsError, OSError) as error:
                return found.model_copy(update={"state": "refused", "reason": str(error)})
            update = {"id": _id_of(descriptor, contents), "vm": contents.outline.vm or path.stem}
            warnings = [check.message for check in contents.checks]
            found = found.model_copy(update={**update, "size": _size(contents), "warnings": warnings})
            if found.id in kept:
                return found.model_copy(update={"state": "kept"})
            reason = _why_not_kept(descriptor, contents)
            if len(self.vcenters) > 1 and not self.vcenter:
                reason = reason or f"It does not say which vCenter its VM is of: {OTHER}."
        return found.model_copy(update={"state": "refused", "reason": reason}) if reason else found

    def _why_not_trusted(self, package: KeptBackup) -> str:
        """Why a backup, or the copy of one, cannot be adopted; empty when it can."""
        if package.state in ("broken", "damaged"):
            return package.reason
        if not re.fullmatch(ID, package.id):
            return f"{RECORD} has an id that vmkops does not give: {package.id[:40]!r}."
        names = [file.file for file in (*package.here, *package.beside)]
        if reason := why_taken(names):
            return reason
        if self.sign:
            return ""
        wrong, _ = check_signatures(package, self.signer, required=True)
        if not wrong:
            return ""
        trusted = self.settings.data_dir.absolute() / FOLDER / TRUSTED
        return (
            f"{' '.join(wrong)} Put the public key of the installation that made it (signing/public.pem in its data "
            f"directory) into {trusted} as a file *.pem. Or add --sign to sign the package with the key of this "
            "installation: do that only if nobody else could write to that folder."
        )

    def _take_backup(self, found: Found, target: Package, copied: Copied) -> None:
        """Copy a backup, and judge the copy: whoever can write to the folder may change it meanwhile."""
        folder = Path(found.path)
        with locked(folder):
            names = [item.name for item in folder.iterdir() if item.suffix in (DESCRIPTOR, MANIFEST)]
            small = [name for name in names if name.endswith(MANIFEST)] + [RECORD]
            for name in (*names, RECORD, *(signature_of(folder / each).name for each in small)):
                if (folder / name).exists():
                    self._copy(folder, _whole(folder, name), target, lambda _: None)
            listed = read_package(target.partial, renamed=True)
            if listed.id != found.id or (reason := why_taken([each.file for each in (*listed.here, *listed.beside)])):
                raise BackupDamaged(reason if listed.id == found.id else f"{RECORD} was changed meanwhile.")
            for file in (*listed.here, *listed.beside):
                self._copy(folder, _whole(folder, file.file), target, copied, file.sha256)
        copy = self.check_copy(target.partial)
        again = small if self.sign else []
        if self.vcenter not in ("", copy.vm.vcenter):
            _change_vcenter(target.partial / RECORD, self.vcenter)
            again = again or [RECORD]
        for name in again:
            path = target.partial / name
            signature_of(path).write_bytes(self.signer.sign(path.read_bytes()))
        target.publish()

    def _take_package(self, found: Found, target: Package, copied: Copied) -> None:
        path = Path(found.path)
        contents = read_contents(str(path.parent), path.name)
        descriptor = read_file(path.parent, contents.text)
        if _id_of(descriptor, contents) != found.id:
            raise PackageDamaged("It was changed meanwhile.")
        files = [(source, self._copy(path.parent, source, target, copied)) for source in contents.files]
        record = {
            "job": found.id,
            "vm": {"name": found.vm, "vcenter": self.vcenter or next(iter(self.vcenters), DEFAULT)},
            "requested_by": self.requested_by,
            "consistency": f"adopted from {path.name}",
            "created_at": datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(),
            "disks": [file.model_dump() for source, file in files if source.disk],
            "beside": [file.model_dump() for source, file in files if not source.disk],
        }
        target.finish(descriptor.decode("utf-8"), [file for _, file in files], record, self.signer)

    def _copy(self, root: Path, source: SourceFile, target: Package, copied: Copied, sha256: str = "") -> PackageFile:
        """Copy one file into the incomplete package; raises PackageDamaged when it is short or has another digest."""
        digests = {name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", source.algorithm or "sha256"}}
        left = source.size
        to = target.open() / Path(source.name).name
        with safe_open(root, source.path) as file, to.open("wb") as out:
            file.seek(source.offset)
            while left and (piece := file.read(min(left, PIECE))):
                out.write(piece)
                for digest in digests.values():
                    digest.update(piece)
                left -= len(piece)
                copied(len(piece))
            out.flush()
            os.fsync(out.fileno())
        wrong = bool(source.digest) and digests[source.algorithm].hexdigest() != source.digest
        wrong = wrong or (bool(sha256) and digests["sha256"].hexdigest() != sha256)
        if left or wrong:
            what = "its end is missing" if left else "its digest is not the recorded one"
            raise PackageDamaged(f"{source.name} is damaged: {what}.")
        return PackageFile(key="", file=to.name, size=source.size, sha256=digests["sha256"].hexdigest())


class _Adopted(Package):
    """A package that is copied: its folder is not one that a job leaves behind, so no sweep removes it meanwhile."""

    def __init__(self, folder: Path, vm_name: str, id_: str) -> None:
        super().__init__(folder, vm_name, id_)
        self.partial = self.path.with_name(f"{id_}{ADOPTING}")


def _packages(folder: Path) -> Iterator[Path]:
    """The folders of backups, and the descriptors and archives of other packages, in order of path."""
    if folder.is_file():
        yield folder
        return
    for at, folders, files in walk(folder):
        folders[:] = [name for name in folders if not name.endswith(NOT_KEPT)]
        if RECORD in files:
            folders.clear()
            yield at
        else:
            yield from (at / name for name in files if name.lower().endswith((DESCRIPTOR, ARCHIVE)))


def _size(contents: Contents) -> int:
    return sum(file.size for file in contents.files)


def _id_of(descriptor: bytes, contents: Contents) -> str:
    """An id that the same package always gets: adopting it again finds it kept."""
    described = hashlib.sha256(descriptor)
    for file in contents.files:
        described.update(f"{file.name}\0{file.size}\0{file.digest}\n".encode())
    return described.hexdigest()[:16]


def _why_not_kept(descriptor: bytes, contents: Contents) -> str:
    """Why a package that a VM can be made of cannot be a kept backup; empty when it can."""
    if not any(file.disk for file in contents.files):
        return "It contains no disk."
    others = [file.name for file in contents.files if not file.disk and not file.name.lower().endswith(NVRAM)]
    if others:
        return (
            f"It contains {others[0]!r}, which is neither a disk nor an NVRAM file. Import it with import-ovf instead."
        )
    try:
        descriptor.decode("utf-8")
    except UnicodeDecodeError:
        return "Its descriptor is not in UTF-8. Import it with import-ovf instead, and back the VM up."
    return why_taken([Path(file.name).name for file in contents.files])


def why_taken(names: Sequence[str]) -> str:
    """Why files of these names cannot be in a backup; empty when they can."""
    for name in names:
        if name in (RECORD, VERDICT) or name.endswith((DESCRIPTOR, MANIFEST, SIGNATURE)) or not name.isprintable():
            return f"A file of a backup cannot have the name {name!r}."
    return "Two of its files have the same name." if len({*names}) < len(names) else ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _whole(folder: Path, name: str) -> SourceFile:
    return SourceFile(name=name, path=name, size=(folder / name).lstat().st_size)


def _change_vcenter(path: Path, vcenter: str) -> None:
    record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    record["vm"]["vcenter"] = vcenter
    path.write_text(f"{json.dumps(record, indent=2)}\n", "utf-8")
