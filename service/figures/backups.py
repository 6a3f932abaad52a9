"""Backups: how old the newest good one of each VM is, how many VMs have none, and the room for more."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import Metric

from service.backups.catalogue import KeptVm, read_catalogue
from service.backups.freshness import newest_good
from service.figures.part import Part, gauge
from service.figures.schedules import MOST_SERIES
from service.vsphere.inventory import VMS
from service.vsphere.vcenters import VCenters

STALE = timedelta(hours=24)
"""A VM whose newest good backup is older counts as stale."""
LONGEST = 300.0
"""Seconds after which the folder of backups is read again, also when no job has ended."""
SHARE = 20
"""Reading the folder may take one part in so many of the time."""


class BackupFigures(Part):
    """The kept backups of the VMs in the inventory."""

    name = "backups"

    def __init__(self, folder: Path, vcenters: VCenters, ended: Callable[[], int]) -> None:
        """`ended` returns how many jobs have ended so far."""
        super().__init__()
        self._folder, self._vcenters, self._jobs_ended = folder, vcenters, ended
        self._read_for: tuple[int, int] | None = None
        self._read_at = self._read_seconds = 0.0
        self._newest: dict[tuple[str, ...], datetime] = {}
        self._without: int | None = None
        self._dates: list[datetime] = []
        self._disk = (0, 0)

    async def look(self) -> None:
        """Read the folder when jobs have ended, when the number of VMs has changed, or after five minutes."""
        loaded = [each.vcenter for each in self._vcenters.freshness() if each.as_of is not None]
        found_vms = [vm for name in loaded for vm in self._vcenters.link(name).inventory.all(VMS)]
        vms = [
            KeptVm(name=vm.name, uuid=vm.uuid, instance_uuid=vm.instance_uuid, moref=vm.moref, vcenter=vm.vcenter)
            for vm in found_vms
            if not vm.template and not vm.managed_by
        ]
        state, passed = (self._jobs_ended(), len(vms)), time.monotonic() - self._read_at
        if passed < LONGEST and (state == self._read_for or passed < SHARE * self._read_seconds):
            return
        began = time.monotonic()
        usage = await asyncio.to_thread(lambda: shutil.disk_usage(_existing(self._folder)))
        found = newest_good(await asyncio.to_thread(read_catalogue, self._folder), vms)
        self._disk = usage.free, usage.total
        self._dates = [at for _, at in found if at]
        self._without = len(found) - len(self._dates) if loaded else None
        newest: dict[tuple[str, ...], datetime] = {}
        for vm, at in found:
            if at:  # of several VMs with one name, the one with the oldest backup counts
                newest[vm.vcenter, vm.name] = min(at, newest.get((vm.vcenter, vm.name), at))
        self._newest = dict(sorted(newest.items(), key=lambda item: item[1]))
        self._read_for, self._read_at = state, time.monotonic()
        self._read_seconds = self._read_at - began

    def metrics(self, *, vm_names: bool) -> Iterable[Metric]:
        """The ages now; nothing of VMs before an inventory was loaded.

        Without `vm_names`, the age is that of the oldest of the newest good backups of each vCenter.
        """
        free, size = self._disk
        yield gauge("vmkops_backups_disk_free_bytes", "Free bytes on the disk of the backups.", {(): free})
        yield gauge("vmkops_backups_disk_size_bytes", "Size of the disk of the backups in bytes.", {(): size})
        if self._without is None:
            return
        now = datetime.now(UTC)
        stale = self._without + sum(now - at > STALE for at in self._dates)
        yield gauge("vmkops_vms", "VMs that backups are expected of.", {(): self._without + len(self._dates)})
        yield gauge("vmkops_vms_stale", "VMs without a good backup of the last 24 hours.", {(): stale})
        shown = list(self._newest.items())[:MOST_SERIES] if vm_names else list(self._oldest().items())
        yield gauge(
            "vmkops_backup_newest_good_age_seconds",
            "Age of the newest good backup of each VM that has one: the 200 oldest, or the oldest of each vCenter.",
            {key: (now - at).total_seconds() for key, at in shown},
            ("vcenter", "vm"),
        )
        yield gauge(
            "vmkops_backup_ages_left_out",
            "VMs with a good backup whose age is not shown, because those of others are older.",
            {(): len(self._newest) - len(shown)},
        )

    def _oldest(self) -> dict[tuple[str, ...], datetime]:
        """The oldest of each vCenter, under an empty name of the VM, which Prometheus takes for no name at all."""
        found: dict[tuple[str, ...], datetime] = {}
        for (vcenter, _), at in self._newest.items():  # the oldest come first
            found.setdefault((vcenter, ""), at)
        return found


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())
