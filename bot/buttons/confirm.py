"""The yes on the card that asks before an action."""

from __future__ import annotations

from bot.buttons._base import Button
from bot.cards.confirmation import CONFIRM
from bot.jobs.confirm import confirm

button = Button(action_id=CONFIRM, run=confirm)
