"""`vmkops bot` from outside: it runs until it is told to stop, or says plainly which setting keeps it from starting."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.bot.fake_service import FakeService
from tests.bot.fake_slack import BOT_TOKEN, FakeSlack

PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "VMKOPS_"))}


async def start(folder: Path, environ: dict[str, str], *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "vmkops",
        "bot",
        *words,
        cwd=folder,
        env={**PLAIN, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize(
    ("environ", "setting"),
    [
        ({}, "SLACK_BOT_TOKEN: is missing"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN: is missing"),
        ({"SLACK_BOT_TOKEN": "secret", "SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN: is not a bot token"),
        ({"SLACK_BOT_TOKEN_FILE": "none"}, "SLACK_BOT_TOKEN_FILE: none cannot be read"),
    ],
)
async def test_wrong_setting_ends_the_start_with_its_name(
    tmp_path: Path, environ: dict[str, str], setting: str
) -> None:
    process = await start(tmp_path, environ)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert errors.decode().startswith("vmkops bot: ")
    assert setting in errors.decode()
    assert "Traceback" not in errors.decode()
    assert "secret" not in errors.decode()


async def test_token_that_slack_refuses_ends_the_start_with_its_name(tmp_path: Path, slack: FakeSlack) -> None:
    slack.fail("auth.test", "invalid_auth")
    environ = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": "xapp-1", "SLACK_API_URL": slack.api_url}
    process = await start(tmp_path, environ)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert "vmkops bot: SLACK_BOT_TOKEN: is refused by Slack (invalid_auth)" in errors.decode()
    assert "Traceback" not in errors.decode()


async def test_port_in_use_ends_the_start_plainly(tmp_path: Path, slack: FakeSlack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environ = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_SIGNING_SECRET": "s", "SLACK_API_URL": slack.api_url}
        process = await start(tmp_path, environ, "--port", port)
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert f"127.0.0.1:{port} is in use by another program" in errors.decode()
    assert "Traceback" not in errors.decode()


async def test_bot_runs_until_it_is_told_to_stop(tmp_path: Path, slack: FakeSlack, service: FakeService) -> None:
    environ = {
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": "s",
        "SLACK_API_URL": slack.api_url,
        "VMKOPS_SERVICE_URL": service.url,
    }
    process = await start(tmp_path, environ, "--port", "0")
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    door = line.split()[-1]
    assert line == f"vmkops bot takes Slack's requests at {door}\n"
    async with aiohttp.ClientSession() as http:
        async with http.get(door.replace("/slack/events", "/healthz")) as health:
            assert (health.status, (await health.json())["connected"]) == (200, True)
        async with http.post(door, data="command=x") as unsigned:
            assert unsigned.status == 401
    process.send_signal(signal.SIGTERM)
    await process.communicate()
    assert process.returncode == 0
