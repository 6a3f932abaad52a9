"""What a backup keeps beside the OVF package: the settings of the VM in one JSON file, and its NVRAM."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from service.errors import PackageDamaged, VmkopsError
from service.packages.deployable import Deployable, read_file
from service.packages.folder import Package, PackageFile
from service.retry import retry
from service.transfer.datastore_file import read_datastore_file
from service.transfer.export_lease import RETRY_SECONDS, CopiedDisk
from service.transfer.source import SourceFile
from service.vsphere.datastore_files import DatastoreFile, find_nvram
from service.vsphere.session import Session
from service.vsphere.vm_settings import VmSettings, read_settings

SETTINGS = "vm-settings.json"
LARGEST_SETTINGS = 4 << 20
"""Bytes of the settings file that are read."""

CopyNvram = Callable[[Path], Awaitable[tuple[str, CopiedDisk] | None]]
"""Copies the NVRAM that the lease offers into a file; returns its key and size, or None when the lease offers none."""


class Beside(NamedTuple):
    """The files that were written beside the disks, those of them that the descriptor lists too, and warnings."""

    files: list[PackageFile]
    described: list[PackageFile]
    warnings: list[str]


async def keep_beside(session: Session, vm: str, snapshot: str, package: Package, copy_nvram: CopyNvram) -> Beside:
    """Write the settings and the NVRAM of the VM `vm` into the incomplete package; both are morefs.

    A failure is a warning and not an error: without these files the disks are still worth keeping. A package that is
    complete is left alone.
    """
    if package.complete:
        return Beside([], [], [])
    try:
        settings = await retry(lambda: read_settings(session, vm, snapshot), seconds=RETRY_SECONDS)
    except VmkopsError as error:
        words = f"The settings of the VM are missing from the package: {error} A restore uses those of the descriptor."
        return Beside([], [], [words])
    settings, untagged = await _with_tags(session, vm, settings)
    nvram, described, warnings = await _keep_nvram(session, vm, package, copy_nvram, efi=settings.firmware == "efi")
    if nvram is not None:
        settings = settings.model_copy(update={"nvram": nvram.file})
    warnings = [*untagged, *warnings]
    content = settings.model_dump_json(indent=2).encode() + b"\n"
    kept: PackageFile | None = None
    try:
        kept = await asyncio.to_thread(_write, package.open() / SETTINGS, content)
    except OSError as error:
        warnings.append(
            f"The settings of the VM are missing from the package: {SETTINGS} cannot be written: {error.strerror}. A "
            "restore uses those of the descriptor."
        )
    files = [each for each in (kept, nvram) if each is not None]
    return Beside(files, [nvram] if nvram and described else [], warnings)


async def read_kept_settings(package: Deployable) -> VmSettings | None:
    """The settings that a package keeps; None when it was made without them. Raises PackageDamaged."""
    if package.settings is None:
        return None
    content = await read_verified(Path(package.root), package.settings, LARGEST_SETTINGS)
    try:
        return VmSettings.model_validate_json(content)
    except ValidationError as error:
        raise PackageDamaged(
            f"{package.settings.name} is not a file of settings: {error.errors()[0]['msg']}."
        ) from error


async def read_verified(root: Path, file: SourceFile, most: int) -> bytes:
    """The content of a small file of a package, which must have its digest; raises PackageDamaged."""
    if file.size > most:
        raise PackageDamaged(f"{file.name} has {file.size} bytes, more than such a file can have.")
    try:
        content = await asyncio.to_thread(read_file, root, file)
    except OSError as error:
        raise PackageDamaged(f"{file.name} cannot be read: {error.strerror}.") from error
    if hashlib.new(file.algorithm, content, usedforsecurity=False).hexdigest() != file.digest:
        raise PackageDamaged(f"{file.name} has changed since it was written.")
    return content


async def _with_tags(session: Session, vm: str, settings: VmSettings) -> tuple[VmSettings, list[str]]:
    """The settings with the tags of the VM, and a warning when those cannot be read."""
    try:
        return settings.model_copy(update={"tags": list(await session.tagging.of_vm(vm))}), []
    except VmkopsError as error:
        return settings, [f"The tags of the VM are missing from the package: {error}"]


async def _keep_nvram(
    session: Session, vm: str, package: Package, copy_nvram: CopyNvram, *, efi: bool
) -> tuple[PackageFile | None, bool, list[str]]:
    """The NVRAM file that was kept, whether it came from the lease, and warnings."""
    to = package.open() / f"{package.name}.nvram"
    reason = ""
    try:
        if copied := await copy_nvram(to):
            key, file = copied
            return PackageFile(key=key, file=to.name, size=file.size, sha256=file.sha256), True, []
    except VmkopsError as error:
        reason = str(error)
    try:
        if await retry(lambda: find_nvram(session, vm), seconds=RETRY_SECONDS) is not None:
            content = await read_datastore_file(session, lambda: _found(session, vm))
            return await asyncio.to_thread(_write, to, content), False, []
        reason = reason or "the VM has no NVRAM file"
    except VmkopsError as error:
        reason = str(error)
    except OSError as error:
        reason = f"{to.name} cannot be written: {error.strerror}"
    if not efi and reason == "the VM has no NVRAM file":
        return None, False, []
    lost = "boot entries and Secure Boot keys of the guest, so a restored VM may not boot" if efi else "the boot order"
    return None, False, [f"The NVRAM of the VM is missing from the package ({reason.rstrip('.')}): it holds {lost}."]


async def _found(session: Session, vm: str) -> DatastoreFile:
    found = await find_nvram(session, vm)
    if found is None:
        raise PackageDamaged("The VM no longer has an NVRAM file.")
    return found


def _write(path: Path, content: bytes) -> PackageFile:
    path.write_bytes(content)
    return PackageFile(key="", file=path.name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
