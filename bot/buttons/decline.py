"""The Cancel button on the card that asks before an action."""

from __future__ import annotations

from bot.buttons._base import Button
from bot.cards.confirmation import DECLINE
from bot.jobs.confirm import decline

button = Button(action_id=DECLINE, run=decline)
