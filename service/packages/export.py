"""What each step of an export does; whatever must outlive the process is in what a step returns."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from service.api.units import amount
from service.api.words import counted
from service.errors import CopyFailed, DiskFull
from service.jobs.action import Context, JobControl, StepResult
from service.packages.descriptor import parse_descriptor
from service.packages.folder import PARTIAL, CopiedFile, Package, PackageFile
from service.packages.ova import write_ova
from service.retry import retry
from service.transfer.checksum import hash_file
from service.transfer.disk_space import FULL
from service.transfer.export_lease import RETRY_SECONDS, ExportLease, OpenedLease
from service.vsphere.descriptor import create_descriptor
from service.vsphere.nfc import open_vm_lease
from service.vsphere.session import Session

LONGEST_NAME = 60
"""Characters of a package's name; a ustar header has 100 for each of its files."""


class ExportPlan(StepResult):
    """What the first step read of the VM: `disks` is how many it has."""

    moref: str
    name: str
    allocated: int | None
    """Bytes that the VM uses on its datastores: an upper estimate of what is copied."""
    disks: int
    turns: list[str]
    """What the export takes a copy slot of: the host and the datastores, such as `host:host-21`."""


class Described(StepResult):
    """The files of the package (descriptor, manifest, disks) in the order that an OVA needs."""

    order: list[str]


class ExportedFile(BaseModel):
    """One file of the finished package: size in bytes, SHA-256 in hex."""

    model_config = ConfigDict(frozen=True)

    file: str
    size: int
    sha256: str


class Exported(StepResult):
    """The finished package: its folder, the path to import it from, its files, and the bytes of all files."""

    path: str
    import_as: str
    files: list[ExportedFile]
    size: int


def portable_name(name: str) -> str:
    """A file name for `name` that every system and archive accepts: `../../etc` becomes `etc`."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("._-")[:LONGEST_NAME] or "vm"


class Export:
    """The export of one VM in this process, for one job."""

    def __init__(self, context: Context, session: Session, job: JobControl, plan: ExportPlan) -> None:
        self._session = session
        self._plan = plan
        self._report = job.report
        self._keep_free = context.settings.keep_free_bytes
        self._package = Package(context.settings.exports_dir, portable_name(plan.name), job.job_id)
        self._lease = ExportLease(
            self._session,
            lambda opened: open_vm_lease(self._session, plan.moref, opened),
            job.report,
            self._keep_free,
            context.leases.of_job(job.job_id, session.vcenter.name),
        )

    async def open(self) -> OpenedLease:
        """Open the lease; its disks are recorded, each with the file name that it gets in the package."""
        opened = await self._lease.open(self._plan.disks)
        disks = [
            disk.model_copy(update={"file": f"{self._package.name}-disk{number}.vmdk"})
            for number, disk in enumerate(opened.disks, 1)
        ]
        return opened.model_copy(update={"disks": disks})

    def measure(self, opened: OpenedLease) -> None:
        """Start the job's progress over the disks."""
        self._lease.measure(opened, self._plan.allocated)

    async def copy(self, opened: OpenedLease, number: int) -> CopiedFile:
        """Copy one disk, from its beginning; raises what `ExportLease.copy` raises."""
        disk = opened.disks[number]
        copied = await self._lease.copy(opened, number, self._package.open() / disk.file)
        return CopiedFile(
            key=disk.key,
            file=disk.file,
            size=copied.size,
            sha256=copied.sha256,
            detail=f"{disk.file}: {amount(copied.size)}, {copied.compared}",
        )

    def copied(self, number: int, file: CopiedFile) -> None:
        """Count a disk as done, whether it was copied now or before a restart."""
        self._lease.copied(number, file.size)

    async def describe(self, opened: OpenedLease, files: Sequence[CopiedFile]) -> Described:
        """Copy the NVRAM if the lease offers it, and write descriptor and manifest.

        Raises CopyFailed when the descriptor does not list the copied disks.
        """
        packed: list[PackageFile] = [*files, *await self._nvram(opened)]
        text = await retry(
            lambda: create_descriptor(self._session, self._plan.moref, self._plan.name, packed), seconds=RETRY_SECONDS
        )
        listed = [file.href for file in parse_descriptor(self._package.name, text.encode()).files]
        for unused in [file for file in packed[len(files) :] if file.file not in listed]:
            # A vCenter before version 7 does not describe an NVRAM file, and no importer would read it.
            await asyncio.to_thread((self._package.open() / unused.file).unlink, missing_ok=True)
            packed.remove(unused)
        names = await asyncio.to_thread(self._package.describe, text, packed)
        if sorted(listed) != sorted(file.file for file in packed):
            raise CopyFailed(
                f"vCenter's descriptor lists {', '.join(listed) or 'no disk'}, which are not the disks that were "
                "copied. Check whether the VM's disks were changed meanwhile, then start the export again."
            )
        return Described(order=[*names, *listed], detail=f"{names[0]} and {names[1]}")

    async def _nvram(self, opened: OpenedLease) -> list[PackageFile]:
        to = self._package.open() / f"{self._package.name}.nvram"
        copied = await self._lease.copy_nvram(opened, to)
        if copied is None:
            return []
        key, file = copied
        return [PackageFile(key=key, file=to.name, size=file.size, sha256=file.sha256)]

    async def close(self, opened: OpenedLease) -> StepResult:
        """Complete the lease, which releases the VM."""
        return StepResult(detail=await self._lease.complete(opened))

    async def pack(self, order: Sequence[str], copied: Sequence[CopiedFile], *, archive: bool) -> Exported:
        """Pack the files into one OVA when `archive` is true, and publish the package."""
        if archive and self._package.partial.exists():
            await self._pack(order)
        names = await asyncio.to_thread(self._package.publish)
        known = {file.file: file.sha256 for file in copied}
        folder = self._package.path
        files = []
        for name in names:
            sha256 = known.get(name) or (await hash_file(folder / name, lambda _: None))[1]
            files.append(ExportedFile(file=name, size=(folder / name).stat().st_size, sha256=sha256))
        size = sum(file.size for file in files)
        first = next(name for name in names if name.endswith((".ova", ".ovf")))
        return Exported(
            path=str(folder),
            import_as=f"exports/{folder.parent.name}/{folder.name}/{first}",
            files=files,
            size=size,
            detail=f"{counted(len(files), 'file')}, {amount(size)} in {folder}",
        )

    async def give_up(self, opened: OpenedLease | None) -> StepResult:
        """Abort the lease and discard the incomplete package."""
        detail = await self._lease.give_up(opened)
        await asyncio.to_thread(self._package.discard)
        return StepResult(detail=detail)

    async def _pack(self, order: Sequence[str]) -> None:
        folder = self._package.partial
        ova = folder / f"{self._package.name}.ova"
        if not ova.exists():
            partial = ova.with_name(f"{ova.name}{PARTIAL}")
            total = sum((folder / name).stat().st_size for name in order)
            try:
                await write_ova(folder, order, partial, lambda done: self._report(done, total), self._keep_free)
            except OSError as error:
                if error.errno in FULL:
                    raise DiskFull(
                        f"No disk space is left in {folder.parent} for {ova.name}. Free up space, then try again."
                    ) from error
                raise CopyFailed(f"{ova.name} could not be packed: {error.strerror}.") from error
            partial.rename(ova)
        await asyncio.to_thread(_remove, [folder / name for name in order])


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
