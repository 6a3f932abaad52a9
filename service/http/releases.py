"""The table of vmkernel status codes of a host of your own, imported over HTTP."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import Field

from knowledge.vmkerr.listing import keep, read_listing, release_id
from service.api.models import Value
from service.errors import DiskFull
from service.http._answers import ANSWERS
from service.http._route import Call, FileText, Query, Route
from service.store.audit import Event
from service.store.tokens import Scope


class ImportedRelease(Value):
    """What an import has kept."""

    release: str
    """The id of the release, such as `esxi-7.0u3`."""
    codes: int = Field(ge=0)
    skipped: list[int]
    """The numbers of the lines that have no code and are no heading."""


async def _import(call: Call[Query, FileText]) -> ImportedRelease:
    release, content = release_id(call.path("release")), call.body.content
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    answer = await asyncio.to_thread(_kept, call.services.settings.data_dir, release, text)
    call.request.app[ANSWERS].clear()
    return answer


def _kept(data_dir: Path, release: str, text: str) -> ImportedRelease:
    found = read_listing(text, release)
    try:
        keep(data_dir, release, found.rows)
    except OSError as error:
        raise DiskFull(f"The table could not be written to {data_dir / 'releases'}: {error.strerror}.") from error
    return ImportedRelease(release=release, codes=len(found.rows), skipped=list(found.skipped))


def _text(answer: ImportedRelease) -> str:
    return f"{answer.codes} codes of {answer.release} imported. Lookups include them from now on.\n"


ROUTES = (
    Route(
        method="PUT",
        path="/releases/{release}",
        summary="Import what `vmkerrcode -l` printed on a host, so that lookups include it under this name",
        handle=_import,
        answer=ImportedRelease,
        scope=Scope.OPERATE,
        body=FileText,
        files=("text/plain", "application/octet-stream"),
        audit=Event.RELEASE_IMPORTED,
        about=lambda answer: {"codes": str(answer.codes)},
        text=_text,
        errors=(400,),
    ),
)
