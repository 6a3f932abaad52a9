"""What a vmkernel status code means, by release."""

from __future__ import annotations

from pydantic import Field, PrivateAttr

from knowledge.vmkerr.listing import listing
from knowledge.vmkerr.lookup import find, whole_table
from knowledge.vmkerr.match import Match
from knowledge.vmkerr.table import tables_in
from service.api.models import Value, VmkerrAnswer, VmkerrMatch
from service.http._route import Call, Query, Route

NAMED = 3
"""How many of the meanings are looked for in the names of procedures."""


class ReleaseQuery(Query):
    """Narrows a lookup to one ESX release."""

    release: str | None = Field(default=None, max_length=100, description="One release, as in 6.7 or esx-3.5.")


class VmkerrRelease(Value):
    """One release whose table is known: what it is, how certain, and from where."""

    id: str
    name: str
    what: str
    certainty: str
    source: str


class VmkerrTable(Value):
    """The whole table, by code and then oldest release first."""

    releases: list[VmkerrRelease]
    matches: list[VmkerrMatch]
    _listing: str = PrivateAttr(default="")


def _match(match: Match) -> VmkerrMatch:
    return VmkerrMatch.model_validate(match._asdict())


async def _find(call: Call) -> VmkerrAnswer:
    tables = tables_in(call.services.settings.data_dir)
    answer = find(call.path("query"), call.query.release, tables)
    return VmkerrAnswer(
        query=answer.query,
        kind=answer.kind,
        matches=[_match(match) for match in answer.matches],
        differs=answer.differs,
        note=answer.note,
        procedures=call.services.procedures.related(
            name for match in answer.matches[:NAMED] for name in (match.hex, match.name)
        ),
        suggestions=list(answer.suggestions),
    )


async def _table(call: Call) -> VmkerrTable:
    tables = tables_in(call.services.settings.data_dir)
    releases = tables.releases
    table = VmkerrTable(
        releases=[VmkerrRelease.model_validate(release._asdict()) for release in releases],
        matches=[_match(match) for match in whole_table(call.query.release, tables).matches],
    )
    table._listing = listing(call.query.release, tables)
    return table


def _text(answer: VmkerrAnswer) -> str:
    lines = [
        f"{match.hex} ({match.decimal}) {match.name} [{match.errno}] {match.description}: {', '.join(match.releases)}"
        for match in answer.matches
    ]
    if answer.note:
        lines.append(answer.note)
    return "\n".join(lines) + "\n"


ROUTES = [
    Route(
        method="GET",
        path="/vmkerr/{query}",
        summary="What a vmkernel status code, name, errno or words mean, by ESX release",
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
        path="/vmkerr",
        summary="The whole table of vmkernel status codes, as `vmkerrcode -l` prints it",
        handle=_table,
        answer=VmkerrTable,
        query=ReleaseQuery,
        lookup=True,
        text=lambda answer: answer._listing,
        page="vmkerr_table.html",
        errors=(400, 404),
    ),
]
