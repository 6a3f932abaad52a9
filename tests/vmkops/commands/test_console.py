"""What stands beside the progress bar in a terminal."""

from __future__ import annotations

import pytest

from service.api.client import Progress
from vmkops.commands._console import amount


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (
            Progress(done=1_800_000_000, total=4_200_000_000, percent=42.9, rate=85_200_000.7, eta_seconds=28.2),
            "1.8 GB of 4.2 GB, 85.2 MB/s, 28 s left",
        ),
        (Progress(done=1000), "1.0 kB"),
        (Progress(done=42, total=100, unit="percent", percent=42.0, eta_seconds=28), "42 %, 28 s left"),
    ],
)
def test_progress_is_told_in_its_unit(now: Progress, words: str) -> None:
    assert amount(now) == words
