"""The button on the card of a run that marks the next step as done."""

from __future__ import annotations

import json

from bot.blocks import Reply
from bot.buttons._base import Button
from bot.cards.runs import TICK
from bot.commands.runs import mark
from bot.request import Request


async def run(value: str, request: Request) -> Reply:
    """Mark the step as done, and show the step after it in the channel."""
    asked = json.loads(value)
    return await mark(asked["run"], asked["item"], "done", "", request)


button = Button(action_id=TICK, run=run)
