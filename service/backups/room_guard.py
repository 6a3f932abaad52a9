"""Watches the free space of a VM's datastores while its disks are copied, and stops the copy before VMs stop."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from service.background import cancel_and_wait, end_because
from service.errors import DatastoreLow, VmkopsError
from service.vsphere.room import read_room, too_little
from service.vsphere.session import Session
from service.vsphere.snapshots.listing import snapshot_size

R = TypeVar("R")
log = logging.getLogger(__name__)

LOOK_SECONDS = 15.0
"""Pause between looks at the free space, and at the size of the delta disks as vCenter knows it."""
REFRESH_EVERY = 4
"""At the first of so many looks, the host is asked for the size of the delta disks, which costs it more."""


class RoomGuard:
    """Guards the snapshot of one VM (a moref), which several disks are copied from at a time.

    `percent` is the setting VMKOPS_DELTA_ROOM. `grown` gets the bytes of the snapshot's delta disks.
    """

    def __init__(self, session: Session, vm: str, percent: int, grown: Callable[[int], None]) -> None:
        self._session = session
        self._vm = vm
        self._percent = percent
        self._grown = grown
        self._low = asyncio.Event()
        self._reason = ""

    async def beside(self, work: Coroutine[Any, Any, R], snapshot: str) -> R:
        """Run `work` to its end and return its result; stops it and raises DatastoreLow when the room gets too small.

        `snapshot` is the moref of the snapshot that grows meanwhile. A vCenter that does not answer stops nothing.
        """
        working, watching = asyncio.ensure_future(work), asyncio.ensure_future(self._watch(snapshot))
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                watching.result()  # why the copy is stopped, which says more than how it then ends
            result = working.result()
        except BaseException as error:
            try:
                await end_because(error, working)
            finally:
                await end_because(error, watching)
            raise
        await cancel_and_wait(watching)
        return result

    async def _watch(self, snapshot: str) -> None:
        for look in itertools.count():
            try:
                rooms = await read_room(self._session, self._vm, refresh=True)
                refresh = look % REFRESH_EVERY == 0
                size = await snapshot_size(self._session, self._vm, snapshot, refresh=refresh)
            except VmkopsError as error:
                log.info("the free space of the datastores could not be read: %s", error)
            else:
                if size is not None:
                    self._grown(size)
                if reason := too_little(rooms, self._percent):
                    self._reason = reason
                    self._low.set()
            # The disks stop together: a copy that went on would open the lease again that another one has ended.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._low.wait()
                raise DatastoreLow(f"The copy was stopped and the snapshot is removed. {self._reason} Free up space.")
