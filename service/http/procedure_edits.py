"""The team's own pages, edited over HTTP: written, deleted, and their versions, of which an older one can come back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import hdrs, web
from pydantic import Field

from knowledge.procedure_store.procedure import Broken, BrokenPageError, Procedure, slug_fault
from knowledge.procedure_store.store import NotEditableError
from knowledge.runs.marks import attributed
from service.api.lookups import ProcedurePage
from service.api.models import Value
from service.api.units import amount, when
from service.errors import Conflict, InvalidParams, NotFound
from service.http._answers import ANSWERS
from service.http._route import Call, Query, Route
from service.http._workers import run_worker
from service.http.procedures import page_body, page_etag, page_text
from service.store.audit import Event
from service.store.page_history import PageVersion, PageVersionText
from service.store.tokens import Scope

LARGEST_BODY = 2 << 20
"""Bytes: JSON takes up to six for a character."""
MOST_WARNINGS = 100
LARGEST_REVISION = 2**31 - 1


class PageText(Value):
    """The text of a page: front matter and body."""

    text: str = Field(max_length=256 * 1024)


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedPage(ProcedurePage):
    """A page as it was written, and what `vmkops kb check` says of it."""

    warnings: tuple[str, ...] = ()
    """What is wrong with the page, which is shown all the same, by line; at most MOST_WARNINGS."""


class PageVersions(Value):
    """The versions of a page that edits over HTTP left, newest first."""

    slug: str
    versions: tuple[PageVersion, ...]


async def _put(call: Call[Query, PageText]) -> SavedPage:
    with _refusals("saved"):
        slug, text = call.path("slug"), call.body.text
        if problems := await run_worker(call, "check_page", list[Broken], slug=slug, text=text):
            raise BrokenPageError(problems)
        page = await call.services.page_history.save(slug, text, call.known_actor(), _only(call))
    call.request.app[ANSWERS].clear()
    return await _saved(call, page)


async def _delete(call: Call[Query, None]) -> web.StreamResponse:
    with _refusals("deleted"):
        await call.services.page_history.delete(call.path("slug"), call.known_actor(), _only(call))
    call.request.app[ANSWERS].clear()
    return web.Response(status=204)


async def _history(call: Call[Query, None]) -> PageVersions:
    slug = _slug(call)
    versions = await call.services.page_history.versions(slug)
    if not versions:
        raise NotFound(f"No edit of {slug[:80]!r} over HTTP is known.")
    return PageVersions(slug=slug, versions=tuple(versions))


async def _version(call: Call[Query, None]) -> PageVersionText:
    return await call.services.page_history.version(_slug(call), _revision(call))


async def _restore(call: Call[Query, None]) -> SavedPage:
    with _refusals("restored"):
        history, only = call.services.page_history, _only(call)
        page = await history.restore(_slug(call), _revision(call), call.known_actor(), only)
    call.request.app[ANSWERS].clear()
    return await _saved(call, page)


async def _saved(call: Call[Any, Any], page: Procedure) -> SavedPage:
    """The answer to an edit that wrote this page."""
    found = await asyncio.to_thread(call.services.procedures.store.faults, page)
    warnings = [f"line {fault.line}: {fault.message}" for fault in found]
    return SavedPage.of(page, warnings=tuple(warnings[:MOST_WARNINGS]))


def _saved_text(page: SavedPage) -> str:
    warnings = "".join(f"warning: {each}\n" for each in page.warnings)
    return f"{page_text(page)}{warnings}"


@contextlib.contextmanager
def _refusals(done: str) -> Iterator[None]:
    """Turn the refusals of the store into those of the API."""
    try:
        yield
    except BrokenPageError as error:
        problems = [str(each) for each in error.problems]
        raise InvalidParams(f"The page was not {done}: " + "; ".join(problems[:5]), problems[:100]) from error
    except NotEditableError as error:
        raise Conflict(str(error)) from error


def _only(call: Call[Any, Any]) -> frozenset[str] | None:
    """The versions that the page must be one of, by the header If-Match; None without it."""
    sent = call.request.headers.getall(hdrs.IF_MATCH, [])
    return frozenset(each.strip() for header in sent for each in header.split(",")) if sent else None


def _slug(call: Call[Query, None]) -> str:
    """The slug of the path; raises NotFound for one that no page can have."""
    if reason := slug_fault(call.path("slug")):
        raise NotFound(f"{reason}.")
    return call.path("slug")


def _revision(call: Call[Query, None]) -> int:
    text = call.path("revision")
    if not (text.isascii() and text.isdecimal()) or len(text) > 10 or int(text) > LARGEST_REVISION:
        raise NotFound(f"{text[:40]!r} is not a revision. The history of the page lists them.")
    return int(text)


def _texts(found: PageVersions) -> str:
    return "".join(map(_line, found.versions))


def _line(version: PageVersion) -> str:
    who = attributed(version.person or f"token:{version.token}", version.token) if version.token else ""
    restored = f" from revision {version.restored_from}" if version.restored_from else ""
    by = f" by {who}" if who else " in the folder"
    return f"{version.revision:>4}  {when(version.saved_at)}  {version.change}{restored}{by}, {amount(version.bytes)}\n"


ROUTES = (
    Route(
        method="PUT",
        path="/procedures/{slug}",
        summary="Write a page into the team's folder, after checking it",
        handle=_put,
        answer=SavedPage,
        body=PageText,
        body_limit=LARGEST_BODY,
        scope=Scope.OPERATE,
        etag=page_etag,
        audit=Event.PAGE_SAVED,
        text=_saved_text,
        page="procedure.html",
        markdown=page_body,
        errors=(409, 412),
    ),
    Route(
        method="DELETE",
        path="/procedures/{slug}",
        summary="Remove a page from the team's folder",
        handle=_delete,
        scope=Scope.OPERATE,
        audit=Event.PAGE_DELETED,
        status=204,
        errors=(409, 412),
    ),
    Route(
        method="GET",
        path="/procedures/{slug}/history",
        summary="The versions of a page that was edited over HTTP: who saved which one, and when",
        handle=_history,
        answer=PageVersions,
        scope=Scope.READ,
        text=_texts,
        page="procedure_history.html",
        errors=(404,),
    ),
    Route(
        method="GET",
        path="/procedures/{slug}/history/{revision}",
        summary="One version of a page with its text",
        handle=_version,
        answer=PageVersionText,
        scope=Scope.READ,
        text=lambda version: version.text,
        errors=(404,),
    ),
    Route(
        method="POST",
        path="/procedures/{slug}/history/{revision}/restore",
        summary="Write an older version of a page again, after checking it",
        handle=_restore,
        answer=SavedPage,
        scope=Scope.OPERATE,
        etag=page_etag,
        audit=Event.PAGE_RESTORED,
        text=_saved_text,
        page="procedure.html",
        markdown=page_body,
        errors=(404, 409, 412),
    ),
)
