"""What is staged for other backup products."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric

from service.figures.part import Part, gauge
from service.store.mount_ledger import MountLedger


class MountFigures(Part):
    """The mounts of all processes."""

    name = "mounts"

    def __init__(self, mounts: MountLedger) -> None:
        super().__init__()
        self._mounts = mounts
        self._mounted = 0

    async def look(self) -> None:
        """Count what is mounted."""
        self._mounted = len(await self._mounts.mounted())

    def metrics(self, *, vm_names: bool) -> Iterable[Metric]:  # noqa: ARG002
        """The count."""
        yield gauge("vmkops_mounts", "VMs that are staged for other backup products.", {(): self._mounted})
