"""Downloads a package from its URL into a folder that exists as long as the import, file by file."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict
from yarl import URL

from knowledge.ovf.manifest import LARGEST_MANIFEST, manifest_name
from service.api.redaction import without_secrets
from service.api.settings import Settings
from service.api.units import amount
from service.api.words import counted
from service.errors import FetchAbsent, FetchBrokeOff, PackageRefused
from service.jobs.action import StepResult
from service.packages.descriptor import Outline
from service.packages.fetch import fetch, save
from service.packages.remote_descriptor import read_remote
from service.retry import attempts
from service.store.deep_folders import remove_folder
from service.workers.pool import Workers

LARGEST_PACKAGE = 1 << 43
"""Bytes; 8 TiB, more than anybody would wait for."""
TRIES = 3
"""How often a file is fetched before the import fails."""
OVA, OVF = "package.ova", "package.ovf"
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+ -]{0,150}")


class Reference(BaseModel):
    """A file that the descriptor lists: its name in the folder, its URL, its bytes where the descriptor has them."""

    model_config = ConfigDict(frozen=True)

    name: str
    url: str
    size: int | None


class Fetched(StepResult):
    """The `.ovf` or `.ova` that was fetched, by its name in the folder, and the files that are still to be fetched."""

    file: str
    references: list[Reference]


class FetchedFile(StepResult):
    """A file that was fetched: its bytes."""

    size: int


class Download:
    """The package that one job downloads into `folder`."""

    def __init__(self, settings: Settings, workers: Workers, job_id: str) -> None:
        self._settings = settings
        self._workers = workers
        self.folder = settings.downloads_dir / job_id

    async def begin(self, url: str, progress: Callable[[int, int | None], None]) -> Fetched:
        """Fetch the OVA, or the descriptor and the manifest of an OVF; raises what `fetch` and `read_remote` do."""
        found = await attempts(lambda: read_remote(url, self._settings, self._workers), times=TRIES, of=FetchBrokeOff)
        await asyncio.to_thread(self.folder.mkdir, parents=True, exist_ok=True)
        origin = without_secrets(str(found.url))
        if found.archive:
            size = await self.save(url, OVA, LARGEST_PACKAGE, lambda done: progress(done, found.size))
            return Fetched(file=OVA, references=[], detail=f"{amount(size)} from {origin}")
        last = unquote(found.url.name)
        name = last if PLAIN_NAME.fullmatch(last) else OVF
        await asyncio.to_thread((self.folder / name).write_bytes, found.text)
        manifest = manifest_name(name)
        # An import continues without a manifest, and warns about it.
        with contextlib.suppress(FetchAbsent):
            await self.save(str(found.url.with_name(manifest)), manifest, LARGEST_MANIFEST, lambda _: None)
        references = _references(found.url, found.outline, {name, manifest})
        detail = f"the descriptor from {origin}, and {counted(len(references), 'file')} to fetch"
        return Fetched(file=name, references=references, detail=detail)

    async def save(self, url: str, name: str, limit: int, progress: Callable[[int], None]) -> int:
        """Fetch one file of at most `limit` bytes, from its beginning, up to three times; returns its bytes."""

        async def once() -> int:
            async with fetch(url, self._settings) as answer:
                return await save(answer, self.folder / name, limit, progress, self._settings.keep_free_bytes)

        return await attempts(once, times=TRIES, of=FetchBrokeOff)

    async def discard(self) -> StepResult:
        """Remove what was fetched."""
        existed = self.folder.exists()
        with contextlib.suppress(OSError):
            await asyncio.to_thread(remove_folder, self.folder)
        return StepResult(detail="removed" if existed else "there was nothing to remove")


def _references(base: URL, outline: Outline, taken: set[str]) -> list[Reference]:
    found = {}
    for file in outline.files:
        name = unquote(file.href)
        url = base.join(URL(file.href))
        if name in taken or Path(name).name != name or url.origin() != base.origin():
            raise PackageRefused(
                f"The descriptor lists the file {name[:80]!r}, which cannot be fetched from beside the descriptor. Put "
                "every file beside it, each under a name of its own."
            )
        found[name] = Reference(name=name, url=str(url), size=file.size)
    return list(found.values())
