"""The composition: settings, database, vSphere, jobs, the web application, and the bot when it is configured."""

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

from service.actions import all_actions
from service.api.config_file import misspelt
from service.api.settings import Settings
from service.errors import AddressUnavailable
from service.http._app import make_app
from service.http._route import Services
from service.jobs.action import Context
from service.jobs.engine import Jobs, executor_id
from service.jobs.recovery import enlisted, taking_over
from service.jobs.schedules import Schedules
from service.reaper import Reaper, reaping
from service.store.checklist_runs import Runs
from service.store.copy_slots import CopySlots
from service.store.database import lock_data_dir, open_database
from service.store.procedures import open_procedures
from service.store.snapshot_ledger import SnapshotLedger
from service.store.tokens import Tokens
from service.vsphere.datastores import DATASTORES
from service.vsphere.hosts import HOSTS
from service.vsphere.inventory import VMS
from service.vsphere.vcenters import VCenters

log = logging.getLogger(__name__)

LINE_LIMIT = 65536
"""Longest request line in bytes; a longer look-up than aiohttp's 8190 still gets a plain answer."""
SHUTDOWN_SECONDS = 3
KINDS = (VMS, HOSTS, DATASTORES)
"""What the live inventory keeps."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningService:
    """A service that runs: what it works with, and the application in front of it."""

    services: Services
    app: web.Application


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[RunningService]:
    """Everything of one process, started in order and stopped in reverse; raises StartError."""
    async with contextlib.AsyncExitStack() as stack:
        if settings.postgres_url is None:
            stack.enter_context(lock_data_dir(settings.data_dir))
        engine = open_database(settings)
        stack.callback(engine.dispose)
        procedures = await stack.enter_async_context(open_procedures(settings))
        vcenters = VCenters(settings.vcenters(), KINDS)
        await stack.enter_async_context(vcenters.following())
        executor = executor_id(settings)
        if settings.postgres_url is not None:
            await stack.enter_async_context(enlisted(engine, executor))
        copy_slots = CopySlots(engine, settings.max_copies, executor)
        context = Context(settings=settings, vcenters=vcenters, ledger=SnapshotLedger(engine), copy_slots=copy_slots)
        actions = all_actions()
        jobs = Jobs(settings, actions, context, engine, executor)
        schedules = Schedules(jobs, actions, context)
        services = Services(
            settings=settings,
            tokens=Tokens(engine, settings.slack_operators),
            jobs=jobs,
            schedules=schedules,
            runs=Runs(engine),
            actions=actions,
            context=context,
            procedures=procedures,
        )
        services.health["jobs"] = lambda: {"executor": jobs.executor_id}
        services.health["vcenter"] = lambda: [seen.model_dump(mode="json") for seen in vcenters.seen()]
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
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """The application behind a TCP port; yields its URL. Raises AddressUnavailable."""
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
    """The event that SIGTERM and SIGINT set; enter it before you report that the start is over."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    try:
        yield stop
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)


def leave() -> NoReturn:
    """End the process after everything is closed; do not wait for threads that still call a vCenter that is gone."""
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
    for noisy in ("slack_bolt", "slack_sdk", "aiohttp.access", "sqlalchemy"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for warning in misspelt(os.environ):
        log.warning("settings: %s", warning)
