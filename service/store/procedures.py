"""The procedures as the service keeps them: one store, looked after in the background while pages come and go."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterable

from knowledge.procedure_store.folders import BUILT_IN
from knowledge.procedure_store.store import Store, StoreError
from service.api.settings import Settings
from service.errors import StartError

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often the folders are looked at; more seldom when a look takes long, so that it costs a twentieth at most."""
SHARE = 20


class Procedures:
    """The store, and a `revision` that changes whenever a page does."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.revision = 0

    def related(self, names: Iterable[str]) -> list[str]:
        """The slugs of the pages that have one of these names, each once, in the order of the names."""
        return list(dict.fromkeys(slug for name in names if (slug := self.store.named(name))))

    async def watch(self) -> None:
        """Take in what changes in the folders, for as long as it runs; what is broken is logged once."""
        told: set[str] = set()
        while True:
            began = time.monotonic()
            try:
                if await asyncio.to_thread(self.store.refresh):
                    self.revision += 1
                broken = {str(each) for each in await asyncio.to_thread(lambda: self.store.broken)}
                for each in sorted(broken - told):
                    log.warning("a procedure is left out: %s", each)
                told = broken
            except StoreError as error:
                log.warning("the procedures could not be looked at: %s", error)
            await asyncio.sleep(max(LOOK_SECONDS, SHARE * (time.monotonic() - began)))


@contextlib.asynccontextmanager
async def open_procedures(settings: Settings) -> AsyncIterator[Procedures]:
    """The procedures over the built-in pages and the team's folder; raises StartError when it cannot be opened."""
    folders = [BUILT_IN, *([settings.procedures_dir] if settings.procedures_dir else [])]
    path = settings.data_dir / "procedures.sqlite"
    try:
        store = await asyncio.to_thread(Store.open, path, folders=folders)
    except StoreError as error:
        raise StartError(str(error)) from error
    procedures = Procedures(store)
    watching = asyncio.create_task(procedures.watch())
    try:
        yield procedures
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        await asyncio.to_thread(store.close)
