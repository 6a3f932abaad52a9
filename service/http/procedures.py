"""The written procedures: found by words, shown, edited by the team, and the runbook of an alert."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from aiohttp import web
from pydantic import Field

from knowledge.procedure_store.boxes import readable_boxes
from knowledge.procedure_store.live_blocks import filled_body, live_commands
from knowledge.procedure_store.lookups import lookups
from knowledge.procedure_store.procedure import BrokenPageError, Page
from knowledge.procedure_store.store import NotEditableError
from knowledge.vmkerr.table import tables_in
from service.api.lookups import LiveProcedure, ProcedureHit, ProcedureLookup, ProcedurePage
from service.api.models import Value
from service.errors import Conflict, InvalidParams, NotFound
from service.http._answers import ANSWERS
from service.http._live import live_answers
from service.http._route import Call, Query, Route, Services
from service.store.tokens import Scope

HOW_TO_WRITE = """No procedure fits the alert "{alert}" yet.

Write one: copy `TEMPLATE.md` from the built-in procedures into the folder that VMKOPS_PROCEDURES_DIR names, give it
`{alert}` as an alias, and it is found here within seconds. Over HTTP: `PUT /procedures/your-slug` with the page as
`text`. Until then, `GET /procedures?q=words` searches what there is.
"""


class SearchQuery(Query):
    """What to search for."""

    q: str = Field(default="", max_length=500, description="Words; the last may be unfinished. Empty lists all.")
    limit: int = Field(default=10, ge=1, le=100, description="How many pages at most.")


class LiveQuery(Query):
    """What the live blocks are about."""

    vm: str = Field(default="", max_length=255, description="A VM, as in GET /vms/{selector}.")
    host: str = Field(default="", max_length=255, description="A host.")
    datastore: str = Field(default="", max_length=255, description="A datastore.")


class ProcedureList(Value):
    """The pages that match, best first, and why other pages cannot be shown."""

    results: tuple[ProcedureHit, ...]
    broken: tuple[str, ...]
    lookups: tuple[ProcedureLookup, ...] = ()
    """For each code or status in the words: the call that explains it, and its answer."""


class Runbook(Value):
    """The nearest procedure for an alert, or how to write one; there is always an answer."""

    alert: str
    procedure: ProcedurePage | None
    advice: str


class PageText(Value):
    """The text of a page: front matter and body."""

    text: str = Field(max_length=256 * 1024)


async def _search(call: Call[SearchQuery, None]) -> ProcedureList:
    store = call.services.procedures.store
    words, limit = call.query.q.strip(), call.query.limit
    hits = await asyncio.to_thread(store.search, words, limit) if words else await asyncio.to_thread(store.pages)
    broken = await asyncio.to_thread(lambda: store.broken)
    suggested = lookups(words, tables_in(call.services.settings.data_dir)) if words else ()
    return ProcedureList(results=tuple(hits), broken=tuple(map(str, broken)), lookups=suggested)


async def _get(call: Call[Query, None]) -> ProcedurePage:
    return ProcedurePage.of(await find_page(call.services, call.path("slug")))


async def _live(call: Call[LiveQuery, None]) -> LiveProcedure:
    page = await find_page(call.services, call.path("slug"))
    targets = call.query.model_dump()
    blocks = await live_answers(call, live_commands(page.body), targets)
    shown = {each.line: each.problem or each.text for each in blocks}
    body = filled_body(page.body, targets, lambda line: shown.get(line, ""))
    return LiveProcedure.of(page, body=body, blocks=blocks)


async def find_page(services: Services, slug: str) -> Page:
    """The page with this slug; raises NotFound with the nearest ones."""
    store = services.procedures.store
    page = await asyncio.to_thread(store.get, slug)
    if page is None:
        near = await asyncio.to_thread(store.search, slug.replace("-", " ")[:200], 3)
        raise NotFound(f"There is no procedure {slug[:80]!r}. GET /procedures lists them.", [hit.slug for hit in near])
    return page


async def _runbook(call: Call[Query, None]) -> Runbook:
    alert = call.path("alert")
    page = await asyncio.to_thread(call.services.procedures.store.nearest, alert[:200])
    advice = "" if page else HOW_TO_WRITE.format(alert=alert[:200])
    return Runbook(alert=alert, procedure=ProcedurePage.of(page) if page else None, advice=advice)


async def _put(call: Call[Query, PageText]) -> ProcedurePage:
    procedures = call.services.procedures
    try:
        page = await asyncio.to_thread(procedures.store.save, call.path("slug"), call.body.text)
    except BrokenPageError as error:
        problems = [str(each) for each in error.problems]
        raise InvalidParams("The page was not saved: " + "; ".join(problems[:5]), problems) from error
    except NotEditableError as error:
        raise Conflict(str(error)) from error
    call.request.app[ANSWERS].clear()
    return ProcedurePage.of(page)


async def _delete(call: Call[Query, None]) -> web.StreamResponse:
    try:
        await asyncio.to_thread(call.services.procedures.store.delete, call.path("slug"))
    except NotEditableError as error:
        raise Conflict(str(error)) from error
    call.request.app[ANSWERS].clear()
    return web.Response(status=204)


def _texts(found: ProcedureList) -> str:
    lines = [f"{hit.slug:<32} {hit.summary}" for hit in found.results]
    lines += [f"{_call_for(lookup):<32} {lookup.meaning}" for lookup in found.lookups]
    return "\n".join([*lines, *(f"left out: {each}" for each in found.broken)]) + "\n"


def _call_for(lookup: ProcedureLookup) -> str:
    if lookup.command == "vmkerr":
        return f"GET /vmkerr/{quote(lookup.query, safe='')}"
    return f"POST /decode: {lookup.query}"


def _text(page: ProcedurePage) -> str:
    ways = "".join(f"\n- {each.what}: {', '.join(each.ways)}" for each in page.entry_points)
    with_vmkops = f"\n## With vmkops\n{ways}\n" if ways else ""
    return f"# {page.title}\n\n{page.summary}\n\n{readable_boxes(page.body).strip()}\n{with_vmkops}"


def _runbook_text(runbook: Runbook) -> str:
    return _text(runbook.procedure) if runbook.procedure else runbook.advice


ROUTES = (
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
        method="GET",
        path="/procedures/{slug}/live",
        summary="One procedure whose live blocks are filled in for a VM, a host or a datastore",
        handle=_live,
        answer=LiveProcedure,
        query=LiveQuery,
        scope=Scope.READ,
        text=_text,
        page="procedure.html",
        errors=(404,),
    ),
    Route(
        method="PUT",
        path="/procedures/{slug}",
        summary="Write a page into the team's folder, after checking it",
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
)
