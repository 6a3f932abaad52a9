"""`/vmkops` lists every command, and every command explains itself."""

from __future__ import annotations

from typing import Any

import pytest

from bot.commands._base import Asked, Command, find_commands
from bot.interactive._base import find_buttons
from tests.bot.slack_limits import assert_slack_takes, drawn

COMMANDS = {command.name: command for command in find_commands()}


def test_commands_of_this_part_are_found_by_scanning() -> None:
    assert {"/vmkerr", "/backup", "/jobs", "/vmkops"} <= set(COMMANDS)


def test_names_are_unique_and_usages_begin_with_them() -> None:
    assert len(COMMANDS) == len(find_commands())
    assert all(command.usage.split()[0] == name for name, command in COMMANDS.items())


def test_buttons_are_unique() -> None:
    ids = [button.action_id for button in find_buttons()]
    assert len(ids) == len(set(ids)) > 0


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
async def test_every_command_answers_help(command: Command[Any], asked: Asked) -> None:
    reply = await command.answer("help", asked)
    assert reply is not None
    assert not reply.public
    assert command.usage in reply.message.text
    assert_slack_takes(reply.message)


async def test_help_lists_every_command_and_the_id_of_who_asks(asked: Asked) -> None:
    reply = await COMMANDS["/vmkops"].answer("", asked)
    assert reply is not None
    for command in COMMANDS.values():
        assert command.usage.replace("<", "&lt;") in drawn(reply.message)
        assert command.summary in drawn(reply.message)
    assert "`U1`" in drawn(reply.message)


async def test_other_words_are_a_wrong_use(asked: Asked) -> None:
    reply = await COMMANDS["/vmkops"].answer("dance", asked)
    assert reply is not None
    assert "I do not know “dance” here." in drawn(reply.message)
