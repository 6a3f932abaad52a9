"""The button on the card of a procedure that starts a run of it."""

from __future__ import annotations

import json

from bot.blocks import Reply
from bot.buttons._base import Button
from bot.cards.kb import RUN
from bot.commands.runs import start
from bot.request import Request


async def run(value: str, request: Request) -> Reply:
    """Start the run, and show it in the channel."""
    asked = json.loads(value)
    return await start(asked["procedure"], asked["targets"], request)


button = Button(action_id=RUN, run=run)
