"""Takes packages that another installation, ovftool or another program made among the kept backups, as copies."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from service.api.models import Value
from service.api.settings import Settings
from service.api.vcenter import DEFAULT
from service.backups.catalogue import (
    NOT_KEPT,
    RECORD,
    VERDICT,
    KeptBackup,
    read_catalogue,
    read_package,
)
from service.backups.lock import locked
from service.backups.signatures import check_signatures
from service.backups.verify import check_hashes, files_of
from service.errors import BackupDamaged, PackageDamaged, VmkopsError
from service.packages.contents import Contents, read_contents
from service.packages.deployable import read_file
from service.packages.folder import Package, PackageFile
from service.store.signing import Signer, signature_of
from service.transfer.disk_space import require_space
from service.transfer.safe_open import safe_open
from service.transfer.source import SourceFile

PIECE = 1 << 20
MOST = 10_000
"""Packages that are looked at below one folder."""
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
    `vcenters`: the names of all vCenters of this service.
    """

    settings: Settings
    signer: Signer
    requested_by: str
    sign: bool = False
    vcenter: str = ""
    vcenters: Sequence[str] = ()

    def look(self, folder: Path) -> list[Found]:
        """The packages in a folder and below, or the one that a path to an `.ovf` or `.ova` means; in order of path."""
        kept = {each.id for each in read_catalogue(self.settings.backups_dir)}
        found = []
        for path in _packages(folder):
            found.append(self._look(path, kept))
            if len(found) == MOST:
                break
        return found

    def adopt(self, found: Found, copied: Copied) -> Found:
        """Copy a `new` package among the kept backups; what prevents it is in the `reason` of the answer."""
        take = self._take_backup if found.kind == "backup" else self._take_package
        target = Package(self.settings.backups_dir, found.vm, found.id)
        try:
            require_space(self.settings.backups_dir / found.vm, found.size, self.settings.keep_free_bytes)
            self.settings.backups_dir.mkdir(parents=True, exist_ok=True)
            take(found, target, copied)
        except VmkopsError as error:
            return found.model_copy(update={"state": "refused", "reason": str(error)})
        except OSError as error:
            reason = f"{error.filename or found.path} cannot be read or written: {error.strerror or error}."
            return found.model_copy(update={"state": "refused", "reason": reason})
        finally:
            target.discard()  # what a failure or Ctrl-C leaves; a published package is no longer there
        return found.model_copy(update={"state": "adopted"})

    def _look(self, path: Path, kept: set[str]) -> Found:
        shown = str(path)
        if path.is_dir():
            package = read_package(path)
            found = Found(path=shown, kind="backup", id=package.id, vm=package.vm.name, size=package.size)
            reason = package.reason if package.state in ("broken", "damaged") else self._distrust(package)
            if not self.vcenter and package.vm.vcenter not in self.vcenters:
                words = f"Its VM is of the vCenter {package.vm.vcenter}, which this service does not have: {OTHER}."
                found = found.model_copy(update={"warnings": [words]})
        else:
            found, reason = Found(path=shown, kind="ovf", vm=path.stem), ""
            try:
                contents = read_contents(str(path.parent), path.name)
                id_ = _id_of(path.parent, contents)
            except (VmkopsError, OSError) as error:
                return found.model_copy(update={"state": "refused", "reason": str(error)})
            update = {"id": id_, "vm": contents.outline.vm or path.stem, "size": _size(contents)}
            found = found.model_copy(update={**update, "warnings": [check.message for check in contents.checks]})
            reason = _why_not_kept(contents)
            if len(self.vcenters) > 1 and not self.vcenter:
                reason = reason or f"It does not say which vCenter its VM is of: {OTHER}."
        if found.id in kept:
            return found.model_copy(update={"state": "kept"})
        return found.model_copy(update={"state": "refused", "reason": reason}) if reason else found

    def _distrust(self, package: KeptBackup) -> str:
        """Why the signature of a backup does not count here; empty when it does, or when it is signed again."""
        if self.sign:
            return ""
        wrong, _ = check_signatures(package, self.signer, required=True)
        if not wrong:
            return ""
        trusted = self.settings.data_dir.absolute() / "signing" / "trusted"
        return (
            f"{' '.join(wrong)} Put the public key of the installation that made it (signing/public.pem in its data "
            f"directory) into {trusted} as a file *.pem. Or add --sign to sign the package with the key of this "
            "installation: do that only if nobody else could write to that folder."
        )

    def _take_backup(self, found: Found, target: Package, copied: Copied) -> None:
        folder = Path(found.path)
        with locked(folder):
            package = read_package(folder)
            names = files_of(package)
            small = [item.name for item in folder.iterdir() if item.suffix == MANIFEST] + [RECORD]
            sums = {name: self._copy(folder, _whole(folder, name), target, copied).sha256 for name in names}
            for name in (*small, *(signature_of(folder / each).name for each in small)):
                if (folder / name).exists():
                    self._copy(folder, _whole(folder, name), target, copied)
            if wrong := check_hashes(package, sums):
                raise BackupDamaged(" ".join(wrong))
        if self.vcenter not in ("", package.vm.vcenter):
            _change_vcenter(target.partial / RECORD, self.vcenter)
            self._sign(target, [RECORD])
        if self.sign:
            self._sign(target, small)
        target.publish()

    def _take_package(self, found: Found, target: Package, copied: Copied) -> None:
        path = Path(found.path)
        contents = read_contents(str(path.parent), path.name)
        files = [self._copy(path.parent, source, target, copied) for source in contents.files]
        disks = [file for file in files if not file.file.lower().endswith(NVRAM)]
        record = {
            "job": found.id,
            "vm": {"name": found.vm, "vcenter": self.vcenter or next(iter(self.vcenters), DEFAULT)},
            "requested_by": self.requested_by,
            "consistency": f"adopted from {path.name}",
            "created_at": datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(),
            "disks": [file.model_dump() for file in disks],
            "beside": [file.model_dump() for file in files if file not in disks],
        }
        text = read_file(path.parent, contents.text).decode("utf-8")
        target.finish(text, files, record, self.signer)

    def _copy(self, root: Path, source: SourceFile, target: Package, copied: Copied) -> PackageFile:
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
        wrong = source.digest and digests[source.algorithm].hexdigest() != source.digest
        if left or wrong:
            what = "its digest is not the one in the manifest" if wrong else "its end is missing"
            raise PackageDamaged(f"{source.name} is damaged: {what}.")
        return PackageFile(key="", file=to.name, size=source.size, sha256=digests["sha256"].hexdigest())

    def _sign(self, target: Package, names: list[str]) -> None:
        for name in names:
            path = target.partial / name
            signature_of(path).write_bytes(self.signer.sign(path.read_bytes()))


