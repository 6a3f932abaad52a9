"""P2V checklists that a team works through, in the shared tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from knowledge.p2v.run import Run, State, skip, start, tick, untick
from knowledge.p2v.source import Source
from service.api.adapter import adapter
from service.store.database import p2v_runs
from service.store.run_table import Kept, Place, RunTable
from service.store.tokens import Actor

KeptRun = Kept[Run]


class ChecklistRuns:
    """All access to the stored runs."""

    def __init__(self, engine: sa.Engine) -> None:
        self._table = RunTable(engine, p2v_runs, write=_to_json, read=read_run, columns=lambda _: {})

    async def start(self, source: Source, actor: Actor) -> KeptRun:
        """Start a run of the checklist for this source; the actor is named in it."""
        return await self._table.add(lambda now: start(source, actor.name, now, actor.token))

    async def recent(self, limit: int, after: Place | None = None) -> list[KeptRun]:
        """The newest runs first, those after a place."""
        return await self._table.recent(limit, after)

    async def get(self, run_id: str) -> KeptRun:
        """One run; raises NotFound."""
        return await self._table.get(run_id)

    async def mark(self, run_id: str, item: str, state: State, *, actor: Actor, note: str) -> KeptRun:
        """Mark a step as done, skipped or open again, by `actor`, now.

        A step that already has the state keeps the name of who set it first. Raises NotFound for an unknown run or
        step, and Conflict when a step that is done is to be skipped.
        """

        who, token = actor.name, actor.token

        def change(run: Run, now: datetime) -> Run:
            match state:
                case State.DONE:
                    return tick(run, item, who, now, note, token)
                case State.SKIPPED:
                    return skip(run, item, who, now, note, token)
                case State.OPEN:
                    return untick(run, item, who, now, note, token)

        return await self._table.change(run_id, change)


def _to_json(run: Run) -> Any:
    return adapter(Run).dump_python(run, mode="json")


def read_run(stored: dict[str, Any]) -> Run:
    """The run from what is stored of it, also by an earlier version; raises ValidationError or LookupError."""
    checklist = dict(stored["checklist"])
    if "mends" in checklist:  # as version 0.1.0 and earlier stored them
        checklist["corrections"] = checklist.pop("mends")
    return adapter(Run).validate_python({**stored, "checklist": checklist})
