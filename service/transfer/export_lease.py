"""The disks behind an export lease: a lease that ended is opened anew, and a disk that broke off is read again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from service.errors import BackupDamaged, Conflict, CopyFailed, VmkopsError
from service.retry import PAUSES, retry
from service.transfer.checksum import compare
from service.transfer.download import copy_disk
from service.transfer.progress import TransferProgress
from service.vsphere.lease_manifest import read_sent
from service.vsphere.nfc import Lease, LeasedDisk, abort_lease, complete_lease, is_ready, kept_alive
from service.vsphere.session import Session

log = logging.getLogger(__name__)

COPY_TRIES = 3
PATIENCE_SECONDS = 300
"""How long to wait for a vCenter that does not answer, or for a VM that is still held by a lease of before."""
CLOSE_SECONDS = 30


class CopiedDisk(NamedTuple):
    """A disk that was copied: bytes, SHA-256 in hex, and in words how it was compared with what the host sent."""

    size: int
    sha256: str
    compared: str


class ExportLease:
    """One export lease of this process, opened by `opening`; several disks may be copied at a time."""

    def __init__(self, session: Session, opening: Callable[[], Awaitable[Lease]]) -> None:
        self._session = session
        self._opening = opening
        self._lease: Lease | None = None
        self._one_at_a_time = asyncio.Lock()

    async def ready(self, before: str = "") -> Lease:
        """The open lease, or a new one when there is none or it has ended; `before` is one of a process that died."""
        async with self._one_at_a_time:
            if self._lease is not None and await self._is_ready(self._lease.moref):
                return self._lease
            if ended := (self._lease.moref if self._lease else before):
                await retry(lambda: abort_lease(self._session, ended), seconds=PATIENCE_SECONDS)
            self._lease = await retry(self._opening, seconds=PATIENCE_SECONDS)
            return self._lease

    async def copy(self, key: str, to: Path, meter: TransferProgress, number: int, before: str) -> CopiedDisk:
        """Copy the disk with this key into the file `to`, from its beginning, up to three times.

        Raises CopyFailed when it breaks off each time, BackupDamaged when it never arrives as the host sent it.
        """
        for attempt in range(1, COPY_TRIES + 1):
            lease = await self.ready(before)
            disk = next((each for each in lease.disks if each.key == key), None)
            if disk is None:
                raise Conflict(f"The disk of {to.name} is not there any more.")
            try:
                return await self._read(lease, disk, to, meter, number)
            except (CopyFailed, BackupDamaged) as error:
                if attempt == COPY_TRIES:
                    raise
                log.warning("copying again: %s", error, extra={"lease": lease.moref})
                await asyncio.sleep(PAUSES[attempt - 1])
        raise AssertionError("unreachable")

    async def complete(self, before: str) -> str:
        """Say that the export is done, and say how that went; trouble with the lease is told and no more."""
        lease = self._lease.moref if self._lease else before

        async def end() -> str:
            if self._lease is not None and await is_ready(self._session, lease):
                await complete_lease(self._session, lease)
                return "export lease completed"
            await abort_lease(self._session, lease)
            return "the lease had ended"

        try:
            return await retry(end, seconds=CLOSE_SECONDS)
        except VmkopsError as error:
            with contextlib.suppress(VmkopsError):
                await abort_lease(self._session, lease)
            return f"the lease was left to end by itself: {error}"

    async def give_up(self, before: str) -> str:
        """Abort the lease, also one that a process which died had opened."""
        lease = self._lease.moref if self._lease else before
        if not lease:
            return "no lease was open"
        try:
            await retry(lambda: abort_lease(self._session, lease), seconds=CLOSE_SECONDS)
        except VmkopsError as error:
            return f"the lease was left to end by itself: {error}"
        return "given up"

    async def _is_ready(self, lease: str) -> bool:
        return await retry(lambda: is_ready(self._session, lease), seconds=PATIENCE_SECONDS)

    async def _read(self, lease: Lease, disk: LeasedDisk, to: Path, meter: TransferProgress, number: int) -> CopiedDisk:
        try:
            async with kept_alive(self._session, lease.moref, meter.percent):
                size, sha256 = await copy_disk(
                    disk.url,
                    to,
                    self._session.ssl_context(),
                    lambda done, promised: meter.reading(number, done, promised),
                )
                told = await retry(lambda: read_sent(self._session, lease.moref, disk.key), seconds=PATIENCE_SECONDS)
                return CopiedDisk(size, sha256, await compare(told, to, size, sha256))
        except asyncio.CancelledError:
            # The process is being stopped, or the job cancelled: do not leave vCenter waiting for the lease to end.
            with contextlib.suppress(VmkopsError):  # a vCenter that is away ends it by itself
                await asyncio.shield(abort_lease(self._session, lease.moref))
            raise
