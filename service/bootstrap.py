"""Puts the parts of one process together: database, vCenters, jobs, schedules, reaper and the web application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import NoReturn

from aiohttp import web
from aiohttp.typedefs import Handler

from service.actions import all_actions
from service.api.config_file import misspelt
from service.api.python_release import python_weaknesses
from service.api.redaction import redact_log
from service.api.settings import Settings
from service.errors import AddressUnavailable
from service.http._app import make_app
from service.http._edge import guarded
from service.http._route import Services
from service.jobs.action import Context
from service.jobs.engine import Jobs, executor_id
from service.jobs.recovery import registered, taking_over
from service.jobs.schedules import Schedules
from service.reaper import Reaper, reaping
from service.store.checklist_runs import ChecklistRuns
from service.store.copy_slots import CopySlots
from service.store.database import lock_data_dir, open_database
from service.store.page_history import PageHistory
from service.store.private_files import tighten
from service.store.procedure_runs import ProcedureRuns
from service.store.procedures import open_procedures
from service.store.snapshot_ledger import SnapshotLedger
from service.store.tokens import Tokens
from service.vsphere.datastores import DATASTORES
from service.vsphere.hosts import HOSTS
from service.vsphere.inventory import VMS
from service.vsphere.vcenters import VCenters
from service.workers.pool import parser_processes
from service.workers.process import Limits

log = logging.getLogger(__name__)

LINE_LIMIT = 65536
"""Longest request line in bytes: a long lookup, over aiohttp's limit of 8190, gets a proper answer too."""
SHUTDOWN_SECONDS = 3
"""How long requests under way may take when the service stops."""
KINDS = (VMS, HOSTS, DATASTORES)
"""The kinds of objects in the live inventory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningService:
    """A service that runs: its parts, and its web application."""

    services: Services
    app: web.Application

    def add_post(self, path: str, handler: Handler) -> None:
        """Let `handler` answer POST requests for `path`, with the same errors and counters as the declared routes."""
        self.app.router.add_post(path, guarded(handler, path))


@contextlib.asynccontextmanager
async def run_service(settings: Settings) -> AsyncIterator[RunningService]:
    """Start all parts in order, and stop them in reverse order at the end of the block; raises StartError."""
    async with contextlib.AsyncExitStack() as stack:
        if settings.postgres_url is None:
            stack.enter_context(lock_data_dir(settings.data_dir))
        engine = open_database(settings)
        await asyncio.to_thread(tighten, settings.data_dir)
        stack.callback(engine.dispose)
        procedures = await stack.enter_async_context(open_procedures(settings))
        vcenters = VCenters(settings.vcenters(), KINDS)
        await stack.enter_async_context(vcenters.following())
        executor = executor_id(settings)
        if settings.postgres_url is not None:
            await stack.enter_async_context(registered(engine, executor))
        copy_slots = CopySlots(engine, settings.max_copies, executor)
        limits = Limits(seconds=settings.parser_seconds, memory=settings.parser_memory_bytes)
        workers = await stack.enter_async_context(parser_processes(settings.processes, limits, settings.data_dir))
        context = Context(
            settings=settings,
            vcenters=vcenters,
            ledger=SnapshotLedger(engine),
            copy_slots=copy_slots,
            workers=workers,
        )
        actions = all_actions()
        jobs = Jobs(settings, actions, context, engine, executor)
        schedules = Schedules(jobs, actions, context)
        services = Services(
            settings=settings,
            tokens=Tokens(engine, settings.slack_operators),
            jobs=jobs,
            schedules=schedules,
            checklist_runs=ChecklistRuns(engine),
            procedure_runs=ProcedureRuns(engine),
            actions=actions,
            context=context,
            procedures=procedures,
            page_history=PageHistory(engine, procedures.store),
        )
        services.health["jobs"] = lambda: {"executor": jobs.executor_id}
        services.health["vcenter"] = lambda: [each.model_dump(mode="json") for each in vcenters.freshness()]
        schedules.register()
        await jobs.start()
        stack.push_async_callback(jobs.stop)
        await schedules.start()
        reaper = Reaper(context, jobs)
        services.health["ledger"] = reaper.report
        await stack.enter_async_context(reaping(reaper, settings.reap_seconds))
        if settings.postgres_url is not None:
            await stack.enter_async_context(taking_over(engine, jobs))
        yield RunningService(services=services, app=make_app(services))


@contextlib.asynccontextmanager
async def listen(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve the application on a TCP port while the block runs; yields its URL.

    Raises AddressUnavailable, for example because the port is taken.
    """
    runner = web.AppRunner(
        app, max_line_size=LINE_LIMIT, shutdown_timeout=SHUTDOWN_SECONDS, access_log=None, handle_signals=False
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise AddressUnavailable.explain(host, port, error) from error
        address = runner.addresses[0]
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        yield f"http://{shown}:{address[1]}"
    finally:
        await runner.cleanup()


@contextlib.contextmanager
def stop_requested() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set. Enter it before you report that the start is over."""
    requested = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, requested.set)
    try:
        yield requested
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)


def exit_process() -> NoReturn:
    """End the process without waiting for threads that still call a vCenter that does not answer.

    Call it when all parts are stopped.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def set_up_logging(level: str) -> None:
    """Log events of this level and above to standard error, one line each; warn about misspelt settings."""
    logging.basicConfig(
        level=level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    redact_log(logging.getLogger())
    for noisy in ("slack_bolt", "slack_sdk", "aiohttp.access", "sqlalchemy"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for warning in misspelt(os.environ):
        log.warning("settings: %s", warning)
    for weakness in python_weaknesses():
        log.warning("python: %s", weakness)
