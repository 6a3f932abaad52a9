"""Puts the parts of one process together: database, vCenters, jobs, schedules, reaper and the web application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from aiohttp import web
from aiohttp.typedefs import Handler

from service.actions import all_actions
from service.api.log import set_up_log
from service.api.python_release import python_weaknesses
from service.api.settings import Settings
from service.api.typed_settings import LogSettings
from service.background import every
from service.backups.brought import BroughtDisks
from service.figures.collector import Figures, gathering
from service.http._app import make_app
from service.http._browsers import BROWSERS
from service.http._edge import guarded
from service.http._route import Services
from service.http._server import listen, listen_for_metrics
from service.jobs.action import Context
from service.jobs.engine import Jobs, executor_id
from service.jobs.recovery import registered, taking_over
from service.jobs.retention import removing_old
from service.jobs.schedules import Schedules
from service.reaper import Reaper, reaping
from service.store.audit import Audit
from service.store.checklist_runs import ChecklistRuns
from service.store.copy_rates import CopyRates
from service.store.copy_slots import CopySlots
from service.store.database import lock_data_dir, open_database
from service.store.disk_ledger import DiskLedger
from service.store.mount_ledger import MountLedger
from service.store.open_leases import OpenLeases
from service.store.page_history import PageHistory
from service.store.private_files import tighten
from service.store.procedure_runs import ProcedureRuns
from service.store.procedures import open_procedures
from service.store.reports import Reports
from service.store.signing import open_signer
from service.store.snapshot_ledger import SnapshotLedger
from service.store.tokens import Tokens
from service.vsphere.datastores import DATASTORES
from service.vsphere.folders import DATACENTERS, FOLDERS
from service.vsphere.hosts import HOSTS
from service.vsphere.inventory import VMS
from service.vsphere.vcenters import VCenters
from service.workers.pool import parser_processes
from service.workers.process import Limits

__all__ = [
    "RunningService",
    "listen",
    "listen_for_metrics",
    "run_process",
    "run_service",
    "set_up_logging",
    "stop_requested",
]

log = logging.getLogger(__name__)

SWEEP_SECONDS = 300
"""Time between two looks for copies of disks that nobody uses any more."""
STOP_SECONDS = 20.0
"""How long a stop may take; systemd waits for 30 seconds (`TimeoutStopSec`)."""
KINDS = (VMS, HOSTS, DATASTORES, FOLDERS, DATACENTERS)
"""The kinds of objects in the live inventory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningService:
    """A service that runs: its parts, and its web application."""

    services: Services
    app: web.Application

    def add_signed_post(self, path: str, handler: Handler) -> None:
        """Let `handler` answer POST requests for `path`, with the same errors and counters as the declared routes.

        The handler checks the signature of each request.
        """
        self.app.router.add_post(path, guarded(handler, path, self.app[BROWSERS], signed=True))


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
            leases=OpenLeases(engine),
            disks=DiskLedger(engine),
            mounts=MountLedger(engine),
            copy_slots=copy_slots,
            copy_rates=CopyRates(engine),
            signer=await asyncio.to_thread(open_signer, settings),
            reports=Reports(engine),
            workers=workers,
        )
        actions = all_actions()
        tokens, audit = Tokens(engine, settings.slack_operators), Audit(engine)
        jobs = Jobs(settings, actions, context, engine, executor, tokens)
        schedules = Schedules(jobs, actions, context, tokens, audit, engine)
        disks = BroughtDisks(settings)
        stack.push_async_callback(disks.stop)
        services = Services(
            settings=settings,
            tokens=tokens,
            audit=audit,
            jobs=jobs,
            schedules=schedules,
            checklist_runs=ChecklistRuns(engine),
            procedure_runs=ProcedureRuns(engine),
            actions=actions,
            context=context,
            procedures=procedures,
            page_history=PageHistory(engine, procedures.store),
            figures=Figures.of(context, actions),
            disks=disks,
        )
        stack.push_async_callback(services.copies.stop)
        services.health["jobs"] = lambda: {"executor": jobs.executor_id}
        services.health["vcenter"] = lambda: [each.model_dump(mode="json") for each in vcenters.freshness()]
        schedules.register()
        await jobs.start()
        stack.push_async_callback(jobs.stop)
        await schedules.start()
        reaper = Reaper(context, jobs, audit)
        services.health["ledger"] = reaper.report
        await stack.enter_async_context(reaping(reaper, settings.reap_seconds))
        await stack.enter_async_context(every(SWEEP_SECONDS, disks.sweep, name="removing copies of disks"))
        await stack.enter_async_context(removing_old(engine, audit, settings.job_retention_days))
        await stack.enter_async_context(gathering(services.figures))
        if settings.postgres_url is not None:
            await stack.enter_async_context(taking_over(engine, jobs))
        yield RunningService(services=services, app=make_app(services))


@contextlib.contextmanager
def stop_requested() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set. Enter it before you report that the start is over.

    When the process has not ended STOP_SECONDS after the signal, it is ended: a thread, or the event loop itself, may
    hang in a call to a file system that no longer answers. The next start continues the jobs, as after a kill.
    """
    requested = asyncio.Event()
    loop = asyncio.get_running_loop()

    def request(number: int, frame: object) -> None:  # noqa: ARG001
        backstop = threading.Timer(STOP_SECONDS, _end_at_once)
        backstop.daemon = True
        backstop.start()
        loop.call_soon_threadsafe(requested.set)

    # Not `add_signal_handler`, whose handler would wait for an event loop that hangs.
    before = {each: signal.signal(each, request) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield requested
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def run_process(work: Coroutine[Any, Any, None]) -> NoReturn:
    """Run the work of this process to its end, and end the process then; raises what the work raises.

    It waits for no thread that still calls a vCenter or a file system that does not answer, as the end of an event loop
    does.
    """

    async def to_end() -> None:
        await work
        exit_process()

    asyncio.run(to_end())
    raise AssertionError("the process has ended")


def exit_process(status: int = 0) -> NoReturn:
    """End the process without waiting for any thread. Call it when all parts are stopped."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _end_at_once() -> None:
    last = threading.Timer(1, os._exit, (1,))  # also when the log is what hangs
    last.daemon = True
    last.start()
    frames = sys._current_frames()
    hanging = [
        f"{each.name} in {frames[each.ident].f_code.co_qualname}"
        for each in threading.enumerate()
        if each.ident in frames and each is not threading.current_thread()
    ]
    log.error("the process does not end by itself, so it is ended; its threads: %s", "; ".join(hanging))
    exit_process(1)


def set_up_logging(settings: LogSettings) -> None:
    """Log to standard error as these settings say; warn about a Python with known holes."""
    set_up_log(settings)
    for weakness in python_weaknesses():
        log.warning("python: %s", weakness)
