"""The disks behind an export lease: an expired lease is opened again, and an interrupted download is repeated."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from knowledge.ovf.contents import SPARSE_VMDK
from service.api.words import counted
from service.errors import BackupDamaged, Conflict, CopyFailed, VmkopsError
from service.jobs.action import StepResult
from service.retry import attempts, retry
from service.transfer.checksum import compare_checksum
from service.transfer.download import download_disk
from service.transfer.progress import Report, TransferProgress
from service.transfer.stall import Stall
from service.transfer.stream import DiskSink, OpenSink, stream_disk
from service.vsphere.lease_manifest import read_sent
from service.vsphere.nfc import Lease, LeasedDisk, Opened, abort_lease, complete_lease, is_ready, kept_alive
from service.vsphere.session import Session

DOWNLOADS = 3
"""How often a disk is downloaded before the copy fails."""
RETRY_SECONDS = 300
"""How long to retry while vCenter does not answer, or while the VM is still locked by an earlier lease."""
CLOSE_SECONDS = 30
"""How long to retry the end of a lease, which vCenter otherwise ends by itself."""


class LeaseRecord(Protocol):
    """The durable record of the leases that a job has open."""

    def opened(self, lease: str) -> None:
        """Record a lease; blocks."""

    async def ended(self, lease: str) -> None:
        """Forget a lease that has ended."""

    async def recorded(self) -> list[str]:
        """The leases that may still be open, whichever process has opened them."""


class ExportDisk(BaseModel):
    """One disk of an export: its key in the lease, its file name, and its bytes where the lease reports them."""

    model_config = ConfigDict(frozen=True)

    key: str
    file: str
    size: int | None


class OpenedLease(StepResult):
    """An export lease as a job records it: its moref, its disks, and how many disks of the VM it does not offer."""

    lease: str
    disks: list[ExportDisk]
    missing: int


class CopiedDisk(NamedTuple):
    """A disk that was copied: bytes, SHA-256 in hex, and how it was compared with what the host sent."""

    size: int
    sha256: str
    compared: str


class ExportLease:
    """The export lease of one job in this process; several disks may be copied at a time.

    `opening` opens a lease and passes its moref on at once, `report` receives the bytes done and in all, and `keep`
    bytes of disk space stay free. A process cannot go on with the lease of one that died: `record` knows that lease, so
    that it is aborted before another is opened, however often a process dies.
    """

    def __init__(
        self,
        session: Session,
        opening: Callable[[Opened], Awaitable[Lease]],
        report: Report,
        keep: int,
        record: LeaseRecord,
    ) -> None:
        self._session = session
        self._opening = opening
        self._record = record
        self._report = report
        self._keep = keep
        self._progress = TransferProgress(report, [], [], None)
        self._lease: Lease | None = None
        self._lock = asyncio.Lock()

    async def open(self, expected: int) -> OpenedLease:
        """Open the lease of a VM that has `expected` disks to export."""
        lease = await self._ready()
        disks = [ExportDisk(key=disk.key, file=disk.file, size=disk.size) for disk in lease.disks]
        missing = max(0, expected - len(disks))
        fewer = f", {missing} fewer than the VM has" if missing else ""
        return OpenedLease(
            lease=lease.moref, disks=disks, missing=missing, detail=f"{counted(len(disks), 'disk')} to copy{fewer}"
        )

    def measure(self, opened: OpenedLease, estimate: int | None) -> None:
        """Start the progress over these disks; `estimate` is used for their bytes while a size is unknown."""
        self._progress = TransferProgress(
            self._report, [disk.file for disk in opened.disks], [disk.size for disk in opened.disks], estimate
        )

    def copied(self, number: int, size: int) -> None:
        """Count a disk as done, whether it was copied now or before a restart."""
        self._progress.finish(number, size)

    async def copy(self, opened: OpenedLease, number: int, to: Path) -> CopiedDisk:
        """Copy a disk into the file `to`, from its beginning, up to three times.

        Raises CopyFailed when every download is interrupted, BackupDamaged when the disk never arrives as the host
        sent it, DiskRefused when what it sends is not a VMDK, and Conflict when the VM no longer has it.
        """

        async def download() -> CopiedDisk:
            lease, disk = await self._offered(opened, number, to.name)
            return await self._download(lease, disk, to, number)

        return await attempts(download, times=DOWNLOADS, of=(CopyFailed, BackupDamaged))

    async def stream(
        self,
        opened: OpenedLease,
        number: int,
        name: str,
        opening: OpenSink,
        ended: Callable[[DiskSink], Awaitable[None]],
    ) -> CopiedDisk:
        """Stream a disk, `name` for people, into a sink from its beginning, up to three times, as `copy` copies it.

        `ended` gets the sink once the disk has arrived as the host sent it. Raises what `copy` and the sink raise.
        """

        async def stream() -> CopiedDisk:
            lease, disk = await self._offered(opened, number, name)
            compared: list[CopiedDisk] = []

            async def compare(sink: DiskSink) -> None:
                size, sha256, sha1 = sink.sent
                sent = await retry(lambda: read_sent(self._session, lease.moref, disk.key), seconds=RETRY_SECONDS)
                how = await compare_checksum(sent, Path(name), size, sha256, sha1)
                compared.append(CopiedDisk(size, sha256, how))
                await ended(sink)

            async with self._held(lease):
                await stream_disk(
                    disk.url,
                    name,
                    self._session.host_tls(disk.pin),
                    lambda done, total: self._progress.update(number, done, total),
                    Stall(lambda: is_ready(self._session, lease.moref)),
                    opening,
                    compare,
                )
            return compared[0]

        return await attempts(stream, times=DOWNLOADS, of=(CopyFailed, BackupDamaged))

    async def copy_nvram(self, opened: OpenedLease, to: Path) -> tuple[str, CopiedDisk] | None:
        """Copy the NVRAM file that the lease offers into the file `to`; returns its key in the lease as well.

        None when the lease offers none. Raises what `copy` raises.
        """
        lease = await self._ready(opened.lease)
        if lease.nvram is None:
            return None
        return lease.nvram.key, await self._download(lease, lease.nvram, to, None)

    async def complete(self, opened: OpenedLease) -> str:
        """Complete the lease and return how that went; a failure does not matter, as all disks are copied."""
        lease = self._lease.moref if self._lease else opened.lease

        async def end() -> str:
            if self._lease is not None and await is_ready(self._session, lease):
                await complete_lease(self._session, lease)
                await self._record.ended(lease)
                return "export lease completed"
            await self._abort(opened.lease)
            return "the export lease had already ended"

        try:
            return await retry(end, seconds=CLOSE_SECONDS)
        except VmkopsError as error:
            with contextlib.suppress(VmkopsError):
                await self._abort(opened.lease)
            return f"the export lease is still open, and vCenter ends it by itself: {error}"

    async def give_up(self, opened: OpenedLease | None) -> str:
        """Abort the lease and return how that went; `opened` is None when the job has recorded none."""
        if not (self._lease or opened or await self._record.recorded()):
            return "no export lease was open"
        try:
            await retry(lambda: self._abort(opened.lease if opened else ""), seconds=CLOSE_SECONDS)
        except VmkopsError as error:
            return f"the export lease is still open, and vCenter ends it by itself: {error}"
        return "export lease aborted"

    async def _ready(self, recorded: str = "") -> Lease:
        """The open lease, or a new one when there is none or it has ended."""
        async with self._lock:
            if self._lease is not None and await self._is_ready(self._lease.moref):
                return self._lease
            await retry(lambda: self._abort(recorded), seconds=RETRY_SECONDS)
            self._lease = None
            self._lease = await retry(lambda: self._opening(self._record.opened), seconds=RETRY_SECONDS)
            return self._lease

    async def _abort(self, opened: str = "") -> None:
        """Abort every lease that this job may have open. `opened` is from the job's steps: version 0.1.0 recorded it
        there only.
        """
        known = {*await self._record.recorded(), *filter(None, [opened]), *([self._lease.moref] if self._lease else [])}
        for lease in sorted(known):
            await abort_lease(self._session, lease)
            await self._record.ended(lease)

    async def _is_ready(self, lease: str) -> bool:
        return await retry(lambda: is_ready(self._session, lease), seconds=RETRY_SECONDS)

    async def _offered(self, opened: OpenedLease, number: int, name: str) -> tuple[Lease, LeasedDisk]:
        """The open lease, and the disk with this number in it; raises Conflict when the VM no longer has it."""
        lease = await self._ready(opened.lease)
        disk = next((each for each in lease.disks if each.key == opened.disks[number].key), None)
        if disk is None:
            raise Conflict(f"The VM no longer has the disk of {name}. Start the action again.")
        return lease, disk

    async def _download(self, lease: Lease, disk: LeasedDisk, to: Path, number: int | None) -> CopiedDisk:
        async with self._held(lease):
            size, sha256 = await download_disk(
                disk.url,
                to,
                self._session.host_tls(disk.pin),
                lambda done, total: None if number is None else self._progress.update(number, done, total),
                self._keep,
                Stall(lambda: is_ready(self._session, lease.moref)),
                begins=b"" if number is None else SPARSE_VMDK,
            )
            sent = await retry(lambda: read_sent(self._session, lease.moref, disk.key), seconds=RETRY_SECONDS)
            return CopiedDisk(size, sha256, await compare_checksum(sent, to, size, sha256))

    @contextlib.asynccontextmanager
    async def _held(self, lease: Lease) -> AsyncIterator[None]:
        """Keep the lease alive for as long as the block runs, and abort it when the block is cancelled."""
        try:
            async with kept_alive(self._session, lease.moref, self._progress.percent):
                yield
        except asyncio.CancelledError:
            # The process stops, or the job was cancelled: do not leave the VM locked until the lease expires.
            with contextlib.suppress(VmkopsError):  # a vCenter that does not answer ends it by itself
                await asyncio.shield(self._abort())
            raise
