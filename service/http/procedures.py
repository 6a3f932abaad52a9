"""The written procedures: found by words, shown, filled in for a target, and the runbook of an alert."""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from pydantic import Field, field_validator

from knowledge.errors import NotFound as NothingFound
from knowledge.procedure_store.answer import answer
from knowledge.procedure_store.boxes import readable_boxes
from knowledge.procedure_store.folders import BUILT_IN
from knowledge.procedure_store.live_blocks import filled_body, live_commands
from knowledge.procedure_store.placeholders import in_capitals, targets_in
from knowledge.procedure_store.procedure import Page
from knowledge.procedure_store.query import alert_words
from knowledge.procedure_store.store import Store
from knowledge.vmkerr.lookup import find
from knowledge.vmkerr.table import Tables, tables_in
from service.api.lookups import LiveProcedure, ProcedureHit, ProcedureLookup, ProcedurePage, ProceduresSearched
from service.api.models import Value
from service.errors import NotFound
from service.http._live import live_answers
from service.http._route import Call, Query, Route, Services
from service.store.page_history import page_tag
from service.store.tokens import Scope

HOW_TO_WRITE = """No procedure fits the alert "{alert}" yet.

Write one: put what `vmkops kb template alert` prints into the folder that VMKOPS_PROCEDURES_DIR names, give it
`{alert}` as an alias, and it is found here within seconds. Over HTTP: `PUT /procedures/your-slug` with the page as
`text`. Until then, `GET /procedures?q=words` searches what there is.
"""


CODE = re.compile(r"0xbad[0-9a-f]{4}(?![0-9a-f])", re.IGNORECASE)
"""A vmkernel status in the name of an alert."""
CODES_PAGE = "vmkernel-status-codes"
MOST_NEAR = 3
"""How many pages are named for an alert that has none."""
MOST_BROKEN = 100
"""How many problems of pages an answer lists."""


class SearchQuery(Query):
    """What to search for."""

    q: str = Field(
        default="",
        max_length=4000,
        description="Words; the last may be unfinished, and only the first 1,000 characters count. Empty lists all.",
    )
    limit: int = Field(default=10, ge=1, le=100, description="How many pages at most.")


class LiveQuery(Query):
    """What the live blocks are about."""

    vm: str = Field(default="", max_length=255, description="A VM, as in GET /vms/{selector}.")
    host: str = Field(default="", max_length=255, description="A host.")
    datastore: str = Field(default="", max_length=255, description="A datastore.")

    @field_validator("vm", "host", "datastore")
    @classmethod
    def _on_one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("a name has printable characters only")
        return value


class ProcedureList(Value):
    """The pages that match, best first, and what is wrong with the team's pages."""

    results: tuple[ProcedureHit, ...]
    broken: tuple[str, ...]
    """Why pages are left out, and links that lead nowhere, by file and line; at most MOST_BROKEN of them."""
    lookups: tuple[ProcedureLookup, ...] = ()
    """For each code, event or fault in the words: the call that explains it, and its answer."""
    searched: ProceduresSearched
    """What was searched."""


class Runbook(Value):
    """The nearest procedure for an alert, or how to write one; there is always an answer.

    `advice` is Markdown: how to write a page, or what the vmkernel status in the alert's name means in each release.
    """

    alert: str
    procedure: ProcedurePage | None
    advice: str


async def _search(call: Call[SearchQuery, None]) -> ProcedureList:
    store, words = call.services.procedures.store, call.query.q.strip()
    broken = await asyncio.to_thread(_broken, store)
    if not words:
        everything = tuple(await asyncio.to_thread(store.pages))
        return ProcedureList(results=everything, broken=broken, searched=_searched(store.searched))
    tables = tables_in(call.services.settings.data_dir)
    found = await asyncio.to_thread(answer, store, words, call.query.limit, tables)
    return ProcedureList(results=found.hits, broken=broken, lookups=found.lookups, searched=_searched(found.searched))


def _broken(store: Store) -> tuple[str, ...]:
    problems = [*map(str, store.broken), *(f"{each}; the page is shown" for each in store.broken_links)]
    problems = [_without_folders(each, store) for each in problems]
    more = len(problems) - MOST_BROKEN
    return (*problems[:MOST_BROKEN], *([f"{more} more; `vmkops kb check` shows all"] if more > 0 else []))


def _searched(found: ProceduresSearched) -> ProceduresSearched:
    """What was searched, with the origin of each folder in place of its path, as everyone may ask."""
    return replace(found, folders=tuple("built-in" if each == str(BUILT_IN) else "team" for each in found.folders))


def _without_folders(problem: str, store: Store) -> str:
    """A problem of a page, with the name of its file in place of the path."""
    for folder in store.searched.folders:
        problem = problem.replace(f"{folder}{os.sep}", "")
    return problem


async def _get(call: Call[Query, None]) -> ProcedurePage:
    return ProcedurePage.of(await find_page(call.services, call.path("slug")))


