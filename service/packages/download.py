"""Fetches a package from its URL into a folder of its own, file by file, for as long as its import takes."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from yarl import URL

from knowledge.ovf.descriptor import Descriptor
from knowledge.ovf.manifest import LARGEST_MANIFEST, manifest_name
from service.api.settings import Settings
from service.errors import FetchAbsent, FetchBrokeOff, PackageRefused
from service.packages.fetch import fetching, save, shown
from service.packages.remote_descriptor import peek
from service.retry import PAUSES

R = TypeVar("R")

LARGEST_PACKAGE = 1 << 43
"""Bytes; 8 TiB, more than any package that somebody waits for."""
TRIES = 3
OVA, OVF = "package.ova", "package.ovf"
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+ -]{0,150}")


class Download:
    """The package that one job fetches, in `folder`."""

    def __init__(self, settings: Settings, job_id: str) -> None:
        self._settings = settings
        self.folder = settings.downloads_dir / job_id

    async def begin(self, url: str, progress: Callable[[int, int | None], None]) -> dict[str, Any]:
        """Fetch the OVA, or the descriptor and the manifest of an OVF.

        Returns `file`, what was fetched, and `references`, what is still to be fetched, each with `name`, `url` and
        `size`. Raises what `fetching` and `peek` do.
        """
        found = await _again(lambda: peek(url, self._settings))
        await asyncio.to_thread(self.folder.mkdir, parents=True, exist_ok=True)
        if found.archive:
            size = await self.fetch(url, OVA, LARGEST_PACKAGE, lambda done: progress(done, found.size))
            return {"file": OVA, "references": [], "detail": f"{size} bytes from {shown(str(found.url))}"}
        last = unquote(found.url.name)
        name = last if PLAIN_NAME.fullmatch(last) else OVF
        await asyncio.to_thread((self.folder / name).write_bytes, found.text)
        manifest = manifest_name(name)
        # Without a manifest an import goes on, and says so.
        with contextlib.suppress(FetchAbsent):
            await self.fetch(str(found.url.with_name(manifest)), manifest, LARGEST_MANIFEST, lambda _: None)
        references = _references(found.url, found.descriptor, {name, manifest})
        return {
            "file": name,
            "references": references,
            "detail": f"the descriptor from {shown(str(found.url))}, and {len(references)} file(s) to fetch",
        }

    async def fetch(self, url: str, name: str, limit: int, progress: Callable[[int], None]) -> int:
        """Fetch one file, from its beginning, up to three times; returns its bytes."""

        async def once() -> int:
            async with fetching(url, self._settings) as answer:
                return await save(answer, self.folder / name, limit, progress)

        return await _again(once)

    async def discard(self) -> dict[str, Any]:
        """Remove what was fetched."""
        there = self.folder.exists()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        return {"detail": "removed" if there else "there was none"}


def _references(base: URL, descriptor: Descriptor, taken: set[str]) -> list[dict[str, Any]]:
    found = {}
    for file in descriptor.files:
        name = unquote(file.href)
        there = base.join(URL(file.href))
        if name in taken or Path(name).name != name or there.origin() != base.origin():
            raise PackageRefused(f"The descriptor lists {name[:80]!r} as a file, which cannot be fetched beside it.")
        found[name] = {"name": name, "url": str(there), "size": file.size}
    return list(found.values())


async def _again(do: Callable[[], Awaitable[R]]) -> R:
    for attempt in range(TRIES - 1):
        try:
            return await do()
        except FetchBrokeOff:
            await asyncio.sleep(PAUSES[attempt])
    return await do()
