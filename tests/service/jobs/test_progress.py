"""A job's progress: percent, rate and time left from what was told in the last seconds."""

from __future__ import annotations

from service.jobs.job_run import PERCENT, progress


def test_bytes_have_a_rate_and_a_time_left() -> None:
    told = progress(300, 500, "bytes", [(10.0, 100), (12.0, 300)])

    assert told == {"done": 300, "total": 500, "unit": "bytes", "percent": 60.0, "rate": 100.0, "eta_seconds": 2.0}


def test_percents_have_a_time_left_and_no_rate() -> None:
    told = progress(60, 100, PERCENT, [(10.0, 20), (12.0, 60)])

    assert told == {"done": 60, "total": 100, "unit": "percent", "percent": 60.0, "rate": None, "eta_seconds": 2.0}


def test_what_is_not_known_is_not_told() -> None:
    told = progress(7, None, "bytes", [(10.0, 7)])

    assert (told["percent"], told["rate"], told["eta_seconds"]) == (None, None, None)
