"""A table of runs that teams work through, of one kind; concurrent changes are all kept."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

import sqlalchemy as sa

from knowledge.runs.marks import AlreadyDone
from service.errors import Ambiguous, Conflict, NotFound

ATTEMPTS = 50
"""How often a change is attempted; an attempt fails when somebody else changed the run meanwhile."""

RUN_ID = re.compile(r"[0-9a-f]{16}")
SHORT_ID = re.compile(r"[0-9a-f]{4,16}")
"""The whole id, or the beginning of it."""
MOST_CANDIDATES = 5


class Place(NamedTuple):
    """The place of a run in the list of all, of which the newest is the first."""

    created_at: str
    id: str


R = TypeVar("R")
"""The kind of run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept(Generic[R]):
    """A stored run: its id, when it was started and last changed (RFC 3339, UTC), and a revision for each change."""

    id: str
    created_at: str
    updated_at: str
    revision: int
    run: R


class RunTable(Generic[R]):
    """All access to the stored runs of one kind."""

    def __init__(
        self,
        engine: sa.Engine,
        table: sa.Table,
        *,
        write: Callable[[R], Any],
        read: Callable[[Any], R],
        columns: Callable[[R], Mapping[str, str]],
    ) -> None:
        """Use `table` for the runs that `write` makes JSON of and `read` makes of JSON.

        `columns` has the values of the columns that this kind has in addition.
        """
        self._engine = engine
        self._table = table
        self._write = write
        self._read = read
        self._columns = columns

    async def add(self, make: Callable[[datetime], R]) -> Kept[R]:
        """Store the run that `make` returns for the time of its start."""
        return await asyncio.to_thread(self._add, make)

    async def recent(self, limit: int, after: Place | None = None, **only: str) -> list[Kept[R]]:
        """The newest runs first; `after` is the place of the last run that is known already.

        `only` has the values that columns must have.
        """
        return await asyncio.to_thread(self._recent, limit, after, only)

    async def get(self, run_id: str) -> Kept[R]:
        """One run; raises NotFound."""
        return await asyncio.to_thread(self._get, run_id)

    async def change(self, run_id: str, change: Callable[[R, datetime], R]) -> Kept[R]:
        """Store what `change` makes of the run at this time; a run that it returns as it is stays as it is.

        When somebody else was faster, `change` is called again with the newer run. Raises NotFound; Conflict when a
        step that is done is to be skipped, and when very many people change the run at once.
        """
        try:
            return await asyncio.to_thread(self._change, run_id, change)
        except AlreadyDone as error:
            raise Conflict(f"{error}.") from error

    def _add(self, make: Callable[[datetime], R]) -> Kept[R]:
        now = datetime.now(UTC)
        run, at = make(now), now.isoformat()
        kept = Kept(id=secrets.token_hex(8), created_at=at, updated_at=at, revision=1, run=run)
        row = {"id": kept.id, "created_at": at, "updated_at": at, "revision": kept.revision, "run": self._write(run)}
        with self._engine.begin() as connection:
            connection.execute(self._table.insert().values(**row, **self._columns(run)))
        return kept

    def _recent(self, limit: int, after: Place | None, only: Mapping[str, str]) -> list[Kept[R]]:
        columns = self._table.c
        newest = sa.select(self._table).order_by(columns.created_at.desc(), columns.id).limit(limit)
        newest = newest.where(*(columns[name] == value for name, value in only.items()))
        if after:
            same_time = sa.and_(columns.created_at == after.created_at, columns.id > after.id)
            newest = newest.where(sa.or_(columns.created_at < after.created_at, same_time))
        with self._engine.connect() as connection:
            return [self._kept(row) for row in connection.execute(newest)]

    def _get(self, run_id: str) -> Kept[R]:
        with self._engine.connect() as connection:
            return self._one(connection, run_id)

    def _change(self, run_id: str, change: Callable[[R, datetime], R]) -> Kept[R]:
        table = self._table
        for _ in range(ATTEMPTS):
            with self._engine.begin() as connection:
                kept, now = self._one(connection, run_id), datetime.now(UTC)
                changed = change(kept.run, now)
                if changed is kept.run:
                    return kept
                at, revision = now.isoformat(), kept.revision + 1
                written = connection.execute(
                    table.update()
                    .where(table.c.id == kept.id, table.c.revision == kept.revision)
                    .values(updated_at=at, revision=revision, run=self._write(changed))
                )
                if written.rowcount == 1:
                    return Kept(id=kept.id, created_at=kept.created_at, updated_at=at, revision=revision, run=changed)
        raise Conflict(f"Many people are changing run {run_id} at the same time, so nothing was marked. Try again.")

    def _one(self, connection: sa.Connection, run_id: str) -> Kept[R]:
        """The run with this id, or the only one whose id begins with it."""
        rows: Sequence[sa.Row[Any]] = ()
        if SHORT_ID.fullmatch(run_id):
            fitting = sa.select(self._table).where(self._table.c.id.startswith(run_id)).limit(MOST_CANDIDATES)
            rows = connection.execute(fitting).all()
        if not rows:
            raise NotFound(f"There is no run {run_id[:40]!r}. The list of runs has their ids.")
        if len(rows) > 1:
            raise Ambiguous(f"Several runs have an id that begins with {run_id}.", [str(row.id) for row in rows])
        return self._kept(rows[0])

    def _kept(self, row: sa.Row[Any]) -> Kept[R]:
        run = self._read(row.run)
        return Kept(id=row.id, created_at=row.created_at, updated_at=row.updated_at, revision=row.revision, run=run)
