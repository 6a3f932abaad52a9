"""`vmkops bot`: the Slack bot alone, for a service that runs elsewhere."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from vmkops.commands import SLACK
from vmkops.commands._options import add_address_options
from vmkops.commands._settings import log_misspelt

if TYPE_CHECKING:
    from aiohttp import web

    from bot.app import Bot
    from bot.settings import BotSettings

SUMMARY = "start the Slack bot alone"
GROUP = SLACK


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = argparse.ArgumentParser(
        prog="vmkops bot",
        description=SUMMARY,
        epilog="The settings come from the environment and vmkops.toml. --host and --port are for signed HTTP.",
    )
    add_address_options(made, port=3001)
    return made


def run(argv: Sequence[str]) -> int:
    """Run the bot until the process is stopped; raises StartError."""
    options = parser().parse_args(argv)

    from bot.settings import ONE_WAY_IN, BotSettings, SettingError
    from service.api.log import set_up_log
    from service.api.typed_settings import LogSettings

    set_up_log(LogSettings.read())
    log_misspelt()
    settings = BotSettings.from_environment(os.environ)
    if settings is None:
        raise SettingError("SLACK_BOT_TOKEN", f"is missing. Set it to the app's bot token (xoxb-...). {ONE_WAY_IN}")
    asyncio.run(_run(settings, options.host, options.port))
    return 0


async def _run(settings: BotSettings, host: str, port: int) -> None:
    from bot.app import start_bot
    from service.api.client import ServiceClient

    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    service, token, ca_file = settings.service_url, settings.token, settings.service_ca_file
    async with ServiceClient(service, token, public_url=settings.public_url, ca_file=ca_file) as client:
        bot = start_bot(settings, client)
        await bot.start()
        try:
            server = await _listen(bot, host, port)
            try:
                await stop.wait()
            finally:
                if server:
                    await server.cleanup()
        finally:
            await bot.stop()


async def _listen(bot: Bot, host: str, port: int) -> web.AppRunner | None:
    """Serve Slack's signed requests and /healthz; None when the bot takes no signed requests.

    Raises AddressUnavailable.
    """
    if bot.http_handler is None:
        return None
    from aiohttp import web

    from service.errors import AddressUnavailable

    async def healthz(_: web.Request) -> web.Response:
        status = bot.status()
        return web.json_response(asdict(status), status=200 if status.connected else 503)

    app = web.Application()
    app.router.add_post("/slack/events", bot.http_handler)
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise AddressUnavailable.explain(host, port, error) from error
    shown = f"[{host}]" if ":" in host else host
    print(f"vmkops bot takes Slack's requests at http://{shown}:{runner.addresses[0][1]}/slack/events", flush=True)
    return runner
