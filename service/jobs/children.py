"""The jobs that one job starts: each has the id of its parent and a number, so that a restart starts none twice."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Collection, Coroutine, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from service.errors import Conflict, NotFound, VmkopsError
from service.jobs import listing
from service.jobs.action import ASKER, CLOSED, Action, Context, Ended, Started
from service.jobs.claims import job_exists
from service.store.tokens import Asker, Tokens

if TYPE_CHECKING:
    from service.jobs.engine import Jobs

R = TypeVar("R")

WAIT_SECONDS = 0.5
"""Pause between looks at children that end."""


class ChildJobs:
    """The children of one running job; implements `Children`."""

    def __init__(
        self,
        jobs: Jobs,
        actions: Mapping[str, Action],
        context: Context,
        tokens: Tokens,
        *,
        parent: str,
        requested_by: str,
        token: str,
        asker: Asker,
    ) -> None:
        """`asker` is the one whose rights are checked before each child: of a schedule, the one who made it."""
        self._jobs = jobs
        self._actions = actions
        self._context = context
        self._tokens = tokens
        self._parent = parent
        self._requested_by = requested_by
        self._token = token
        self._asker = asker

    async def start(
        self, number: int, action: str, params: Mapping[str, Any], before: datetime | None = None
    ) -> Started:
        """See `Children.start`."""
        own = listing.child_id(self._parent, number)
        try:
            if await asyncio.to_thread(contextvars.Context().run, job_exists, own):
                return Started(job=own)
            if refusal := await asyncio.to_thread(self._tokens.no_longer_may, self._asker):
                return Started(why=f"{refusal} Let somebody who may start actions start the rest again.", rule=ASKER)
            known = self._actions[action]
            target = await known.target(self._context, known.params.model_validate(params))
            # Before the refusals: a job that is under way on the target may be their reason.
            if live := await self._jobs.live_for(known, target):
                return Started(job=live, joined=True)
            if before is not None and datetime.now(UTC) >= before:
                return Started(rule=CLOSED)
            if refused := [check for check in target.checks if check.severity == "refuse"]:
                return Started(why=" ".join(check.message for check in refused), rule=refused[0].rule)
            job = await self._jobs.submit(
                known,
                target,
                requested_by=self._requested_by,
                token=self._token,
                job_id=own,
                parent=self._parent,
            )
        except ValidationError as error:
            return Started(why=f"The parameters do not fit the action {action} (errors: {error.error_count()}).")
        except Conflict as error:
            return Started(why=str(error), later=True)
        except VmkopsError as error:
            return Started(why=str(error), later=error.retryable)
        return Started(job=job.id, joined=job.id != own)

    async def ended(self, jobs: Collection[str]) -> dict[str, Ended]:
        """See `Children.ended`."""
        return await _apart(listing.ended(jobs)) if jobs else {}

    async def cancel(self) -> int:
        """See `Children.cancel`."""
        first = live = await _apart(listing.children(self._parent, live=True))
        while live:
            for each in live:
                try:
                    await _apart(self._jobs.cancel(each, f"its parent, job {self._parent}"))
                except (Conflict, NotFound):  # it ended meanwhile
                    continue
            await asyncio.sleep(WAIT_SECONDS)
            live = await _apart(listing.children(self._parent, live=True))
        return len(first)


async def _apart(call: Coroutine[Any, Any, R]) -> R:
    """The result of `call`, in a context of its own: inside of a job, the engine would record it as a step."""
    return await asyncio.create_task(call, context=contextvars.Context())
