"""Retries wait in growing steps, stop at their limit, and end as the last attempt ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from service.errors import CopyFailed, SnapshotFailed, VmkopsError, VSphereBusy, VSphereUnavailable
from service.retry import PAUSES, attempts, retry


class Pauses:
    """Records the pauses instead of sleeping."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def failing(*outcomes: BaseException | str) -> Callable[[], Awaitable[str]]:
    """A call that raises or returns these outcomes one after the other."""
    left = iter(outcomes)

    async def do() -> str:
        outcome = next(left)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return do


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


async def test_retry_pauses_longer_each_time_until_the_call_succeeds(pauses: Pauses) -> None:
    gone = [VSphereUnavailable() for _ in range(len(PAUSES) + 1)]

    assert await retry(failing(*gone, "done"), seconds=600, sleep=pauses) == "done"

    assert pauses.seconds == [*PAUSES, PAUSES[-1]]


async def test_retry_raises_the_last_error_rather_than_pass_the_deadline(pauses: Pauses) -> None:
    last = VSphereBusy("third")

    with pytest.raises(VSphereBusy) as raised:
        await retry(failing(VSphereUnavailable(), VSphereUnavailable(), last), seconds=4, sleep=pauses)

    assert raised.value is last
    assert pauses.seconds == [1, 2]  # a pause of 5 seconds would end after the deadline


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(SnapshotFailed(), 60), (ValueError("a defect"), 60), (VSphereBusy(), 60), (VSphereUnavailable(), 0)],
    ids=["not retryable", "not an error of ours", "of another kind", "no time for a second attempt"],
)
async def test_retry_raises_other_errors_at_once(pauses: Pauses, error: Exception, seconds: float) -> None:
    with pytest.raises(type(error)) as raised:
        await retry(failing(error, "done"), seconds=seconds, of=VSphereUnavailable, sleep=pauses)

    assert raised.value is error
    assert pauses.seconds == []


async def test_retry_passes_a_cancellation_on_with_its_reason() -> None:
    waiting = asyncio.ensure_future(retry(failing(asyncio.CancelledError("by a person")), seconds=60))

    with pytest.raises(asyncio.CancelledError, match="by a person"):
        await waiting


async def test_attempts_end_with_the_first_accepted_result(pauses: Pauses) -> None:
    do = failing(CopyFailed(), "open", "merged")

    assert await attempts(do, times=3, of=CopyFailed, until=lambda found: found == "merged", sleep=pauses) == "merged"

    assert pauses.seconds == [1, 2]


async def test_attempts_return_the_last_result_when_none_was_accepted(pauses: Pauses) -> None:
    result = await attempts(failing("open", "still open"), times=2, until=lambda _: False, pauses=[60], sleep=pauses)

    assert result == "still open"
    assert pauses.seconds == [60]


async def test_attempts_raise_the_last_error_as_it_is(pauses: Pauses) -> None:
    last = CopyFailed("third")

    with pytest.raises(CopyFailed) as raised:
        await attempts(failing(CopyFailed(), CopyFailed(), last), times=3, of=CopyFailed, sleep=pauses)

    assert raised.value is last


async def test_attempts_raise_an_error_of_another_kind_at_once(pauses: Pauses) -> None:
    with pytest.raises(VmkopsError):
        await attempts(failing(SnapshotFailed(), "done"), times=3, of=CopyFailed, sleep=pauses)

    assert pauses.seconds == []
