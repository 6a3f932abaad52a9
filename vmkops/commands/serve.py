"""`vmkops serve`: the service, with the Slack bot when Slack's settings are there."""

from __future__ import annotations

import argparse
import contextlib
import gc
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vmkops.commands import SERVICE
from vmkops.commands._options import add_address_options
from vmkops.commands._parser import Parser
from vmkops.commands._private import write_privately
from vmkops.commands._settings import log_misspelt, service_settings

if TYPE_CHECKING:
    from aiohttp import web

    from bot.app import Bot
    from bot.settings import BotSettings
    from service.api.settings import Settings
    from service.store.tokens import Tokens

SUMMARY = "start the HTTP service, the jobs, and the Slack bot if it is configured"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(prog="vmkops serve", description=SUMMARY)
    add_address_options(made, port=8080)
    return made


def run(argv: Sequence[str]) -> int:
    """Serve until the process is stopped; raises StartError."""
    options = parser().parse_args(argv)

    from service.bootstrap import run_process, set_up_logging

    settings, slack = service_settings()
    set_up_logging(settings)
    log_misspelt()
    write_privately()
    return run_process(_serve(settings, slack, options.host, options.port))


async def _serve(settings: Settings, slack: BotSettings | None, host: str, port: int) -> None:
    from aiohttp import web

    from service.bootstrap import listen, listen_for_metrics, run_service, stop_requested

    async with run_service(settings) as service, contextlib.AsyncExitStack() as stack:
        started: list[Bot] = []

        async def slack_events(request: web.Request) -> web.StreamResponse:
            if not started or started[0].http_handler is None:
                raise web.HTTPNotFound
            return await started[0].http_handler(request)

        service.add_signed_post("/slack/events", slack_events)
        # With TLS, the certificate is not one for the address that the bot would use.
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="vmkops-")) if settings.tls_cert else None
        socket = Path(folder) / "service" if folder else None
        async with (
            listen(service.app, settings, host, port, socket) as url,
            listen_for_metrics(service.services.figures, settings, host),
            _bot(slack, settings.public_url, service.services.tokens, url, socket, started),
        ):
            if started:
                service.services.health["slack"] = started[0].status
            gc.freeze()  # what the start made stays; no later look for garbage goes through it again
            with stop_requested() as stop:
                print(f"vmkops serves at {url}", flush=True)
                await stop.wait()


@contextlib.asynccontextmanager
async def _bot(
    slack: BotSettings | None,
    public_url: str | None,
    tokens: Tokens,
    url: str,
    socket: Path | None,
    started: list[Bot],
) -> AsyncIterator[None]:
    """Run the bot, if it has settings, for as long as the block runs; it is in `started` for that time."""
    if slack is None:
        yield
        return
    from bot.app import start_bot
    from service.api.client import ServiceClient
    from service.store.tokens import Scope

    token = tokens.lend("slack-bot", Scope.OPERATE, delegate=True)
    own = "http://localhost" if socket else url
    async with ServiceClient(own, token, public_url=public_url or url, socket=socket) as client:
        bot = start_bot(slack, client)
        await bot.start()
        started.append(bot)
        try:
            yield
        finally:
            started.clear()
            await bot.stop()
