"""`/snapshots` takes words and options, and refuses what nobody can answer."""

from __future__ import annotations

import pytest

from bot.arguments import UsageError
from bot.commands.snapshots import parse


def test_words_and_options_are_told_apart() -> None:
    found = parse("web-01 needs=consolidation older_than_hours=24")

    assert found.words == "web-01"
    assert found.options == {"needs": "consolidation", "older_than_hours": "24"}
    assert parse("").options == {}


def test_only_consolidation_can_be_asked_for() -> None:
    with pytest.raises(UsageError, match="needs=consolidation"):
        parse("needs=love")
