"""The buttons on the card of a procedure that start an action."""

from __future__ import annotations

import json
import re

from bot.blocks import Reply
from bot.buttons._base import Button
from bot.cards.kb import START
from bot.jobs.start import start_job
from bot.request import Request


async def run(value: str, request: Request) -> Reply | None:
    """Start the action with its parameters, or ask first; its thread in the channel shows its progress."""
    asked = json.loads(value)
    return await start_job(request, asked["action"], asked["params"], command=f"/action {asked['action']}")


button = Button(action_id=re.compile(rf"{START}:\d+"), run=run)
