"""Edits of the team's pages over HTTP, with every version of a page, and who made it when, in the shared tables."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from knowledge.procedure_store.procedure import Procedure
from knowledge.procedure_store.store import Store
from service.errors import ChangedMeanwhile, NotFound
from service.store.database import InterProcessLock, page_versions
from service.store.tokens import Actor

MOST_VERSIONS = 200
"""Versions of one page that are kept; older ones are deleted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageVersion:
    """One version of a page, without its text."""

    revision: int
    """From 1; a later version has a larger number."""
    saved_at: str
    """RFC 3339, UTC. For a version that was found in the folder, when it was found."""
    change: str
    """``created``, ``changed``, ``deleted``, ``restored``, or ``found``: edited in the folder, not over HTTP."""
    token: str
    """The name of the token; empty for a version that was found."""
    person: str
    """The person for whom the token acted; empty without one."""
    restored_from: int | None
    """The revision whose text was restored."""
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PageVersionText(PageVersion):
    """One version of a page."""

    text: str
    """The whole page; empty when this change deleted it."""


def page_tag(text: str) -> str:
    """Return the tag of a version of a page, an entity tag of HTTP (RFC 9110, 8.8.3) for its text."""
    return f'"{hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]}"'


class PageHistory:
    """All edits of the team's pages, one at a time, and their versions."""

    def __init__(self, engine: sa.Engine, store: Store) -> None:
        self._engine = engine
        self._store = store
        self._edits = threading.Lock()
        # Not held while pages are written: reading a large folder takes longer than others wait for the database.
        self._lock = InterProcessLock(engine, "procedures")

    async def save(self, slug: str, text: str, actor: Actor, only: Collection[str] | None = None) -> Procedure:
        """Write a page and keep the version; raises BrokenPageError or NotEditableError.

        With `only`, the page must be one of these versions, given by their tags as `page_tag` returns them, or any
        version for `*`; raises ChangedMeanwhile otherwise. The same holds for `delete` and `restore`.
        """
        return await asyncio.to_thread(self._save, slug, text, actor, None, only)

    async def delete(self, slug: str, actor: Actor, only: Collection[str] | None = None) -> None:
        """Delete a page; its versions stay. Raises NotEditableError or ChangedMeanwhile."""
        await asyncio.to_thread(self._delete, slug, actor, only)

    async def restore(self, slug: str, revision: int, actor: Actor, only: Collection[str] | None = None) -> Procedure:
        """Write an older version again; raises NotFound, BrokenPageError, NotEditableError or ChangedMeanwhile."""
        version = await self.version(slug, revision)
        if not version.text:
            raise NotFound(f"Revision {revision} of {slug} deleted the page. Restore an older one.")
        return await asyncio.to_thread(self._save, slug, version.text, actor, revision, only)

    async def versions(self, slug: str) -> list[PageVersion]:
        """The versions of a page, newest first."""
        return await asyncio.to_thread(self._versions, slug)

    async def version(self, slug: str, revision: int) -> PageVersionText:
        """One version with its text; raises NotFound."""
        return await asyncio.to_thread(self._version, slug, revision)

    def _save(
        self, slug: str, text: str, actor: Actor, restored_from: int | None, only: Collection[str] | None
    ) -> Procedure:
        with self._edits:
            self._require(slug, only)
            before = self._keep_found(slug)
            page = self._store.save(slug, text)
            if text != before:
                change = "restored" if restored_from else "changed" if before is not None else "created"
                self._keep(slug, change, text, actor, restored_from)
            return page

    def _delete(self, slug: str, actor: Actor, only: Collection[str] | None) -> None:
        with self._edits:
            self._require(slug, only)
            self._keep_found(slug)
            self._store.delete(slug)
            self._keep(slug, "deleted", "", actor)

    def _require(self, slug: str, only: Collection[str] | None) -> None:
        """Raise ChangedMeanwhile unless the page, as it is shown now, is one of the versions with these tags."""
        if only is None:
            return
        text = self._store.team_text(slug)
        if text is None and (page := self._store.get(slug)):
            text = page.text
        if text is None:
            raise ChangedMeanwhile(f"There is no page {slug[:80]!r} any more. The history of the page has its text.")
        if "*" not in only and page_tag(text) not in only:
            raise ChangedMeanwhile(
                f"Somebody else changed the page {slug} since you read it. Read the page again, "
                "make your change in the new text, and save that."
            )

    def _keep_found(self, slug: str) -> str | None:
        """Keep the version that is in the folder now, if it was edited there, so that no edit loses it; return it."""
        there = self._store.team_text(slug)
        if there is not None and there != self._newest(slug):
            self._keep(slug, "found", there)
        return there

    def _newest(self, slug: str) -> str | None:
        columns = page_versions.c
        newest = sa.select(columns.text).where(columns.slug == slug).order_by(columns.revision.desc()).limit(1)
        with self._engine.connect() as connection:
            text: str | None = connection.execute(newest).scalar_one_or_none()
        return text

    def _keep(
        self, slug: str, change: str, text: str, actor: Actor | None = None, restored_from: int | None = None
    ) -> None:
        columns = page_versions.c
        with self._lock.acquire() as connection:
            last = connection.execute(sa.select(sa.func.max(columns.revision)).where(columns.slug == slug)).scalar_one()
            revision = (last or 0) + 1
            connection.execute(
                page_versions.insert().values(
                    slug=slug,
                    revision=revision,
                    saved_at=datetime.now(UTC).isoformat(),
                    change=change,
                    token=actor.token if actor else "",
                    person=(actor.person or "") if actor else "",
                    restored_from=restored_from,
                    text=text,
                )
            )
            old = columns.revision <= revision - MOST_VERSIONS
            connection.execute(page_versions.delete().where(columns.slug == slug, old))

    def _versions(self, slug: str) -> list[PageVersion]:
        columns = page_versions.c
        newest = sa.select(page_versions).where(columns.slug == slug).order_by(columns.revision.desc())
        with self._engine.connect() as connection:
            return [PageVersion(**_values(row)) for row in connection.execute(newest)]

    def _version(self, slug: str, revision: int) -> PageVersionText:
        columns = page_versions.c
        one = sa.select(page_versions).where(columns.slug == slug, columns.revision == revision)
        with self._engine.connect() as connection:
            row = connection.execute(one).one_or_none()
        if row is None:
            raise NotFound(f"There is no revision {revision} of {slug[:80]!r}. The history of the page lists them.")
        return PageVersionText(**_values(row), text=row.text)


def _values(row: sa.Row[Any]) -> dict[str, Any]:
    return {
        "revision": row.revision,
        "saved_at": row.saved_at,
        "change": row.change,
        "token": row.token,
        "person": row.person,
        "restored_from": row.restored_from,
        "bytes": len(row.text.encode()),
    }
