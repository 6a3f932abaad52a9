"""`/vmkops` lists every command, and every command explains itself."""

from __future__ import annotations

from typing import Any

import pytest

from bot.commands._base import Command, find_commands
from bot.request import Request
from tests.bot.slack_limits import assert_slack_takes, drawn

COMMANDS = {command.name: command for command in find_commands()}


def test_commands_are_found_in_their_folder() -> None:
    assert {"/vmkerr", "/backup", "/jobs", "/vmkops"} <= set(COMMANDS)


def test_names_are_unique_and_usages_start_with_them() -> None:
    assert len(COMMANDS) == len(find_commands())
    assert all(command.usage.split()[0] == name for name, command in COMMANDS.items())


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
async def test_every_command_answers_help(command: Command[Any], slack_request: Request) -> None:
    reply = await command.answer("help", slack_request)
    assert reply is not None
    assert not reply.public
    assert command.usage in reply.message.text
    assert_slack_takes(reply.message)
    assert f"/kb {command.procedures[0]}" in drawn(reply.message)


async def test_help_lists_every_command_and_the_id_of_the_user(slack_request: Request) -> None:
    reply = await COMMANDS["/vmkops"].answer("", slack_request)
    assert reply is not None
    for command in COMMANDS.values():
        assert command.usage.replace("<", "&lt;") in drawn(reply.message)
        assert command.summary in drawn(reply.message)
    assert "`U1`" in drawn(reply.message)


async def test_argument_is_refused_with_the_usage(slack_request: Request) -> None:
    reply = await COMMANDS["/vmkops"].answer("dance", slack_request)
    assert reply is not None
    assert "Unexpected argument “dance”." in drawn(reply.message)
