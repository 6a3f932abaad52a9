"""`vmkops serve`: the service, and the Slack bot beside it as soon as Slack's settings are there."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from bot.settings import BotSettings, SettingsError
from service.api.settings import Settings, read_settings
from service.bootstrap import exit_process, listen, run_service, set_up_logging, stop_requested
from service.errors import SettingMissing
from service.store.tokens import Scope, Tokens

if TYPE_CHECKING:
    from bot.app import Bot


def main(argv: Sequence[str]) -> int:
    """Serve until told to stop, and end the process; returns 2 for wrong usage or settings."""
    parser = argparse.ArgumentParser(prog="vmkops serve", description="The service, its jobs, and the Slack bot.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="port to listen on (default %(default)s)")
    arguments = parser.parse_args(list(argv))
    set_up_logging()
    try:
        asyncio.run(_serve(read_settings(), BotSettings.from_environment(os.environ), arguments.host, arguments.port))
    except (SettingMissing, SettingsError) as error:
        print(f"vmkops serve: {error}", file=sys.stderr)
        return 2
    return exit_process()


async def _serve(settings: Settings, slack: BotSettings | None, host: str, port: int) -> None:
    async with run_service(settings) as service:
        bot_door: list[Bot] = []

        async def slack_events(request: web.Request) -> web.StreamResponse:
            if not bot_door or bot_door[0].http_handler is None:
                raise web.HTTPNotFound
            return await bot_door[0].http_handler(request)

        service.app.router.add_post("/slack/events", slack_events)
        async with (
            listen(service.app, host, port) as url,
            _bot(slack, service.services.tokens, url, bot_door),
        ):
            if bot_door:
                service.services.health["slack"] = bot_door[0].status
            gc.freeze()  # what the start made stays; no later look for garbage goes through it again
            with stop_requested() as told:
                print(f"vmkops serves at {url}", flush=True)
                await told.wait()


@contextlib.asynccontextmanager
async def _bot(slack: BotSettings | None, tokens: Tokens, url: str, door: list[Bot]) -> AsyncIterator[None]:
    if slack is None:
        yield
        return
    from bot.app import start_bot
    from service.api.client import ServiceClient

    async with ServiceClient(url, tokens.lend("slack-bot", Scope.OPERATE)) as client:
        bot = start_bot(slack, client)
        await bot.start()
        door.append(bot)
        try:
            yield
        finally:
            door.clear()
            await bot.stop()
