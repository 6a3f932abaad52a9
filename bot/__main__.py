"""`vmkops bot`: the bot alone, beside a service that runs elsewhere."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict

from aiohttp import web

from bot.app import Bot, start_bot
from bot.settings import ONE_WAY_IN, BotSettings, SettingsError
from service.api.client import ServiceClient


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bot until it is told to stop. Exit 0 after a stop, 2 for wrong usage or settings."""
    parser = argparse.ArgumentParser(
        prog="vmkops bot",
        description="The Slack bot alone. Its settings come from the environment and vmkops.toml.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address for signed HTTP (default %(default)s)")
    parser.add_argument("--port", type=int, default=3001, help="port for signed HTTP (default %(default)s)")
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = BotSettings.from_environment(os.environ)
        if settings is None:
            raise SettingsError(
                "SLACK_BOT_TOKEN", f"is missing. Set it to the app's bot token (xoxb-...). {ONE_WAY_IN}"
            )
        asyncio.run(_run(settings, arguments.host, arguments.port))
    except SettingsError as error:
        print(f"vmkops bot: {error}", file=sys.stderr)
        return 2
    return 0


async def _run(settings: BotSettings, host: str, port: int) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    token = settings.service_token.get_secret_value() if settings.service_token else None
    async with ServiceClient(settings.service_url, token) as client:
        bot = start_bot(settings, client)
        await bot.start()
        door = await _open_door(bot, host, port)
        try:
            await stop.wait()
        finally:
            if door:
                await door.cleanup()
            await bot.stop()


async def _open_door(bot: Bot, host: str, port: int) -> web.AppRunner | None:
    """Serve Slack's signed requests, when the bot takes them, and /healthz."""
    if bot.http_handler is None:
        return None

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
        await bot.stop()
        raise SettingsError("--port", f"{host}:{port} cannot be used: {error.strerror}. Choose another.") from error
    shown = f"[{host}]" if ":" in host else host
    print(f"vmkops bot takes Slack's requests at http://{shown}:{runner.addresses[0][1]}/slack/events", flush=True)
    return runner


if __name__ == "__main__":
    sys.exit(main())
