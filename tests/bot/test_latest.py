"""Of a job's states only the newest waits; a slow reader misses those between."""

from __future__ import annotations

from bot.latest import Latest
from tests.bot.examples import copying


def test_state_that_was_not_taken_in_time_is_replaced_by_the_next() -> None:
    latest = Latest(copying(1))
    latest.put(copying(2))
    latest.put(copying(3))
    assert latest.take() == copying(3)


def test_state_that_is_put_back_gives_way_to_a_newer_one() -> None:
    latest = Latest(copying(1))
    taken = latest.take()
    latest.put(copying(2))
    latest.put_back(taken)
    assert latest.take() == copying(2)


async def test_nothing_more_can_be_taken_after_the_end() -> None:
    latest = Latest(copying(1))
    latest.end()
    assert await latest.wait()
    latest.take()
    assert not await latest.wait()
