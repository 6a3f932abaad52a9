"""Starts, follows, cancels and recovers jobs; each job is one durable DBOS workflow."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, SetWorkflowAttributes, SetWorkflowID

from service.api.log import current_request
from service.api.models import Job, JobState
from service.api.redaction import redact, redact_params
from service.api.settings import Settings
from service.api.words import counted
from service.errors import Conflict, NotFound, RecordUnreadable
from service.jobs import former_records, listing, outdated, view
from service.jobs.action import Action, Context, Target
from service.jobs.claims import KEYS, WORKFLOW, find_live_job, same_request
from service.jobs.job_run import CANCELLED_BY
from service.jobs.keys import RequestKey, adopted, job_of_key, keep_key
from service.jobs.records import Recorded, open_records
from service.jobs.serializer import RecordSerializer, use_json_only
from service.jobs.workflow import register
from service.store import sqlite
from service.store.database import InterProcessLock, driver_options, engine_url
from service.store.executors import adopt_dead, living_formats
from service.store.tokens import Asker, Tokens

log = logging.getLogger(__name__)

NAME = "vmkops"
"""The engine's name for this application, which owns the queue."""
JOB_FORMAT = "2"
"""The engine's application version.

Change it when newer code cannot continue the steps of running jobs: they then end as failed (see `outdated`).
Jobs of version 0.1.0 have the format "1" until `former_records` has converted them.
"""
QUEUE = "actions"
PARENTS = "parents"
"""The queue of jobs that only start other jobs and wait for them: it has no limit."""
TOO_MANY_PARENTS = (
    "VMKOPS_MAX_FLEETS allows {} at a time, and as many are under way. Wait for one, or cancel one: "
    "vmkops jobs --live --action fleet shows them."
)
QUEUE_SECONDS = 0.5
"""Pause between looks at the queue, and so the longest wait of a free job.

Four looks a second took 3 % of a busy core, most of what an idle service takes.
"""
PARENTS_SECONDS = 1.0
"""The same for jobs that only start other jobs, which take minutes."""
WATCH_SECONDS = 0.25
"""Pause between looks at a job that somebody follows."""
STOP_SECONDS = 0.1
"""Pause between looks of the engine's listener at whether to end, and so the longest that a stop waits for it."""
SCHEDULE_SECONDS = 5.0
"""Pause between looks at the schedules."""


def executor_id(settings: Settings) -> str:
    """The id of this process for the engine: a constant on SQLite, unique on a shared PostgreSQL."""
    if settings.postgres_url is None:
        return listing.LOCAL_EXECUTOR
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


