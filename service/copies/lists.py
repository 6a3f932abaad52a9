"""The lists of copies for callers: one reading of a target at a time, which all who ask meanwhile share."""

from __future__ import annotations

import asyncio

from service.api.settings import Settings
from service.background import cancel_and_wait
from service.copies.held import HeldCopy, held_copies
from service.copies.store import CopyStore
from service.errors import TargetSlow, WorkersBusy
from service.store.signing import Signer

MOST = 4
"""Targets that are read at a time."""
WAIT_SECONDS = 50.0
"""How long a caller waits for a list; clients give up after 60 seconds."""
READ_SECONDS = 600.0
"""How long a target may take for its list. Whoever asks again gets the list of the same reading."""


class CopyLists:
    """Reads what targets have, for callers of one event loop."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[list[HeldCopy]]] = {}

    async def of(self, settings: Settings, signer: Signer, name: str) -> list[HeldCopy]:
        """Every copy of the target with this name, newest first.

        A caller who leaves does not end the reading for the others. Raises InvalidParams for an unknown name,
        WorkersBusy while too many targets are read, TargetSlow when that takes too long, and what `held_copies` raises.
        """
        store = CopyStore.of(settings, name)
        running = self._running.get(name)
        if running is None:
            if len(self._running) >= MOST:
                others = ", ".join(sorted(self._running))
                raise WorkersBusy(f"The copies of other targets are being read: {others}. Try again in a minute.")
            running = self._running[name] = asyncio.create_task(_read(store, signer))
            running.add_done_callback(lambda ended: self._ended(name, ended))
        if not (await asyncio.wait([running], timeout=WAIT_SECONDS))[0]:
            raise TargetSlow(
                f"The copy target {name} has not listed its copies within {WAIT_SECONDS:g} seconds. It is still being "
                "read: ask again in a minute. If it stays so, check the target with `vmkops doctor`."
            )
        return running.result()

    async def stop(self) -> None:
        """End what is being read."""
        for running in tuple(self._running.values()):
            await cancel_and_wait(running)

    def _ended(self, name: str, running: asyncio.Task[list[HeldCopy]]) -> None:
        del self._running[name]
        if not running.cancelled():
            running.exception()  # also when no caller is there any more


async def _read(store: CopyStore, signer: Signer) -> list[HeldCopy]:
    try:
        async with asyncio.timeout(READ_SECONDS) as limit:
            return await held_copies(store, signer)
    except TimeoutError as error:
        if not limit.expired():
            raise
        name = store.target.name
        raise TargetSlow(
            f"The copy target {name} has not listed its copies within {READ_SECONDS:g} seconds, so its command was "
            "stopped. Check the target with `vmkops doctor`."
        ) from error
