"""A backup on its way from a copy target: its folder, and what is believed of what the target has."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from knowledge.ovf.manifest import LARGEST_MANIFEST
from knowledge.ovf.xml import LARGEST_DOCUMENT
from service.backups.adopt import why_taken
from service.backups.catalogue import LARGEST_RECORD, RECORD, KeptBackup, KeptVm, PackageRecord
from service.backups.signatures import LONGEST_SIGNATURE, check_signatures
from service.errors import BackupDamaged, Conflict, NotFound
from service.packages.folder import PARTIAL, discard, safe_name, sync
from service.store.signing import FOLDER as SIGNING
from service.store.signing import SIGNATURE, TRUSTED, Signer

FETCHING = ".fetching"
"""The folder of backups on their way; the sweep removes what jobs leave in it that have ended."""
LONGEST_NAME = 255


def names_of_copy(files: Mapping[str, int], id_: str, target: str) -> dict[str, int]:
    """The bytes of each file of a copy by its name; raises NotFound without one, BackupDamaged for a hostile name."""
    if not files:
        raise NotFound(f"The copy target {target} has no backup {id_}. `vmkops backups --target {target}` lists them.")
    sizes = {path.removeprefix(f"{id_}/"): size for path, size in files.items()}
    for name in sizes:
        if "/" in name or name in ("", ".", "..") or not name.isprintable() or len(name.encode()) > LONGEST_NAME:
            raise BackupDamaged(f"The copy {id_} at {target} has a file {name[:80]!r}, which no backup has.")
    return sizes


def small_files(sizes: Mapping[str, int], target: str) -> list[str]:
    """The names of the record, the descriptor, the manifest and the signatures; raises BackupDamaged."""
    limits = {".ovf": LARGEST_DOCUMENT, ".mf": LARGEST_MANIFEST, f".mf{SIGNATURE}": LONGEST_SIGNATURE}
    limits |= {RECORD: LARGEST_RECORD, f"{RECORD}{SIGNATURE}": LONGEST_SIGNATURE}
    found = []
    for ending, most in limits.items():
        named = ending.startswith(RECORD)
        names = [name for name in sizes if (name == ending if named else name.endswith(ending))]
        if not names and ending == ".ovf":
            continue  # a backup of files has none; `Fetched.listed` looks at the others
        if len(names) != 1:
            raise BackupDamaged(
                f"The copy at {target} has {len(names)} files {'' if named else '*'}{ending}, so it is not complete. "
                "Copy the backup again, or fetch it from another target."
            )
        if sizes[names[0]] > most:
            raise BackupDamaged(f"{names[0]} at {target} has {sizes[names[0]]:,} bytes, more than any real one.")
        found += names
    return found


class Fetched:
    """The folder of one backup that a job fetches."""

    def __init__(self, backups_dir: Path, job: str, id_: str) -> None:
        self.id = id_
        self.folder = backups_dir / FETCHING / f"{job}{PARTIAL}"
        self._job = job
        self._backups_dir = backups_dir

    def open(self) -> None:
        """Make the folder, empty."""
        self.discard()
        self.folder.mkdir(parents=True, mode=0o700)

    def listed(self, signer: Signer, sizes: Mapping[str, int]) -> KeptBackup:
        """The backup as its signed record describes it; raises BackupDamaged when the copy does not fit that."""
        try:
            record = PackageRecord.model_validate(json.loads((self.folder / RECORD).read_bytes()))
        except (OSError, ValueError) as error:
            raise BackupDamaged(f"{RECORD} of the copy {self.id} cannot be read.") from error
        unknown = KeptBackup(id=self.id, state="unverified", vm=KeptVm(), path=str(self.folder))
        kept = record.kept(unknown)
        wrong, _ = check_signatures(kept, signer, required=True)
        if wrong:
            raise BackupDamaged(
                f"{' '.join(wrong)} When another installation made the backup, put its signing/public.pem into "
                f"{SIGNING}/{TRUSTED} of the data directory as a file *.pem."
            )
        if record.job != self.id:
            raise BackupDamaged(f"{RECORD} of the copy {self.id} belongs to the backup {record.job[:40]}.")
        if record.saved:
            raise BackupDamaged(f"The disks of {self.id} are in the store of a save profile, and not in the copy.")
        if kept.whole_vm and not any(name.endswith(".ovf") for name in sizes):
            raise BackupDamaged(f"The copy {self.id} has no descriptor (*.ovf), so it is not complete.")
        files = [*kept.here, *kept.beside]
        if why := why_taken([file.file for file in files]):
            raise BackupDamaged(why)
        for file in files:
            if "/" in file.file or sizes.get(file.file) != file.size:
                found = "is missing" if file.file not in sizes else f"has {sizes[file.file]:,} bytes"
                raise BackupDamaged(f"{file.file} of the copy {found}; it was written with {file.size:,}.")
        return kept

    def publish(self, vm: str) -> Path:
        """Give the folder the name of a kept backup; raises Conflict when that is taken, and OSError.

        When the name cannot be written to the disk, the folder gets its former one again.
        """
        to = self._backups_dir / safe_name(vm) / self.id
        to.parent.mkdir(parents=True, exist_ok=True)
        if to.exists():
            raise Conflict(f"The backup {self.id} is among the kept backups already.")
        self.folder.rename(to)
        try:
            sync(to.parent)
        except OSError:
            to.rename(self.folder)
            with contextlib.suppress(OSError):
                to.parent.rmdir()
            raise
        return to

    def published(self) -> Path | None:
        """The folder of the backup when this job has given it its name; None before that."""
        if self.folder.exists():
            return None
        return next(iter(self._backups_dir.glob(f"*/{self.id}/")), None)

    def discard(self) -> None:
        """Remove what was fetched."""
        discard(self.folder)
