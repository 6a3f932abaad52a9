"""The button on the card of a run that shows it as Markdown."""

from __future__ import annotations

from bot.buttons._base import Button
from bot.cards.runs import EXPORT
from bot.commands.runs import export

button = Button(action_id=EXPORT, run=export)
