"""What a vmkernel status code means, by release, and what to do about it."""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web
from pydantic import Field
from yarl import URL

from knowledge.vmkerr.advice import ADVISED, as_text
from knowledge.vmkerr.listing import listing
from knowledge.vmkerr.lookup import find, whole_table
from knowledge.vmkerr.table import tables_in
from service.api.lookups import VmkerrAnswer, VmkerrReleases, VmkerrTable
from service.errors import InvalidParams
from service.http._render import choose_form
from service.http._route import Call, Query, Route


class ReleaseQuery(Query):
    """Narrows a lookup to one ESX release."""

    release: str | None = Field(default=None, max_length=100, description="One release, as in 6.7 or esx-3.5.")


class TableQuery(ReleaseQuery):
    """Which table; or what to look up, as the form of the front page asks in a browser without scripts."""

    q: str = Field(default="", max_length=1000, description="Leads a browser to the page that looks this up.")


async def _find(call: Call[ReleaseQuery, None]) -> VmkerrAnswer:
    tables = tables_in(call.services.settings.data_dir)
    answer = find(call.path("query"), call.query.release, tables)
    names = (name for match in answer.matches[:ADVISED] for name in (match.hex, match.name))
    return answer._replace(procedures=tuple(call.services.procedures.related([*answer.procedures, *names])))


async def _table(call: Call[TableQuery, None]) -> VmkerrTable:
    if asked := call.query.q.strip():
        if choose_form(call.request) != "html":
            raise InvalidParams(f"This call lists a whole table. To look up {asked[:60]!r}, put it into the path.")
        raise web.HTTPSeeOther(URL(f"/vmkerr/{quote(asked, safe='')}", encoded=True).with_query(_passed_on(call)))
    tables = tables_in(call.services.settings.data_dir)
    table = VmkerrTable(releases=tables.releases, matches=whole_table(call.query.release, tables).matches)
    table._listing = listing(call.query.release, tables)
    return table


def _passed_on(call: Call[TableQuery, None]) -> dict[str, str]:
    return {name: value for name, value in call.request.query.items() if name in ("release", "format")}


async def _releases(call: Call[Query, None]) -> VmkerrReleases:
    return VmkerrReleases(releases=tables_in(call.services.settings.data_dir).releases)


def _text(answer: VmkerrAnswer) -> str:
    lines = [
        f"{match.hex} ({match.decimal}) {match.name} [{match.errno}] {match.description}: {', '.join(match.releases)}"
        for match in answer.matches
    ]
    if answer.note:
        lines.append(answer.note)
    for _, advice in answer.with_advice():
        lines += ["", as_text(advice)] if advice else []
    return "\n".join(lines) + "\n"


ROUTES = (
    Route(
        method="GET",
        path="/vmkerr/{query}",
        summary="What a vmkernel status code, name, errno or words mean, by ESX release, and what to do first",
        handle=_find,
        answer=VmkerrAnswer,
        query=ReleaseQuery,
        lookup=True,
        text=_text,
        page="vmkerr.html",
        errors=(400, 404),
    ),
    Route(
        method="GET",
        path="/releases",
        summary="The ESX releases whose codes are known, those imported from hosts among them",
        handle=_releases,
        answer=VmkerrReleases,
        lookup=True,
        text=lambda answer: "".join(f"{release.id:<12} {release.what}\n" for release in answer.releases),
    ),
    Route(
        method="GET",
        path="/vmkerr",
        summary="The whole table of vmkernel status codes, as `vmkerrcode -l` prints it",
        handle=_table,
        answer=VmkerrTable,
        query=TableQuery,
        lookup=True,
        text=lambda table: table._listing,
        page="vmkerr_table.html",
        errors=(400, 404),
    ),
)
