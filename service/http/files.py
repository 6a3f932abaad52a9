"""Files out of a kept backup: its volumes, what is in a folder, and the bytes of a file or of a whole folder."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Literal
from urllib.parse import quote

from aiohttp import hdrs, web
from pydantic import Field

from service.api.adapter import adapter
from service.api.log import current_request
from service.backups.catalogue import KeptBackup
from service.backups.vm_choice import kept_backup
from service.errors import Conflict, DisksComing, InvalidParams, VmkopsError
from service.files.archives import tar_of, zip_of
from service.files.readers import PackageFiles
from service.files.stored import Stored
from service.files.values import KIND_WORDS, Entry, Volumes
from service.http._browsers import BROWSERS
from service.http._clients import client_of
from service.http._files_page import folder_page, volumes_page
from service.http._route import AnyCall, Call, Query, Route
from service.http._sendfile import send_stored
from service.store.audit import Event
from service.store.tokens import Scope

log = logging.getLogger(__name__)

LINES = "application/x-ndjson"
BYTES = "application/octet-stream"
PATH = Field(
    default="/",
    max_length=8192,
    description="The path in the guest, such as /etc/hosts or C:/Windows; or a volume and the path on it, such as "
    "disk0/p1:/etc/hosts. Names are escaped as in the answers.",
)


class FolderQuery(Query):
    """Which files to list."""

    path: str = PATH
    name: str = Field(default="", max_length=255, description="Only names that fit this pattern, such as *.conf.")
    depth: int = Field(default=1, ge=0, le=200, description="How many folders deep; 0: everything below.")


class ContentQuery(Query):
    """What to send."""

    path: str = PATH
    archive: Literal["", "tar", "zip"] = Field(
        default="", description="Send a file or a whole folder as this archive. Without it, the path must be a file."
    )


async def _opened(call: AnyCall, path: str) -> PackageFiles:
    """The files of the backup that the path of the call names; the audit keeps who reads what."""
    services = call.services
    vcenters = services.context.vcenters.names()
    kept = await asyncio.to_thread(kept_backup, services.settings, call.path("id"), vcenters)
    if kept.state == "broken":
        raise Conflict(f"The backup {kept.id} is broken: {kept.reason}")
    services.files.check()
    try:
        files = services.files.open(await services.disks.places(kept))
    except DisksComing as error:
        if error.first:
            await _record(call, kept, path)
        raise
    await _record(call, kept, path)
    return files


async def _record(call: AnyCall, kept: KeptBackup, path: str) -> None:
    services, actor = call.services, call.known_actor()
    address = client_of(call.request, services.settings.trusted_proxies)
    about = {"backup": kept.id, "vm": kept.vm.name, "path": path}
    await services.audit.write(Event.FILES_READ, token=actor.token, person=actor.person or "", address=address, **about)


async def _volumes(call: Call[Query, None]) -> Volumes:
    return await (await _opened(call, "")).volumes()


async def _volumes_page(call: Call[Query, None]) -> web.StreamResponse:
    return volumes_page(call.path("id"), await _volumes(call))


async def _list_page(call: Call[FolderQuery, None]) -> web.StreamResponse:
    query = call.query
    files = await _opened(call, query.path)
    found = files.entries(query.path, depth=query.depth, pattern=query.name)
    return await folder_page(call.path("id"), query.path, found)


async def _list(call: Call[FolderQuery, None]) -> web.StreamResponse:
    files = await _opened(call, call.query.path)
    entries = files.entries(call.query.path, depth=call.query.depth, pattern=call.query.name)
    return await _send(call, _lines(entries), {hdrs.CONTENT_TYPE: LINES})


async def _lines(entries: AsyncGenerator[list[Entry], None]) -> AsyncGenerator[bytes, None]:
    """Each entry as a line of JSON, then the line that says that all were sent, or why not."""
    dump, began = adapter(Entry).dump_json, False
    try:
        async with contextlib.aclosing(entries):
            async for batch in entries:
                yield b"".join(dump(entry) + b"\n" for entry in batch)
                began = True
    except VmkopsError as error:
        if not began:
            raise
        yield adapter(dict[str, str]).dump_json({"error": error.detail}) + b"\n"
        return
    yield b'{"end":true}\n'


async def _content(call: Call[ContentQuery, None]) -> web.StreamResponse:
    path, archive = call.query.path, call.query.archive
    files = await _opened(call, path)
    if archive:
        found = await files.stat(path, follow=True)
        made = (tar_of if archive == "tar" else zip_of)(files.contents(path))
        return await _send(call, made, _headers(f"{_name(found)}.{archive}"))
    asked = _asked(call.request)
    async with contextlib.aclosing(files.file(path, start=asked.start, stop=asked.stop)) as answers:
        first = await anext(answers)
        assert isinstance(first, Entry)
        found = first
        if found.kind != "file":
            words = f"{found.path} is {KIND_WORDS[found.kind]}, not a regular file."
            way = " Ask for it as a tar or zip archive." if found.kind == "folder" else ""
            raise InvalidParams(f"{words}{way}")
        start, stop, _ = asked.indices(found.size)
        if asked.start is not None and start >= stop:
            raise web.HTTPRequestRangeNotSatisfiable(text=f"The file has {found.size} bytes.")
        whole = (start, stop) == (0, found.size)
        more = {} if whole else {hdrs.CONTENT_RANGE: f"bytes {start}-{stop - 1}/{found.size}"}
        headers = _headers(_name(found)) | {hdrs.ACCEPT_RANGES: "bytes", hdrs.CONTENT_LENGTH: str(stop - start)} | more
        return await _send(call, _bytes(answers), headers, status=200 if whole else 206)


async def _bytes(answers: AsyncGenerator[Entry | bytes | Stored, None]) -> AsyncGenerator[bytes | Stored, None]:
    async for each in answers:
        assert not isinstance(each, Entry)
        yield each


def _name(entry: Entry) -> str:
    return entry.name or entry.volume.replace("/", "-")


def _asked(request: web.Request) -> slice:
    """The part that the caller wants; RFC 9110: a range that cannot be read is ignored."""
    try:
        return request.http_range
    except ValueError:
        return slice(None)


def _headers(name: str) -> dict[str, str]:
    """Those of a download: whatever the file is, a browser must save it and not show it."""
    return {hdrs.CONTENT_TYPE: BYTES, hdrs.CONTENT_DISPOSITION: f"attachment; filename*=UTF-8''{quote(name, safe='')}"}


async def _send(
    call: AnyCall, pieces: AsyncGenerator[bytes | Stored, None], headers: Mapping[str, str], status: int = 200
) -> web.StreamResponse:
    """Send the pieces as they come. An error before the first is a problem; a later one breaks the connection, so that
    nobody takes a part for the whole."""
    async with contextlib.aclosing(pieces):
        first = await anext(pieces, b"")
        own = {"Cache-Control": "no-store", "X-Request-Id": current_request(), **call.request.app[BROWSERS].headers}
        response = web.StreamResponse(status=status, headers={**own, **headers})
        await response.prepare(call.request)
        try:
            await _write(call.request, response, first)
            async for piece in pieces:
                await _write(call.request, response, piece)
            await response.write_eof()
        except ConnectionError:
            pass  # the caller has left
        except VmkopsError as error:
            log.warning("a file of a backup was not sent to its end: %s", error)
            _abort(call.request)
        except BaseException:
            _abort(call.request)  # or the answer to this error would pass for the rest of the file
            raise
    return response


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _write(request: web.Request, response: web.StreamResponse, piece: bytes | Stored) -> None:
    if isinstance(piece, Stored):
        await send_stored(request, response, piece)
    else:
        await response.write(piece)


ERRORS = (400, 404, 409, 422, 503)
ROUTES = (
    Route(
        method="GET",
        path="/backups/{id}/volumes",
        summary="The disks, partitions and volumes of a backup, and what is on each; needs the scope operate",
        handle=_volumes,
        html=_volumes_page,
        answer=Volumes,
        scope=Scope.OPERATE,
        errors=ERRORS,
    ),
    Route(
        method="GET",
        path="/backups/{id}/files",
        summary="The files in a folder of a backup, a line of JSON for each; needs the scope operate",
        handle=_list,
        html=_list_page,
        scope=Scope.OPERATE,
        query=FolderQuery,
        media=LINES,
        errors=ERRORS,
    ),
    Route(
        method="GET",
        path="/backups/{id}/files/content",
        summary="A file of a backup, or a part of it (Range), or a folder as an archive; needs the scope operate",
        handle=_content,
        scope=Scope.OPERATE,
        query=ContentQuery,
        media=BYTES,
        errors=(*ERRORS, 416),
    ),
)
