"""Waiting for something to become true, in the one place that may sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

FIRST_SECONDS = 0.01
LONGEST_SECONDS = 0.25
"""A wait that lasts is asked after more and more seldom: the answers cost those who are waited for."""


def wait_for(
    predicate: Callable[[], Found | None],
    *,
    timeout: float = 60.0,
    what: str = "",
    explain: Callable[[], str] | None = None,
) -> Found:
    """Ask again until the answer is true, and return it.

    `timeout` is in seconds. When it is over, raises TimeoutError that says what was waited for, the last answer and
    whatever `explain` adds.
    """
    deadline = time.monotonic() + timeout
    pause = FIRST_SECONDS
    while True:
        found = predicate()
        if found:
            return found
        if time.monotonic() > deadline:
            more = f"\n{explain()}" if explain else ""
            raise TimeoutError(f"waited {timeout:g} s for {what or 'a condition'}; the last answer was {found!r}{more}")
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST_SECONDS)
