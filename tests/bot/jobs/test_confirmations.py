"""A confirmation travels in the value of a button; only the value that the bot made counts."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping

import pytest

from bot.jobs.confirmations import SEAL_LENGTH, VALID_SECONDS, Confirmation, Confirmations
from tests.bot.fake_slack import BOT_TOKEN


def asked(params: Mapping[str, str] | None = None) -> Confirmation:
    params = {"vm": "web-01"} if params is None else params
    return Confirmation.of("power-off", params, label="Power off web-01", user="U1", shown="f00d")


def test_value_is_opened_by_the_same_bot_after_a_restart() -> None:
    confirmation = asked({"vm": "Büro <web> & 01"})
    value = Confirmations(BOT_TOKEN).seal(confirmation)
    assert Confirmations(BOT_TOKEN).open(value) == confirmation


def test_another_bot_does_not_open_it() -> None:
    assert Confirmations("xoxb-other").open(Confirmations(BOT_TOKEN).seal(asked())) is None


@pytest.mark.parametrize("value", ["", "x", "é" * 100, "\ud800" * 100, "0" * SEAL_LENGTH, '{"action": "power-off"}'])
def test_value_that_nobody_sealed_is_not_opened(value: str) -> None:
    assert Confirmations(BOT_TOKEN).open(value) is None


def test_value_of_another_version_is_not_opened() -> None:
    @dataclasses.dataclass(frozen=True)
    class Newer:
        action: str = "power-off"
        mood: str = "good"

    confirmations = Confirmations(BOT_TOKEN)
    assert confirmations.open(confirmations.seal(Newer())) is None  # type: ignore[arg-type]


def test_seal_of_one_value_does_not_fit_another() -> None:
    confirmations = Confirmations(BOT_TOKEN)
    first, second = confirmations.seal(asked()), confirmations.seal(asked({"vm": "db-01"}))
    assert confirmations.open(first[:SEAL_LENGTH] + second[SEAL_LENGTH:]) is None


def test_confirmation_expires_after_ten_minutes() -> None:
    assert VALID_SECONDS == 600
    new = asked()
    assert time.time() < new.expires_at <= time.time() + VALID_SECONDS
    assert not new.expired
    assert dataclasses.replace(new, expires_at=int(time.time())).expired


def test_each_card_counts_once_even_when_two_ask_for_the_same() -> None:
    confirmations = Confirmations(BOT_TOKEN)
    first, second = asked(), asked()
    assert first.nonce != second.nonce
    assert [confirmations.first_answer(each) for each in (first, second, first)] == [True, True, False]
