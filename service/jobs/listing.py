"""Finds the records of jobs in the engine: one by its id or the beginning of it, and pages of a list."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from dbos import DBOS

from service.api.models import JobState
from service.api.redaction import redact
from service.errors import Ambiguous, NotFound
from service.jobs import view
from service.jobs.action import Ended
from service.jobs.claims import WORKFLOW

LOCAL_EXECUTOR = "local"
"""The id of the one process that runs jobs on SQLite."""
SHORT = re.compile(r"[0-9A-Za-z-]{4,}")
"""The beginning of an id that stands for the whole."""
MOST_CANDIDATES = 5
PAGE = 200
"""How many jobs are read at a time for a list."""
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
"""The engine's states of workflows that have ended."""

Fits = Callable[[Mapping[str, Any]], bool]
"""Takes the attributes of a job: `action`, `target`, `params`, `requested_by`."""


async def find(job_id: str) -> Any:
    """The engine's record of a job by its id or the beginning of it; raises NotFound, or Ambiguous with candidates."""
    found = await DBOS.list_workflows_async(workflow_ids=[job_id])
    if not found and SHORT.fullmatch(job_id):
        found = await _beginning_with(job_id)
    if not found and re.fullmatch(r"[0-9A-Za-z-]{1,3}", job_id):
        raise NotFound(f"There is no job {job_id!r}. Give at least four characters of its id.")
    if not found:
        raise NotFound(f"There is no job {job_id[:80]!r}. The list of jobs has their ids.")
    if len(found) > 1:
        candidates = [_candidate(each) for each in found]
        raise Ambiguous(f"Several jobs have an id that begins with {job_id}. Give more of it.", candidates)
    return found[0]


def child_id(parent: str, number: int | None = None) -> str:
    """The id of a child, such as `8c1f00aa12bc34de-0017`; without a number, what the ids of all children begin with."""
    return f"{parent}-" if number is None else f"{parent}-{number:04}"


async def children(parent: str, *, live: bool = False) -> list[str]:
    """The ids of the jobs that this job has started, by number; only those that have not ended with `live`.

    Jobs that those jobs have started are not among them.
    """
    found = await DBOS.list_workflows_async(
        name=WORKFLOW,
        status=list(view.LIVE) if live else None,
        workflow_id_prefix=child_id(parent),
        load_input=False,
        load_output=False,
    )
    own = (each.workflow_id for each in found if "-" not in each.workflow_id.removeprefix(child_id(parent)))
    return sorted(own, key=lambda each: (len(each), each))


async def ended(jobs: Collection[str]) -> dict[str, Ended]:
    """Those of these jobs that have ended; a job whose record is gone has failed."""
    found = await DBOS.list_workflows_async(workflow_ids=list(jobs), load_input=False)
    gone = Ended(state=JobState.FAILED, why="The record of the job is gone.", at=datetime.now(UTC))
    return dict.fromkeys(set(jobs) - {each.workflow_id for each in found}, gone) | {
        each.workflow_id: view.ended(each) for each in found if each.status not in view.LIVE
    }


async def read_page(
    limit: int,
    live: bool | None,
    since: datetime | None,
    cursor: int,
    fits: Fits,
    states: Collection[JobState],
    parent: str = "",
) -> tuple[list[Any], int | None]:
    """The records of the newest jobs first, and the cursor for those after them; see `Jobs.recent`."""
    status = None if live is None else list(view.LIVE) if live else ENDED
    found: list[Any] = []
    while True:
        page = await DBOS.list_workflows_async(
            name=WORKFLOW,
            status=status,
            start_time=since.isoformat() if since else None,
            limit=PAGE,
            offset=cursor,
            sort_desc=True,
            load_input=False,
            workflow_id_prefix=child_id(parent) if parent else None,
        )
        for item in page:
            if fits(item.attributes or {}) and (not states or view.state_of(item) in states):
                if len(found) == limit:
                    return found, cursor
                found.append(item)
            cursor += 1
        if len(page) < PAGE:
            return found, None


def executor_words(executor: str, *, live: bool) -> str:
    """The process with this id for people, such as `esx-ops, process 4711`; empty when that is not known any more.

    On SQLite, the one process that may run jobs is this one, and nobody knows which one ran a job that has ended.
    """
    if executor == LOCAL_EXECUTOR:
        return f"{socket.gethostname()}, process {os.getpid()}" if live else ""
    host, _, process = executor.removesuffix(f"-{executor.rpartition('-')[2]}").rpartition("-")
    return f"{host}, process {process}" if host else executor


async def _beginning_with(start: str) -> list[Any]:
    """The newest records of jobs whose ids begin so; the children of such a job are left out."""
    found = await DBOS.list_workflows_async(
        name=WORKFLOW, workflow_id_prefix=start, sort_desc=True, load_input=False, load_output=False
    )
    roots = [each for each in found if not str((each.attributes or {}).get(view.PARENT, "")).startswith(start)]
    ids = [each.workflow_id for each in roots[:MOST_CANDIDATES]]
    return await DBOS.list_workflows_async(workflow_ids=ids, sort_desc=True) if ids else []


def _candidate(status: Any) -> str:
    """A job that a short id may mean: its id, and what it is."""
    attributes = status.attributes or {}
    about = f"{attributes.get('action', 'job')} of {redact(attributes.get('target', ''))}"
    return f"{status.workflow_id} ({about}, {view.state_of(status)})"
