"""The audit: who did what, when and from where, as rows in the shared tables and as lines of the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from cachetools import TTLCache

from service.api.log import current_request
from service.api.redaction import redact
from service.store.database import audit

log = logging.getLogger("vmkops.audit")

LONGEST_DETAIL = 500
LIMITED_SECONDS = 60
MOST_LIMITED = 30
"""How many different refusals are recorded in LIMITED_SECONDS; repeats of one are not recorded in that time."""
INSERT = audit.insert()


class Event(StrEnum):
    """What is recorded; docs/audit.md explains each."""

    TOKEN_REFUSED = "token.refused"  # noqa: S105
    CALL_FORBIDDEN = "call.forbidden"
    ACTION_STARTED = "action.started"
    JOB_CANCELLED = "job.cancelled"
    JOBS_REMOVED = "jobs.removed"
    SCHEDULE_SAVED = "schedule.saved"
    SCHEDULE_DELETED = "schedule.deleted"
    SCHEDULE_PAUSED = "schedule.paused"
    PAGE_SAVED = "page.saved"
    PAGE_DELETED = "page.deleted"
    PAGE_RESTORED = "page.restored"
    RELEASE_IMPORTED = "release.imported"
    BACKUP_ADOPTED = "backup.adopted"
    STATE_EXPORTED = "state.exported"
    STATE_IMPORTED = "state.imported"
    MOUNT_RENEWED = "mount.renewed"
    MOUNT_ENDED = "mount.ended"
    MOUNT_EXPIRED = "mount.expired"
    FILES_READ = "files.read"
    TOKEN_CREATED = "token.created"  # noqa: S105
    TOKEN_CHANGED = "token.changed"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One entry of the audit."""

    id: int
    at: str
    """RFC 3339, UTC."""
    event: str
    token: str
    """The name of the token; empty for a command on the machine of the service, and for a token that is not known."""
    person: str
    """The person for whom the token acted, such as `slack:U012AB3CD`, or `local:USER` for a command."""
    address: str
    """The address that the call came from, through the proxies in VMKOPS_TRUSTED_PROXIES."""
    request: str
    """The id of the request, which is also in the log and in the header `X-Request-Id` of the answer."""
    details: Mapping[str, str]
    """What it was about, such as `action`, `target`, `job`, `name` or `path`."""


class Audit:
    """Writes and reads the audit."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._refused: dict[str, TTLCache[str, bool]] = {}
        self._left_out = 0

    async def write(self, event: Event, *, token: str = "", person: str = "", address: str = "", **about: str) -> None:
        """Record that something happened; see `record`."""
        await asyncio.to_thread(self.record, event, token=token, person=person, address=address, **about)

    async def refused(self, event: Event, key: str, *, token: str = "", person: str = "", **about: str) -> None:
        """Record a refusal, but not again for the same `key` within a minute, nor more than MOST_LIMITED of them.

        Tokens that are not known have a limit of their own, so that guesses do not hide what known tokens try. The next
        entry has the number of those that were left out.
        """
        limit = self._refused.setdefault(
            f"{event} {'known' if token else 'unknown'}", TTLCache(MOST_LIMITED, LIMITED_SECONDS)
        )
        limit.expire()
        if key in limit or len(limit) >= MOST_LIMITED:
            self._left_out += 1
            return
        limit[key] = True
        more = {"left_out": str(self._left_out)} if self._left_out else {}
        self._left_out = 0
        await self.write(event, token=token, person=person, **about, **more)

    def record(self, event: Event, *, token: str = "", person: str = "", address: str = "", **about: str) -> None:
        """Write the line and the row. What happened has happened, so an error of the database is only logged."""
        details = {name: _stored(value) for name, value in about.items() if value}
        fields = {"token": token, "person": person, "address": address}
        log.info(event.value, extra={"details": details} | {name: value for name, value in fields.items() if value})
        row = {"at": datetime.now(UTC).isoformat(), "event": event.value, "request": current_request(), **fields}
        try:
            with self._engine.begin() as connection:
                connection.execute(INSERT, {**row, "details": details})
        except sa.exc.SQLAlchemyError as error:
            log.error("the entry could not be stored: %s", error, extra={"audit_event": event.value})

    async def entries(
        self,
        *,
        limit: int,
        before: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        **only: str,
    ) -> list[AuditEntry]:
        """The newest entries first: those after the one with the id `before`, in this time, with these values."""
        columns = audit.c
        query = sa.select(audit).order_by(columns.at.desc(), columns.id.desc()).limit(limit)
        query = query.where(*(columns[name] == value for name, value in only.items() if value))
        if before is not None:
            # By time: the entries of another installation come in with later ids.
            last = sa.select(columns.at).where(columns.id == before).scalar_subquery()
            query = query.where((columns.at < last) | ((columns.at == last) & (columns.id < before)))
        if since is not None:
            query = query.where(columns.at >= _utc(since))
        if until is not None:
            query = query.where(columns.at < _utc(until))
        return await asyncio.to_thread(self._entries, query)

    def _entries(self, query: sa.Select[Any]) -> list[AuditEntry]:
        with self._engine.connect() as connection:
            return [AuditEntry(**row._mapping) for row in connection.execute(query)]


def _stored(value: str) -> str:
    """A detail as it is stored: without secrets, not too long, and valid UTF-8, which a header need not be."""
    return redact(value[: 2 * LONGEST_DETAIL])[:LONGEST_DETAIL].encode("utf-8", "replace").decode()


def _utc(at: datetime) -> str:
    """A time as the rows have it; at the ends of the calendar, its zone is left out."""
    try:
        return at.astimezone(UTC).isoformat()
    except OverflowError:
        return at.replace(tzinfo=UTC).isoformat()
