"""Requests to start an action come before the steps of jobs: a person waits for the answer, and nobody for a step."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator

LONGEST_SECONDS = 3.0
"""How long a step waits at most."""
LOOK_SECONDS = 0.05
CALM_SECONDS = 0.05
"""How long ago the last request must have been answered: whoever sends many sends the next one after the answer."""


class Precedence:
    """Counts the requests that are being answered; its methods can be called in any thread."""

    def __init__(self) -> None:
        self._asked = 0
        self._calm_at = 0.0

    @contextlib.contextmanager
    def asked(self) -> Iterator[None]:
        """Let steps wait while the block runs. Use it in one event loop only."""
        self._asked += 1
        try:
            yield
        finally:
            self._asked -= 1
            self._calm_at = time.monotonic() + CALM_SECONDS

    async def calm(self) -> None:
        """Wait until no request is being answered, for LONGEST_SECONDS at most."""
        end = time.monotonic() + LONGEST_SECONDS
        while self._asked or time.monotonic() < self._calm_at:
            if time.monotonic() >= end:
                return
            await asyncio.sleep(LOOK_SECONDS)


REQUESTS = Precedence()
"""The requests of this process."""