class Jobs:
    """All access to the durable engine; one for each process."""

    def __init__(
        self,
        settings: Settings,
        actions: dict[str, Action],
        context: Context,
        engine: sa.Engine,
        executor: str,
        tokens: Tokens,
    ) -> None:
        self.executor_id = executor
        self._settings = settings
        self._actions = actions
        self._context = context
        self._engine = engine
        self._tokens = tokens
        self._submitting = InterProcessLock(engine, "submit")
        self._records = open_records(settings, engine)
        self._workflow: Any = None

    async def start(self) -> None:
        """Launch the engine; jobs of this executor's last process continue at their unfinished step."""
        use_json_only()
        url = engine_url(self._settings, "jobs")
        config: DBOSConfig = {
            "name": NAME,
            "system_database_url": url,
            "application_version": JOB_FORMAT,
            "executor_id": self.executor_id,
            "log_level": "ERROR",
            "notification_listener_polling_interval_sec": STOP_SECONDS,
            "scheduler_polling_interval_sec": SCHEDULE_SECONDS,
            "db_engine_kwargs": {"hide_parameters": True, **driver_options(self._settings)},
            "serializer": RecordSerializer(),
        }
        DBOS(config=config)
        self._workflow = register(self, self._actions, self._context, self._tokens)
        await asyncio.to_thread(_prepare_queue, url, self._settings.max_jobs)
        if former_records.FORMER_FORMAT not in await asyncio.to_thread(living_formats, self._engine):
            await asyncio.to_thread(self.convert_records)
        # Launched outside of this event loop, so that jobs run in a loop of their own and never block HTTP.
        await asyncio.to_thread(DBOS.launch)
        if self._settings.postgres_url is None:  # where several processes share the jobs, `taking_over` looks at them
            await outdated.end_outdated({JOB_FORMAT})

    async def stop(self) -> None:
        """Stop the engine in this process; the next process that starts continues the jobs under way."""
        # The engine gave its own thread pool to this event loop, and shuts that pool down.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
        self._records.close()

    async def submit(
        self,
        action: Action,
        target: Target,
        *,
        requested_by: str,
        token: str = "",
        job_id: str | None = None,
        key: RequestKey | None = None,
        reply_to: Mapping[str, Any] | None = None,
        parent: str = "",
        asker: Asker | None = None,
    ) -> Job:
        """Queue a job and return it, or return the job that has this id or key or is live for this target.

        `parent` is the id of the job that starts it, if one does. `asker` is the one whose rights its children use,
        when that is not `requested_by` with `token`: the one who made the schedule.

        A repeated key returns the job that it got the first time, also after that job has ended. Raises Conflict when
        another live job holds any of the target's keys, or when as many parents are live as VMKOPS_MAX_FLEETS allows,
        and KeyReused when the key belongs to another request.
        """
        keys = [target.key, *target.also]
        asker = asker or Asker(requested_by, token)
        origin = {
            "token": token,
            "request": current_request(),
            "target": redact(target.name),
            "asker": asker.name,
            "asker_token": asker.token,
        }
        attributes = {
            "action": action.name,
            "target": target.name,
            "vcenter": target.vcenter,
            "params": redact_params(target.params),
            "requested_by": requested_by,
            "token": token,
            "reply_to": reply_to,
            view.WARNINGS: [check.message for check in target.checks if check.severity == "warn"],
            KEYS: keys,
            **({view.PARENT: parent} if parent else {}),
        }
        queue_name = PARENTS if action.parent else QUEUE

        def queue() -> tuple[str, bool, bool]:
            """The id of the job, whether it was live for this target already, and whether it is new."""
            with self._submitting.hold():
                known = job_id or (job_of_key(self._engine, key) if key else None)
                if known and self._records.job(known):
                    return known, False, False
                new_key = key if known is None else None
                found = adopted(new_key, requested_by, action.name, keys) if new_key else None
                found = found or find_live_job(self._records, action.name, keys, same_request(action, target))
                if not found and (full := self._why_full(action)):
                    raise Conflict(full)
                # The key comes first: the job of a process that dies in between is queued under the id of its key.
                chosen = known or (keep_key(self._engine, new_key, found) if new_key else secrets.token_hex(8))
                if found:
                    return found, True, False
                with SetWorkflowID(chosen), SetWorkflowAttributes(attributes):
                    DBOS.enqueue_workflow(queue_name, self._workflow, action.name, target.params, requested_by, origin)
            return chosen, False, True

        def queued() -> tuple[Job, bool]:
            """The job, and whether it was live for this target already."""
            chosen, joined, new = queue()
            found = self._records.job(chosen)
            assert found is not None, "no job is removed as soon as it has ended"
            return self._seen(Recorded(found, [], {}) if new else self._records.whole(found)), joined

        # In a context of its own: in a firing, the engine would record these calls as steps and not repeat them.
        context = contextvars.Context()
        job, joined = await asyncio.get_running_loop().run_in_executor(None, context.run, queued)
        job = await asyncio.create_task(self._with_children(job), context=context) if self._is_parent(job) else job
        return job.model_copy(update={"joined": True}) if joined else job

    async def live_for(self, action: Action, target: Target) -> str | None:
        """The id of the live job of this action on this target; raises Conflict when another job holds the target."""
        keys, same = [target.key, *target.also], same_request(action, target)
        return await asyncio.to_thread(find_live_job, self._records, action.name, keys, same)

    async def why_busy(self, action: Action, target: Target) -> str:
        """Which other job holds the target now, and what to do about it; empty when a job could be queued."""
        try:
            live = await self.live_for(action, target)
        except Conflict as error:
            return str(error)
        return "" if live else await asyncio.to_thread(contextvars.Context().run, self._why_full, action)

    def _why_full(self, action: Action) -> str:
        """Why no more jobs of this action can be queued, and what to do about it; empty when they can."""
        if not action.parent:
            return ""
        live = DBOS.list_workflows(
            name=WORKFLOW, queue_name=PARENTS, status=list(view.LIVE), load_input=False, load_output=False
        )
        most = self._settings.max_fleets
        return "" if len(live) < most else TOO_MANY_PARENTS.format(counted(most, "fleet"))

    async def of_key(self, key: RequestKey) -> Job | None:
        """The job that a request with this key got before; raises KeyReused when it was another request."""
        job_id = await asyncio.to_thread(job_of_key, self._engine, key)
        with contextlib.suppress(NotFound):  # its process died before the job was queued
            return await self.get(job_id) if job_id else None
        return None

    async def get(self, job_id: str) -> Job:
        """One job by its id or by the beginning of it; raises NotFound, or Ambiguous with the jobs that it may mean."""
        return await self._with_children(await self._view(await listing.find(job_id)))

    async def recent(
        self,
        *,
        limit: int,
        live: bool | None = None,
        since: datetime | None = None,
        cursor: int = 0,
        fits: Callable[[Mapping[str, Any]], bool] = lambda _: True,
        states: Collection[JobState] = (),
        parent: str = "",
    ) -> tuple[list[Job], int | None]:
        """The newest jobs first, and the cursor for the jobs after them, None at the end of the list.

        `live` selects those under way (True), those that ended (False), or all (None); `since` those that were asked
        for at that time or later; `states` those in one of these states; `fits` takes the attributes of a job, with
        `action`, `target`, `params` and `requested_by`; `parent` those that this job has started. The results of
        parents are without their lists.
        """
        found, after = await listing.read_page(limit, live, since, cursor, fits, states, parent)
        return [self._brief(await self._view(each)) for each in found], after

    async def cancel(self, job_id: str, by: str) -> Job:
        """Ask a job to stop and clean up; raises NotFound, or Conflict when it has ended."""
        job = await self.get(job_id)
        if job.state.final:
            raise Conflict(f"Job {job.id} has already ended; its state is {job.state}.")
        await DBOS.update_workflow_attributes_async(job.id, {CANCELLED_BY: by}, merge=True)
        return await self.get(job.id)

    async def note(self, job_id: str, text: str) -> None:
        """Add a note to a job, also to one that has ended: what came of it later. Raises NotFound."""
        notes = [*(await self.get(job_id)).notes, text]
        await DBOS.update_workflow_attributes_async(job_id, {view.NOTES: notes}, merge=True)

    async def take_over(self, executor: str) -> None:
        """Put the jobs of a dead executor back in the queue; any free executor continues them."""
        await asyncio.to_thread(DBOS._recover_pending_workflows, [executor])

    def convert_records(self) -> None:
        """Convert the records of version 0.1.0 and take over its jobs; call it when none of its processes runs."""
        engine = sa.create_engine(engine_url(self._settings, "jobs"))
        try:
            former_records.convert(engine, JOB_FORMAT)
        finally:
            engine.dispose()
        adopt_dead(self._engine, former_records.FORMER_FORMAT, JOB_FORMAT)

    async def changes(self, job_id: str) -> AsyncIterator[Job]:
        """Yield the job now and after each change, until it has ended; raises NotFound."""
        last: Job | None = None
        while True:
            job = await self._view(await listing.find(last.id if last else job_id))
            if job != last:
                yield job
            if job.state.final:
                return
            last = job
            await asyncio.sleep(WATCH_SECONDS)

    async def _with_children(self, job: Job) -> Job:
        """A parent with the ids of the jobs that it has started; any other job as it is."""
        return job.model_copy(update={"children": await listing.children(job.id)}) if self._is_parent(job) else job

    def _is_parent(self, job: Job) -> bool:
        action = self._actions.get(job.action)
        return action is not None and action.parent

    def _brief(self, job: Job) -> Job:
        """A parent without the lists of its result, which may have thousands of lines."""
        if not self._is_parent(job) or not job.result:
            return job
        result = {name: value for name, value in job.result.items() if not isinstance(value, list)}
        return job.model_copy(update={"result": result})

    async def _view(self, status: Any) -> Job:
        recorded = await DBOS.list_workflow_steps_async(status.workflow_id)
        try:
            events = await DBOS.get_all_events_async(status.workflow_id)
        except (RecordUnreadable, TypeError, ValueError):  # the last two for rows that name another form
            events = {}
        return self._seen(Recorded(status, recorded, events))

    def _seen(self, recorded: Recorded) -> Job:
        """The job as callers see it."""
        status = recorded.job
        attributes = status.attributes or {}
        action = self._actions.get(attributes.get("action", ""))
        runs_on = listing.executor_words(status.executor_id or "", live=status.status in view.LIVE)
        params = attributes.get("params", {})
        steps, words = (action.steps_of(params), action.step_words(params)) if action else ((), {})
        return view.job(status, recorded.steps, recorded.events, steps, runs_on, words)


def _prepare_queue(url: str, at_once: int) -> None:
    """Make the engine's tables and the queue before the launch; the engine finds a later queue only after a second."""
    sqlite.use_wal(url)
    DBOS.migrate(url)
    client = DBOSClient(system_database_url=url, application_name=NAME, serializer=RecordSerializer())
    try:
        client.register_queue(PARENTS, polling_interval_sec=PARENTS_SECONDS)
        client.register_queue(QUEUE, global_concurrency=at_once, polling_interval_sec=QUEUE_SECONDS)
    finally:
        client.destroy()
