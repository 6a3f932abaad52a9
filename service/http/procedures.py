"""The written procedures: found by words, shown, edited by the team, and the runbook of an alert."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from aiohttp import web
from pydantic import Field

from knowledge.procedure_store.procedure import BrokenPageError
from knowledge.procedure_store.procedure import Procedure as Page
from knowledge.procedure_store.store import NotEditableError
from service.api.models import Value
from service.errors import Conflict, InvalidParams, NotFound
from service.http._edge import MEMORY
from service.http._route import Call, Query, Route
from service.store.tokens import Scope

HOW_TO_WRITE = """No procedure fits the alert "{alert}" yet.

Write one: copy `TEMPLATE.md` from the built-in procedures into the folder that VMKOPS_PROCEDURES_DIR names, give it
`{alert}` as an alias, and it is found here within seconds. Over HTTP: `PUT /procedures/your-slug` with the page as
`text`. Until then, `GET /procedures?q=words` searches what there is.
"""


class SearchQuery(Query):
    """What to look for."""

    q: str = Field(default="", max_length=500, description="Words; the last may be unfinished. Empty lists all.")
    limit: int = Field(default=10, ge=1, le=100, description="How many pages at the most.")


class ProcedureHit(Value):
    """One page that fits; the matched words of `snippet` stand between ⟦ and ⟧."""

    slug: str
    title: str
    summary: str
    snippet: str
    score: float
    origin: str
    obsolete_since: str


class ProcedureList(Value):
    """The pages that fit, best first, and what is wrong with pages that cannot be shown."""

    results: list[ProcedureHit]
    broken: list[str]


class ProcedurePage(Value):
    """One procedure; `body` is Markdown, `text` the whole page as its file has it."""

    slug: str
    title: str
    summary: str
    subjects: list[str]
    applies_to: list[str]
    source: list[str]
    aliases: list[str]
    obsolete_since: str
    obsolete_reason: str
    body: str
    text: str
    origin: str
    overrides: bool


class Runbook(Value):
    """The nearest procedure for an alert, or how to write one; there is always an answer."""

    alert: str
    procedure: ProcedurePage | None
    advice: str


class PageText(Value):
    """A page as its file has it: front matter and body."""

    text: str = Field(max_length=256 * 1024)


def _page(page: Page) -> ProcedurePage:
    return ProcedurePage.model_validate(asdict(page))


async def _search(call: Call) -> ProcedureList:
    store = call.services.procedures.store
    words, limit = call.query.q.strip(), call.query.limit
    hits = await asyncio.to_thread(store.search, words, limit) if words else await asyncio.to_thread(store.pages)
    broken = await asyncio.to_thread(lambda: store.broken)
    return ProcedureList(
        results=[ProcedureHit.model_validate(asdict(hit)) for hit in hits], broken=[str(each) for each in broken]
    )


async def _get(call: Call) -> ProcedurePage:
    store, slug = call.services.procedures.store, call.path("slug")
    page = await asyncio.to_thread(store.get, slug)
    if page is None:
        near = await asyncio.to_thread(store.search, slug.replace("-", " ")[:200], 3)
        raise NotFound(f"There is no procedure {slug[:80]!r}. GET /procedures lists them.", [hit.slug for hit in near])
    return _page(page)


async def _runbook(call: Call) -> Runbook:
    alert = call.path("alert")
    page = await asyncio.to_thread(call.services.procedures.store.nearest, alert[:200])
    advice = "" if page else HOW_TO_WRITE.format(alert=alert[:200])
    return Runbook(alert=alert, procedure=_page(page) if page else None, advice=advice)


async def _put(call: Call) -> ProcedurePage:
    procedures = call.services.procedures
    try:
        page = await asyncio.to_thread(procedures.store.save, call.path("slug"), call.body.text)
    except BrokenPageError as error:
        problems = [str(each) for each in error.problems]
        raise InvalidParams("The page was not saved: " + "; ".join(problems[:5]), problems) from error
    except NotEditableError as error:
        raise Conflict(str(error)) from error
    call.request.app[MEMORY].forget()
    return _page(page)


async def _delete(call: Call) -> web.StreamResponse:
    try:
        await asyncio.to_thread(call.services.procedures.store.delete, call.path("slug"))
    except NotEditableError as error:
        raise Conflict(str(error)) from error
    call.request.app[MEMORY].forget()
    return web.Response(status=204)


def _texts(found: ProcedureList) -> str:
    lines = [f"{hit.slug:<32} {hit.summary}" for hit in found.results]
    return "\n".join([*lines, *(f"left out: {each}" for each in found.broken)]) + "\n"


def _text(page: ProcedurePage) -> str:
    return f"# {page.title}\n\n{page.summary}\n\n{page.body.strip()}\n"


def _runbook_text(runbook: Runbook) -> str:
    return _text(runbook.procedure) if runbook.procedure else runbook.advice


ROUTES = [
    Route(
        method="GET",
        path="/procedures",
        summary="Written procedures, found by words",
        handle=_search,
        answer=ProcedureList,
        query=SearchQuery,
        lookup=True,
        text=_texts,
        page="procedures.html",
    ),
    Route(
        method="GET",
        path="/procedures/{slug}",
        summary="One procedure",
        handle=_get,
        answer=ProcedurePage,
        lookup=True,
        text=_text,
        page="procedure.html",
        errors=(404,),
    ),
    Route(
        method="PUT",
        path="/procedures/{slug}",
        summary="Write a page into the team's folder, once it is found right",
        handle=_put,
        answer=ProcedurePage,
        body=PageText,
        scope=Scope.OPERATE,
        text=_text,
        page="procedure.html",
        errors=(409,),
    ),
    Route(
        method="DELETE",
        path="/procedures/{slug}",
        summary="Remove a page from the team's folder",
        handle=_delete,
        scope=Scope.OPERATE,
        status=204,
        errors=(409,),
    ),
    Route(
        method="GET",
        path="/runbook/{alert}",
        summary="The nearest procedure for an alert's name; never 404",
        handle=_runbook,
        answer=Runbook,
        lookup=True,
        text=_runbook_text,
        page="runbook.html",
    ),
]
