"""Retries with growing pauses: for a number of seconds, or for a number of attempts.

tenacity does the work. Its waits are deterministic, it stops before a pause that would pass the deadline, and it takes
any `sleep`: the engine's durable one for schedules, a recorder in tests.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_before_delay,
)

from service.errors import VmkopsError

R = TypeVar("R")
Sleep = Callable[[float], Awaitable[None]]
log = logging.getLogger(__name__)

PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds between attempts; the last one is repeated."""


def pause(failures: int, pauses: Sequence[float] = PAUSES) -> float:
    """How many seconds to wait after so many failures in a row, the first being 1."""
    return pauses[min(failures, len(pauses)) - 1]


async def retry(
    do: Callable[[], Awaitable[R]],
    *,
    seconds: float,
    of: type[VmkopsError] = VmkopsError,
    sleep: Sleep = asyncio.sleep,
) -> R:
    """Call `do` again while it fails with a retryable error of the kind `of`, and return what it returns.

    No attempt begins later than `seconds` after the first one; with 0 there is no second attempt. Any other error, and
    the error of the last attempt, is raised as it is.
    """

    def is_passing(error: BaseException) -> bool:
        return isinstance(error, of) and error.retryable

    async def attempt() -> R:
        return await do()

    retrying = AsyncRetrying(
        retry=retry_if_exception(is_passing),
        wait=lambda state: pause(state.attempt_number),
        stop=stop_before_delay(seconds),
        before_sleep=_log_failure,
        sleep=sleep,
        reraise=True,
    )
    return await retrying(attempt)


async def attempts(
    do: Callable[[], Awaitable[R]],
    *,
    times: int,
    of: type[Exception] | tuple[type[Exception], ...] = (),
    until: Callable[[R], bool] = lambda _: True,
    pauses: Sequence[float] = PAUSES,
    sleep: Sleep = asyncio.sleep,
) -> R:
    """Call `do` up to `times` times, while it raises an error `of` these kinds or returns what `until` does not accept.

    The last attempt counts as it is: its error is raised, or its result returned. `pauses` are the seconds between
    attempts; the last one is repeated.
    """

    async def attempt() -> R:
        return await do()

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(of) | retry_if_result(lambda result: not until(result)),
        wait=lambda state: pause(state.attempt_number, pauses),
        stop=stop_after_attempt(times),
        before_sleep=_log_failure,
        retry_error_callback=_last_outcome,
        sleep=sleep,
    )
    return await retrying(attempt)


def _log_failure(state: RetryCallState) -> None:
    assert state.outcome is not None
    reason = state.outcome.exception() or "the result is not final"
    log.info("attempt %d failed, next one in %g seconds: %s", state.attempt_number, state.upcoming_sleep, reason)


def _last_outcome(state: RetryCallState) -> Any:
    assert state.outcome is not None
    return state.outcome.result()
