"""The turn of a backup or an export: it holds copy slots from before the snapshot or lease to the last disk.

A snapshot grows for as long as it exists, and an export lease locks its VM. So the job waits before it has one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from service.jobs.action import Context, JobControl
from service.store.copy_slots import Wait
from service.vsphere.datastores import DATASTORES
from service.vsphere.hosts import HOSTS
from service.vsphere.inventory import Vm
from service.vsphere.live import Kind
from service.vsphere.selectors import lock_key, read_exact
from service.vsphere.session import Session

KINDS: dict[str, tuple[Kind[Any], str]] = {"host": (HOSTS, "the host"), "datastore": (DATASTORES, "the datastore")}
"""By the first part of a key: where its object is found, and what people call it."""


def turn_keys(vm: Vm) -> list[str]:
    """The keys of the copy slots that a backup of the VM takes: its host and its datastores."""
    keys = [("host", vm.host), *(("datastore", each) for each in vm.datastores)]
    return [lock_key(kind, vm.vcenter, moref) for kind, moref in keys]


class Turn:
    """The turn of one job in this process; the place in the queue belongs to the job and outlives the process.

    `before` is what the job does not begin during the wait, for people.
    """

    def __init__(self, context: Context, session: Session, job: JobControl, *, before: str = "the snapshot") -> None:
        self._before = before
        self._copy_slots = context.copy_slots
        self._inventory = context.vcenters.link(session.vcenter.name).inventory
        self._width = context.settings.max_copies
        self._job = job
        self._held: tuple[list[str], int] | None = None
        self._lock = asyncio.Lock()

    async def take(self, keys: Sequence[str], disks: int) -> bool:
        """Hold the slots to copy `disks` disks at a time from what the keys name; True when that took a wait.

        Call it inside of a step. Raises JobCancelled when the job is cancelled during the wait.
        """
        waited = False

        def waiting(wait: Wait) -> None:
            nonlocal waited
            waited = True
            self._job.say(self._words(wait))

        async with self._lock:
            wanted = (list(keys), max(1, disks))  # a VM that waits may get another disk
            if self._held != wanted:
                job = self._job.job_id
                await self._job.interruptible(
                    lambda: self._copy_slots.take(job, keys, disks=wanted[1], waiting=waiting)
                )
                self._held = wanted
        if waited:
            self._job.say("")
        return waited

    async def release(self) -> None:
        """Let the next backups have their turn; does nothing when the job has none."""
        self._held = None
        await self._copy_slots.release(self._job.job_id)

    def _words(self, wait: Wait) -> str:
        kind, _, place = wait.key.partition(":")
        moref = read_exact(place).moref
        if kind not in KINDS:
            return "waiting for the database"
        where, noun = KINDS[kind]
        name = next((each.name for each in self._inventory.find(where, "moref", moref)), moref)
        before = f", and job {', '.join(wait.before)} comes first" if wait.before else ""
        return (
            f"waiting for its turn before {self._before}: from {noun} {name}, at most {self._width} disks are copied "
            f"at a time (VMKOPS_MAX_COPIES){before}"
        )