def _packages(folder: Path) -> Iterator[Path]:
    """The folders of backups, and the descriptors and archives of other packages, in order of path."""
    if folder.suffix.lower() in (DESCRIPTOR, ARCHIVE):
        yield folder
        return
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.endswith(NOT_KEPT))
        if RECORD in files:
            folders.clear()
            yield Path(at)
        else:
            yield from (Path(at, name) for name in sorted(files) if name.lower().endswith((DESCRIPTOR, ARCHIVE)))


def _size(contents: Contents) -> int:
    return sum(file.size for file in contents.files)


def _id_of(root: Path, contents: Contents) -> str:
    """An id that the same package always gets: adopting it again finds it kept."""
    described = hashlib.sha256(read_file(root, contents.text))
    for file in contents.files:
        described.update(f"{file.name}\0{file.size}\0{file.digest}\n".encode())
    return described.hexdigest()[:16]


def _why_not_kept(contents: Contents) -> str:
    """Why a package that a VM can be made of cannot be a kept backup; empty when it can."""
    names = [Path(file.name).name for file in contents.files]
    if not any(file.disk for file in contents.files):
        return "It contains no disk."
    taken = [name for name in names if name in (RECORD, VERDICT) or name.endswith((DESCRIPTOR, MANIFEST))]
    if taken:
        return f"A backup keeps its own file under the name {taken[0]}. Give that file of the package another name."
    if len({*names}) < len(names):
        return "Two of its files have the same name."
    return ""


def _whole(folder: Path, name: str) -> SourceFile:
    return SourceFile(name=name, path=name, size=(folder / name).lstat().st_size)


def _change_vcenter(path: Path, vcenter: str) -> None:
    record: dict[str, Any] = json.loads(path.read_text("utf-8"))
    record["vm"]["vcenter"] = vcenter
    path.write_text(f"{json.dumps(record, indent=2)}\n", "utf-8")
