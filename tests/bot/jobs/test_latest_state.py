"""A slow reader gets the newest state of a job and misses the states in between."""

from __future__ import annotations

from bot.jobs.latest_state import LatestState
from tests.bot.examples import copying


def test_state_that_was_not_taken_in_time_is_replaced_by_the_next() -> None:
    latest = LatestState(copying(1))
    latest.put(copying(2))
    latest.put(copying(3))
    assert latest.take() == copying(3)


def test_newer_state_replaces_one_that_is_put_back() -> None:
    latest = LatestState(copying(1))
    taken = latest.take()
    latest.put(copying(2))
    latest.put_back(taken)
    assert latest.take() == copying(2)


async def test_no_more_states_come_after_the_end() -> None:
    latest = LatestState(copying(1))
    latest.end()
    assert await latest.wait()
    latest.take()
    assert not await latest.wait()
