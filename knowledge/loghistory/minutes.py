"""Counts lines by minute in bounded memory."""

from __future__ import annotations

MOST_BUCKETS = 128
"""When a count has more, neighbouring buckets are added up, so that each is twice as wide."""


class MinuteCounts:
    """How many lines there were in each minute, and the most in any one minute."""

    __slots__ = ("_minute", "_now", "buckets", "peak", "width")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        """Counts by the first minute of each bucket."""
        self.width = 1
        """Minutes in a bucket."""
        self.peak = 0
        """The most lines in one minute. It can be too low when the lines are not in order and the buckets are wide."""
        self._minute: int | None = None
        self._now = 0

    def add(self, minute: int) -> None:
        """Count one line of this minute."""
        self._now = self._now + 1 if minute == self._minute else 1
        self._minute = minute
        bucket = minute - minute % self.width
        count = self.buckets[bucket] = self.buckets.get(bucket, 0) + 1
        self.peak = max(self.peak, self._now, count if self.width == 1 else 0)
        while len(self.buckets) > MOST_BUCKETS:
            self._coarsen()

    def _coarsen(self) -> None:
        self.width *= 2
        coarse: dict[int, int] = {}
        for minute, count in self.buckets.items():
            bucket = minute - minute % self.width
            coarse[bucket] = coarse.get(bucket, 0) + count
        self.buckets = coarse
