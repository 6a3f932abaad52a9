"""Waiting for something to become true, in the one place that may sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

INTERVAL_SECONDS = 0.02


def wait_for(
    predicate: Callable[[], Found | None],
    *,
    timeout: float = 10.0,
    what: str = "",
    explain: Callable[[], str] | None = None,
) -> Found:
    """Ask again until the answer is true, and return it.

    `timeout` is in seconds. When it is over, raises TimeoutError that says what was waited for, the last answer and
    whatever `explain` adds.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = predicate()
        if found:
            return found
        if time.monotonic() > deadline:
            more = f"\n{explain()}" if explain else ""
            raise TimeoutError(f"waited {timeout:g} s for {what or 'a condition'}; the last answer was {found!r}{more}")
        time.sleep(INTERVAL_SECONDS)
