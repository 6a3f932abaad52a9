"""A job's progress: percent, rate and time left from what was reported in the last seconds."""

from __future__ import annotations

from service.jobs.job_run import PERCENT, progress


def test_bytes_have_a_rate_and_a_time_left() -> None:
    shown = progress(300, 500, "bytes", [(10.0, 100), (12.0, 300)])

    assert shown == {"done": 300, "total": 500, "unit": "bytes", "percent": 60.0, "rate": 100.0, "eta_seconds": 2.0}


def test_percents_have_a_time_left_and_no_rate() -> None:
    shown = progress(60, 100, PERCENT, [(10.0, 20), (12.0, 60)])

    assert shown == {"done": 60, "total": 100, "unit": "percent", "percent": 60.0, "rate": None, "eta_seconds": 2.0}


def test_vms_have_a_time_left_and_no_rate() -> None:
    shown = progress(2, 3, "VMs", [(10.0, 1), (12.0, 2)])

    assert (shown["rate"], shown["eta_seconds"]) == (None, 2.0)


def test_values_that_are_not_known_are_none() -> None:
    shown = progress(7, None, "bytes", [(10.0, 7)])

    assert (shown["percent"], shown["rate"], shown["eta_seconds"]) == (None, None, None)
