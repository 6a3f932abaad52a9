"""Ends what a dead job left: our snapshots by the ledger, and half packages. Nothing else is ever touched."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from service.actions._base import Equipment
from service.backups.package import PARTIAL, discard
from service.errors import NotFound, SettingMissing, VmkopsError
from service.jobs.engine import Jobs
from service.ledger import LedgerRow
from service.vsphere.snapshots import remove_snapshot

log = logging.getLogger(__name__)


class Reaper:
    """Looks at every open row of the ledger whose job is over; `report` says what it could not end."""

    def __init__(self, equipment: Equipment, jobs: Jobs) -> None:
        self._equipment = equipment
        self._jobs = jobs
        self._left: list[dict[str, str]] = []

    def report(self) -> dict[str, Any]:
        """The snapshots of ours that dead jobs left and that could not be removed yet."""
        return {"snapshots_left": self._left}

    async def sweep(self) -> None:
        """One look; an error with one row does not keep it from the next."""
        left = []
        for row in await self._equipment.ledger.open_rows():
            if await self._live(row.job):
                continue
            trouble = await self._end(row)
            if trouble:
                left.append({"vm": row.vm_name, "job": row.job, "since": row.created_at, "trouble": trouble})
                log.warning("a snapshot of job %s is still on %s: %s", row.job, row.vm_name, trouble)
        self._left = left
        for folder in await asyncio.to_thread(_half_packages, self._equipment.settings.backups_dir):
            if not await self._live(folder.name.removesuffix(PARTIAL)):
                await asyncio.to_thread(discard, folder)
                log.info("half package removed: %s", folder)

    async def _live(self, job_id: str) -> bool:
        try:
            return not (await self._jobs.get(job_id)).state.final
        except NotFound:
            return False

    async def _end(self, row: LedgerRow) -> str:
        ledger = self._equipment.ledger
        try:
            session = self._equipment.vcenters.link(row.vcenter).session
        except NotFound as error:  # its table was taken out of the settings
            return str(error)
        try:
            removed = await remove_snapshot(session, row.vm, row.job, row.nonce)
        except NotFound:
            removed = False
        except VmkopsError as error:
            await ledger.trouble(row.job, str(error))
            return str(error)
        await ledger.removed(row.job)
        if removed:
            log.info("snapshot of job %s removed from %s", row.job, row.vm_name, extra={"job": row.job})
        return ""


@contextlib.asynccontextmanager
async def reaping(reaper: Reaper, every: float) -> AsyncIterator[None]:
    """Sweep at once and then every so many seconds, for as long as the block runs."""

    async def sweep() -> None:
        while True:
            try:
                await reaper.sweep()
            except SettingMissing:
                log.info("no vCenter is set, so nothing is swept")
            except Exception:
                log.exception("the sweep failed; it is tried again in %g seconds", every)
            await asyncio.sleep(every)

    timer = asyncio.create_task(sweep())
    try:
        yield
    finally:
        timer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await timer


def _half_packages(backups_dir: Path) -> list[Path]:
    return sorted(backups_dir.glob(f"*/*{PARTIAL}"))
