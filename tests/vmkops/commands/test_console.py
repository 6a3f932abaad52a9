"""What a terminal shows of jobs and lists, without a service."""

from __future__ import annotations

import argparse

import pytest

from service.api.client import Job, JobState, Progress, Step, StepState
from service.api.job_words import job_words, progress_words
from vmkops.commands._options import ago
from vmkops.commands._table import lines_of


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (
            Progress(done=1_800_000_000, total=4_200_000_000, percent=42.9, rate=85_200_000.7, eta_seconds=28.2),
            "1.8 GB of 4.2 GB (43 %), 85.2 MB/s, 28 s left",
        ),
        (Progress(done=1000), "1.0 kB"),
        (Progress(done=42, total=100, unit="percent", percent=42.0, eta_seconds=28), "42 %, 28 s left"),
    ],
)
def test_progress_is_told_in_its_unit(now: Progress, words: str) -> None:
    assert progress_words(now) == words


def test_job_is_told_with_who_when_where_and_what_next() -> None:
    steps = [
        Step(name="snapshot", state=StepState.SUCCEEDED, started_at="2026-11-26T10:00:01+00:00", detail="quiesced"),
        Step(name="back up", state=StepState.RUNNING, started_at="2026-11-26T10:00:05+00:00"),
    ]
    job = Job(
        id="046f3e7e01bdc7c1",
        action="backup",
        target="web-01",
        state=JobState.RUNNING,
        steps=steps,
        requested_by="slack:U012AB3CD",
        token="bot",
        created_at="2026-11-26T10:00:00+00:00",
        started_at="2026-11-26T10:00:01+00:00",
        executor="ops-1, process 4711",
    )

    words = job_words(job)

    assert "backup of web-01: running" in words
    assert "asked by    slack:U012AB3CD via token bot, 2026-11-26 10:00:00 UTC" in words
    assert "runs on     ops-1, process 4711" in words
    assert "succeeded  10:00:01             snapshot: quiesced" in words
    assert "vmkops jobs 046f3e7e01bdc7c1 --cancel" in words


def test_step_that_was_not_needed_is_not_called_skipped() -> None:
    job = Job(
        id="1",
        action="restore",
        target="web-01",
        state=JobState.SUCCEEDED,
        steps=[Step(name="remove the VM", state="skipped")],
    )

    assert "not needed" in job_words(job)
    assert "not done" in job_words(job.model_copy(update={"state": JobState.FAILED}))


def test_table_leaves_out_what_is_empty_everywhere_and_makes_controls_visible() -> None:
    columns = {"name": lambda each: each["name"], "note": lambda _: "", "id": lambda each: each["id"]}

    assert lines_of([{"name": "a\x1b[2J", "id": ""}, {"name": "bb", "id": "vm-1"}], columns) == [
        "a␛[2J  -",
        "bb     vm-1",
    ]


def test_time_that_cannot_be_read_is_wrong_usage() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write it like 30s, 90m, 24h or 7d"):
        ago("yesterday")
