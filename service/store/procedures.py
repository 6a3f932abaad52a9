"""The procedures of the service: one store, refreshed in the background when pages change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterable

from knowledge.procedure_store.folders import BUILT_IN
from knowledge.procedure_store.store import Store, StoreError
from service.api.settings import Settings
from service.background import running
from service.errors import StartError

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Pause between looks at the folders."""
SHARE = 20
"""The pause is at least so many times as long as the look before it, so that looking takes a twentieth of the time."""


MOST_LOGGED = 100
"""How many new problems are logged after one look; a folder may have thousands of pages."""


class Procedures:
    """The store, and a `revision` that changes whenever a page does."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.revision = 0

    def related(self, names: Iterable[str]) -> list[str]:
        """The slugs of the pages that have one of these names, each once, in the order of the names."""
        return list(dict.fromkeys(slug for name in names if (slug := self.store.named(name))))

    async def watch(self) -> None:
        """Load changes of the folders into the store until cancelled; each broken page and link is logged once."""
        logged: set[str] = set()
        while True:
            began = time.monotonic()
            try:
                if await asyncio.to_thread(self.store.refresh):
                    self.revision += 1
                found = await asyncio.to_thread(self._problems)
                new = sorted(found - logged)
                for each in new[:MOST_LOGGED]:
                    log.warning("procedures: %s", each)
                if len(new) > MOST_LOGGED:
                    log.warning("procedures: %s more problems; `vmkops kb check` shows all", len(new) - MOST_LOGGED)
                logged = found
            except StoreError as error:
                log.warning("the procedures could not be refreshed: %s", error)
            await asyncio.sleep(max(LOOK_SECONDS, SHARE * (time.monotonic() - began)))

    def _problems(self) -> set[str]:
        """What is wrong with pages and links now, as lines of the log."""
        left_out = (f"a page was left out: {each}" for each in self.store.broken)
        return {*left_out, *(f"a link leads nowhere: {each}" for each in self.store.broken_links)}


@contextlib.asynccontextmanager
async def open_procedures(settings: Settings) -> AsyncIterator[Procedures]:
    """The built-in procedures and those of the team's folder; raises StartError when the store cannot be opened."""
    folders = [BUILT_IN, *([settings.procedures_dir] if settings.procedures_dir else [])]
    path = settings.data_dir / "procedures.sqlite"
    try:
        store = await asyncio.to_thread(Store.open, path, folders=folders)
    except StoreError as error:
        raise StartError(str(error)) from error
    procedures = Procedures(store)
    try:
        async with running(procedures.watch()):
            yield procedures
    finally:
        await asyncio.to_thread(store.close)
