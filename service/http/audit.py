"""The audit: who did what, when and from where."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from service.api.models import Value
from service.api.units import when
from service.http._route import Call, Query, Route
from service.store.audit import AuditEntry
from service.store.tokens import Scope

LARGEST_ID = 2**31 - 1
Plain = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]*$")]
"""Text without control characters; PostgreSQL takes no NUL."""


class AuditQuery(Query):
    """Which entries to list."""

    event: Plain = Field(default="", max_length=60, description="Only this event, such as `action.started`.")
    token: Plain = Field(default="", max_length=100, description="Only calls with the token of this name.")
    person: Plain = Field(default="", max_length=60, description="Only this person, such as `slack:U012AB3CD`.")
    request: Plain = Field(default="", max_length=64, description="Only the request with this ID.")
    since: AwareDatetime | None = Field(default=None, description="Only entries from this time on, with its zone.")
    until: AwareDatetime | None = Field(default=None, description="Only entries before this time, with its zone.")
    limit: int = Field(default=50, ge=1, le=500, description="How many, newest first.")
    cursor: int | None = Field(default=None, ge=1, le=LARGEST_ID, description="`next` of the answer before.")


class AuditEntries(Value):
    """Entries of the audit, newest first."""

    entries: tuple[AuditEntry, ...]
    next: int | None
    """The cursor for the entries before these; null when there are none."""


async def _list(call: Call[AuditQuery, None]) -> AuditEntries:
    asked = call.query
    found = await call.services.audit.entries(
        limit=asked.limit + 1,
        before=asked.cursor,
        since=asked.since,
        until=asked.until,
        event=asked.event,
        token=asked.token,
        person=asked.person,
        request=asked.request,
    )
    shown = tuple(found[: asked.limit])
    return AuditEntries(entries=shown, next=shown[-1].id if len(found) > asked.limit else None)


def _line(entry: AuditEntry) -> str:
    who = entry.person + (f" via token {entry.token}" if entry.token else "") if entry.person else ""
    who = who or (f"token:{entry.token}" if entry.token else "unknown")
    about = "".join(f" {name}={value}" for name, value in entry.details.items())
    return f"{when(entry.at)}  {entry.event:<16}  {who}{f' from {entry.address}' if entry.address else ''}{about}\n"


def _text(found: AuditEntries) -> str:
    return "".join(map(_line, found.entries)) or "No entries.\n"


ROUTES = (
    Route(
        method="GET",
        path="/audit",
        summary="Who did what, when and from where: starts, cancels, edits, and what was refused",
        handle=_list,
        answer=AuditEntries,
        scope=Scope.ADMIN,
        query=AuditQuery,
        text=_text,
    ),
)
