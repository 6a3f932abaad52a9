"""Checks the signatures of a kept backup: who can write to the folder can change disks and manifest, but not sign."""

from __future__ import annotations

from pathlib import Path

from service.backups.catalogue import LARGEST_RECORD, RECORD, KeptBackup
from service.store.signing import SIGNATURE, Signer
from service.transfer.safe_open import safe_open

LONGEST_SIGNATURE = 1024


def check_signatures(kept: KeptBackup, signer: Signer, *, required: bool) -> tuple[list[str], list[str]]:
    """The problems of the signatures of manifest and `backup.json`, and warnings, in sentences.

    A backup without signatures has a problem when they are `required`, or when it was made after this installation
    began to sign; else a warning.
    """
    folder = Path(kept.path)
    problems, unsigned = [], []
    manifests = sorted(item.name for item in folder.iterdir() if item.suffix == ".mf")
    for name in (*manifests, RECORD):
        try:
            content = _read(folder, name, LARGEST_RECORD)
            signature = _read(folder, f"{name}{SIGNATURE}", LONGEST_SIGNATURE)
        except FileNotFoundError:
            unsigned.append(name)
        except OSError as error:
            problems.append(f"The signature of {name} cannot be read: {error.strerror}.")
        else:
            if not signer.accepts(content, signature):
                problems.append(
                    f"{name} was changed after it was signed, or it was signed with a key that is not known here."
                )
    if unsigned:
        missing = f"The signature is missing: {', '.join(f'{name}{SIGNATURE}' for name in unsigned)}."
        if required or problems or kept.created_at is None or kept.created_at >= signer.since:
            problems.append(missing)
        else:
            return problems, [f"{missing} The backup was made before vmkops signed packages."]
    return problems, []


def _read(folder: Path, name: str, most: int) -> bytes:
    with safe_open(folder, name) as file:
        return file.read(most)
