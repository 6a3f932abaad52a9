"""Snapshots of jobs that have ended: those still there, and those whose disks are not merged."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric

from service.figures.part import Part, gauge
from service.jobs.counts import under_way_among
from service.store.snapshot_ledger import SnapshotLedger


class SnapshotFigures(Part):
    """The ledger of the snapshots of all processes."""

    name = "snapshots"

    def __init__(self, ledger: SnapshotLedger) -> None:
        super().__init__()
        self._ledger = ledger
        self._left = self._unmerged = 0

    async def look(self) -> None:
        """Count the open rows of jobs that have ended: a job under way still needs its snapshot."""
        jobs = {row.job for row in await self._ledger.open_rows()}
        over = jobs - await under_way_among(jobs)
        # A job closes its row before it ends, so a row that is open after the end is left behind.
        ended = [row for row in await self._ledger.open_rows() if row.job in over] if over else []
        self._left = sum(row.gone_at is None for row in ended)
        self._unmerged = len(ended) - self._left

    def metrics(self, *, vm_names: bool) -> Iterable[Metric]:  # noqa: ARG002
        """The two counts."""
        yield gauge("vmkops_snapshots_left", "Snapshots of ended jobs that are not removed.", {(): self._left})
        yield gauge(
            "vmkops_snapshots_unmerged", "Removed snapshots whose disks are not merged yet.", {(): self._unmerged}
        )