async def _live(call: Call[LiveQuery, None]) -> LiveProcedure:
    page = await find_page(call.services, call.path("slug"))
    targets = call.query.model_dump()
    blocks = await live_answers(call, live_commands(page.body), targets)
    shown = {each.line: each.problem or each.text for each in blocks}
    body = filled_body(page.body, targets, lambda line: shown.get(line, ""))
    return LiveProcedure.of(page, body=body, blocks=blocks)


def _broken_page(store: Store, slug: str) -> list[str]:
    return [_without_folders(str(each), store) for each in store.broken if Path(each.file).stem == slug]


async def find_page(services: Services, slug: str) -> Page:
    """The page with this slug; raises NotFound with the nearest ones."""
    store = services.procedures.store
    page = await asyncio.to_thread(store.get, slug)
    if page is None:
        broken = await asyncio.to_thread(lambda: _broken_page(store, slug))
        if broken:
            raise NotFound(f"The page {slug} is left out until it is corrected: {'; '.join(broken[:5])}", broken[:100])
        near = await asyncio.to_thread(store.search, slug.replace("-", " ")[:200], 3)
        raise NotFound(
            f"There is no procedure {slug[:80]!r}. The list of procedures has their names.", [hit.slug for hit in near]
        )
    return page


async def _runbook(call: Call[Query, None]) -> Runbook:
    alert = call.path("alert")
    store = call.services.procedures.store
    advice = ""
    # A page that has the alert's name comes before what the code in the name means.
    if (code := CODE.search(alert[:200])) and not await asyncio.to_thread(store.named, alert[:200]):
        advice = _meanings(code[0].lower(), tables_in(call.services.settings.data_dir))
    page = await asyncio.to_thread(store.get, CODES_PAGE) if advice else None
    page = page or await asyncio.to_thread(store.nearest, alert[:200])
    advice = advice or ("" if page else await asyncio.to_thread(_how_to_write, store, alert[:200]))
    return Runbook(alert=alert, procedure=ProcedurePage.of(page) if page else None, advice=advice)


def _how_to_write(store: Store, alert: str) -> str:
    """How to write a page for an alert that has none, and the pages with some of its words, in Markdown."""
    near = store.search(" ".join(alert_words(alert)), MOST_NEAR)
    links = ", ".join(f"[{hit.title}]({hit.slug}.md)" for hit in near)
    others = f"\nPages with some of its words: {links}.\n" if near else ""
    return HOW_TO_WRITE.format(alert=alert) + others


def _meanings(code: str, tables: Tables) -> str:
    """What a vmkernel status means in each release, in Markdown; empty when no release has it."""
    try:
        answer = find(code, tables=tables)
    except NothingFound:
        return ""
    depends = "depends on the release of the host" if answer.differs else "is the same in every release"
    lines = [f"- {', '.join(each.releases)}: {each.name}, {each.description}" for each in answer.matches]
    return f"The meaning of `{code}` {depends}:\n\n" + "\n".join(lines) + "\n"


def _texts(found: ProcedureList) -> str:
    lines = [f"{_call_for(lookup):<32} {lookup.meaning}" for lookup in found.lookups]
    lines += [f"{hit.slug:<32} {'(weak match) ' if hit.weak else ''}{hit.summary}" for hit in found.results]
    if not found.results:
        lines.append(f"No procedure fits these words. {found.searched.in_words()}")
    return "\n".join([*lines, *(f"problem: {each}" for each in found.broken)]) + "\n"


def _call_for(lookup: ProcedureLookup) -> str:
    if lookup.command == "vmkerr":
        return f"GET /vmkerr/{quote(lookup.query, safe='')}"
    return f"POST /decode: {lookup.query}"


def page_body(page: ProcedurePage) -> str:
    """The Markdown of a page."""
    return page.body


def page_text(page: ProcedurePage) -> str:
    """A page as text."""
    ways = "".join(f"\n- {each.what}: {', '.join(each.ways)}" for each in page.entry_points)
    with_vmkops = f"\n## With vmkops\n{ways}\n" if ways else ""
    left = [f"{name}=NAME" for name in targets_in(page.body)]
    fill = f"To fill in the commands: GET /procedures/{page.slug}/live?{'&'.join(left)}\n\n" if left else ""
    body = in_capitals(readable_boxes(page.body).strip())
    return f"# {page.title}\n\n{page.summary}\n\n{fill}{body}\n{with_vmkops}"


def page_etag(page: ProcedurePage) -> str:
    """The ETag of a page, for If-Match in an edit of it."""
    return page_tag(page.text)


def _runbook_text(runbook: Runbook) -> str:
    page = page_text(runbook.procedure) if runbook.procedure else ""
    return "\n".join(filter(None, [runbook.advice, page]))


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
        etag=page_etag,
        text=page_text,
        page="procedure.html",
        markdown=page_body,
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
        text=page_text,
        page="procedure.html",
        markdown=page_body,
        errors=(404,),
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
        markdown=lambda runbook: f"{runbook.advice}\n{page_body(runbook.procedure)}" if runbook.procedure else "",
    ),
)
