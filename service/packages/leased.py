"""The disks behind an export lease: a lease that ended is opened anew, and a disk that broke off is read again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from service.backups.disk import copy_disk
from service.backups.meter import Meter
from service.errors import Conflict, CopyFailed, VmkopsError
from service.patience import PAUSES, patiently
from service.vsphere.nfc import Lease, LeasedDisk, abort_lease, complete_lease, is_ready, kept_alive
from service.vsphere.session import Session

log = logging.getLogger(__name__)

COPY_TRIES = 3
OPEN_SECONDS = 300
"""How long to wait for a vCenter that does not answer, or for a VM that is still held by a lease of before."""
CLOSE_SECONDS = 30


class LeasedDisks:
    """One export lease of this process, opened by `opening`."""

    def __init__(self, session: Session, opening: Callable[[], Awaitable[Lease]]) -> None:
        self._session = session
        self._opening = opening
        self._lease: Lease | None = None

    async def ready(self, before: str = "") -> Lease:
        """The open lease, or a new one when there is none or it has ended; `before` is one of a process that died."""
        if self._lease is not None and await is_ready(self._session, self._lease.moref):
            return self._lease
        if ended := (self._lease.moref if self._lease else before):
            await abort_lease(self._session, ended)
        self._lease = await patiently(self._opening, seconds=OPEN_SECONDS)
        return self._lease

    async def copy(self, key: str, to: Path, meter: Meter, number: int, before: str) -> tuple[int, str]:
        """Copy the disk with this key into the file `to`, up to three times; its bytes and SHA-256 in hex."""
        for attempt in range(1, COPY_TRIES + 1):
            lease = await self.ready(before)
            disk = next((each for each in lease.disks if each.key == key), None)
            if disk is None:
                raise Conflict(f"The disk {key} is not in the VM any more.")
            try:
                return await self._read(lease, disk, to, meter, number)
            except CopyFailed as error:
                if attempt == COPY_TRIES:
                    raise
                log.warning("copying again: %s", error, extra={"lease": lease.moref})
                await asyncio.sleep(PAUSES[attempt - 1])
        raise AssertionError("unreachable")

    async def complete(self, before: str) -> str:
        """Say that the export is done, and say how that went; trouble with the lease is told and no more."""
        try:
            if self._lease is not None and await is_ready(self._session, self._lease.moref):
                lease = self._lease.moref
                await patiently(lambda: complete_lease(self._session, lease), seconds=CLOSE_SECONDS)
                return "export lease completed"
            await abort_lease(self._session, self._lease.moref if self._lease else before)
        except VmkopsError as error:
            return f"the lease was left to end by itself: {error}"
        return "the lease had ended"

    async def give_up(self, before: str) -> str:
        """Abort the lease, also one that a process which died had opened."""
        lease = self._lease.moref if self._lease else before
        if not lease:
            return "no lease was open"
        try:
            await abort_lease(self._session, lease)
        except VmkopsError as error:
            return f"the lease was left to end by itself: {error}"
        return "given up"

    async def _read(self, lease: Lease, disk: LeasedDisk, to: Path, meter: Meter, number: int) -> tuple[int, str]:
        try:
            async with kept_alive(self._session, lease.moref, meter.percent):
                return await copy_disk(
                    disk.url,
                    to,
                    self._session.ssl_context(),
                    lambda done, promised: meter.reading(number, done, promised),
                )
        except asyncio.CancelledError:
            # The process is being stopped, or the job cancelled: do not leave vCenter waiting for the lease to end.
            await asyncio.shield(abort_lease(self._session, lease.moref))
            raise
