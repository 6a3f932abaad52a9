"""P2V checklists that a team works through, in the shared tables; concurrent changes are all kept."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from knowledge.p2v.run import AlreadyDone, Run, State, skip, start, tick, untick
from knowledge.p2v.source import Source
from service.api.adapter import adapter
from service.errors import Conflict, NotFound
from service.store.database import p2v_runs

ATTEMPTS = 50
"""How often a change is attempted; an attempt fails when somebody else changed the run meanwhile."""

RUN_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptRun:
    """A stored run: its id, when it was started and last changed (RFC 3339, UTC), and a revision for each change."""

    id: str
    created_at: str
    updated_at: str
    revision: int
    run: Run


class ChecklistRuns:
    """All access to the stored runs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def start(self, source: Source, who: str) -> KeptRun:
        """Start a run of the checklist for this source; `who` is named in it."""
        return await asyncio.to_thread(self._start, source, who)

    async def recent(self, limit: int) -> list[KeptRun]:
        """The newest runs first."""
        return await asyncio.to_thread(self._recent, limit)

    async def get(self, run_id: str) -> KeptRun:
        """One run; raises NotFound."""
        return await asyncio.to_thread(self._get, run_id)

    async def mark(self, run_id: str, item: str, state: State, *, who: str, note: str) -> KeptRun:
        """Mark a step as done, skipped or open again, by `who`, now.

        A step that already has the state keeps the name of who set it first. Raises NotFound for an unknown run or
        step, and Conflict when a step that is done is to be skipped.
        """

        def change(run: Run) -> Run:
            now = datetime.now(UTC)
            match state:
                case State.DONE:
                    return tick(run, item, who, now, note)
                case State.SKIPPED:
                    return skip(run, item, who, now, note)
                case State.OPEN:
                    return untick(run, item, who, now, note)

        try:
            return await asyncio.to_thread(self._change, run_id, change)
        except AlreadyDone as error:
            raise Conflict(f"{error}.") from error

    def _start(self, source: Source, who: str) -> KeptRun:
        now = datetime.now(UTC)
        run = start(source, who, now)
        kept = KeptRun(
            id=secrets.token_hex(8), created_at=now.isoformat(), updated_at=now.isoformat(), revision=1, run=run
        )
        row = {
            "id": kept.id,
            "created_at": kept.created_at,
            "updated_at": kept.updated_at,
            "revision": kept.revision,
            "run": _to_json(run),
        }
        with self._engine.begin() as connection:
            connection.execute(p2v_runs.insert().values(**row))
        return kept

    def _recent(self, limit: int) -> list[KeptRun]:
        newest = sa.select(p2v_runs).order_by(p2v_runs.c.created_at.desc(), p2v_runs.c.id).limit(limit)
        with self._engine.connect() as connection:
            return [_kept(row) for row in connection.execute(newest)]

    def _get(self, run_id: str) -> KeptRun:
        with self._engine.connect() as connection:
            return _read(connection, run_id)

    def _change(self, run_id: str, change: Callable[[Run], Run]) -> KeptRun:
        """Apply the change to the run as it is now; when somebody else was faster, apply it to the newer one."""
        for _ in range(ATTEMPTS):
            with self._engine.begin() as connection:
                kept = _read(connection, run_id)
                changed = change(kept.run)
                if changed is kept.run:
                    return kept
                now, revision = datetime.now(UTC).isoformat(), kept.revision + 1
                written = connection.execute(
                    p2v_runs.update()
                    .where(p2v_runs.c.id == run_id, p2v_runs.c.revision == kept.revision)
                    .values(updated_at=now, revision=revision, run=_to_json(changed))
                )
                if written.rowcount == 1:
                    return KeptRun(
                        id=run_id, created_at=kept.created_at, updated_at=now, revision=revision, run=changed
                    )
        raise Conflict(f"Many people are changing run {run_id} at the same time, so nothing was marked. Try again.")


def _read(connection: sa.Connection, run_id: str) -> KeptRun:
    known = RUN_ID.fullmatch(run_id)
    row = connection.execute(sa.select(p2v_runs).where(p2v_runs.c.id == run_id)).one_or_none() if known else None
    if row is None:
        raise NotFound(f"There is no run {run_id[:40]!r}. GET /p2v/runs lists them.")
    return _kept(row)


def _kept(row: sa.Row[Any]) -> KeptRun:
    return KeptRun(
        id=row.id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        revision=row.revision,
        run=_from_json(row.run),
    )


def _to_json(run: Run) -> Any:
    return adapter(Run).dump_python(run, mode="json")


def _from_json(stored: dict[str, Any]) -> Run:
    checklist = dict(stored["checklist"])
    if "mends" in checklist:  # as version 0.1.0 and earlier stored them
        checklist["corrections"] = checklist.pop("mends")
    return adapter(Run).validate_python({**stored, "checklist": checklist})
