"""Procedures that a team works through, in the shared tables."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from knowledge.procedure_store.procedure import Page
from knowledge.runs.marks import State
from knowledge.runs.procedure_run import ProcedureRun, mark, start
from service.api.adapter import adapter
from service.store.database import procedure_runs
from service.store.run_table import Kept, Place, RunTable
from service.store.tokens import Actor

KeptProcedureRun = Kept[ProcedureRun]


class ProcedureRuns:
    """All access to the stored runs of procedures."""

    def __init__(self, engine: sa.Engine) -> None:
        self._table = RunTable(
            engine,
            procedure_runs,
            write=lambda run: adapter(ProcedureRun).dump_python(run, mode="json"),
            read=adapter(ProcedureRun).validate_python,
            columns=lambda run: {"procedure": run.procedure, "incident": run.incident},
        )

    async def start(
        self, page: Page, targets: Mapping[str, str], incident: str, actor: Actor, by: str = ""
    ) -> KeptProcedureRun:
        """Start a run of the page as it is now; the actor is named in it, and beside it the name in `by`.

        Raises InvalidRun or InvalidMark.
        """
        return await self._table.add(
            lambda now: start(page, targets, incident, actor.name, now, token=actor.token, by=by)
        )

    async def recent(
        self, limit: int, *, procedure: str = "", incident: str = "", after: Place | None = None
    ) -> list[KeptProcedureRun]:
        """The newest runs first, those after a place; with `procedure` or `incident`, only of that page or incident."""
        only = {"procedure": procedure, "incident": incident}
        return await self._table.recent(limit, after, **{name: value for name, value in only.items() if value})

    async def get(self, run_id: str) -> KeptProcedureRun:
        """One run; raises NotFound."""
        return await self._table.get(run_id)

    async def mark(
        self, run_id: str, item: str, state: State | None, *, actor: Actor, note: str, by: str = ""
    ) -> KeptProcedureRun:
        """Mark a step as done, skipped or open again, by `actor`, now; without a state, only add the note.

        `by` is the name that the person gave, which is kept beside the actor.

        A step that already has the state keeps the name of who set it first. Raises NotFound for an unknown run or
        step, InvalidMark, and Conflict when a step that is done is to be skipped.
        """
        return await self._table.change(
            run_id,
            lambda run, now: mark(run, item, state, who=actor.name, when=now, note=note, token=actor.token, by=by),
        )
