"""What a terminal shows of jobs and lists, without a service."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from service.api.client import Job, JobState, Progress, Step, StepState
from service.api.job_words import job_words, progress_words
from tests.terminal import Terminal
from tests.vmkops.terminal import run
from vmkops.commands._follow import _Lines, what_now
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
        (Progress(done=1, total=3, unit="VMs", percent=33.3, eta_seconds=28), "1 of 3 VMs (33 %), 28 s left"),
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
    assert "asked by    slack:U012AB3CD via token bot, 2026-11-26 10:00 UTC" in words
    assert "runs on     ops-1, process 4711" in words
    assert "succeeded  2026-11-26 10:00 UTC             snapshot: quiesced" in words
    assert "vmkops jobs 046f3e7e01bdc7c1 --cancel" in words


def test_step_with_several_parts_is_told_as_succeeded_once_and_never_runs_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def seen(copy: StepState, unmount: StepState, detail: str, state: JobState = JobState.RUNNING) -> Job:
        steps = [Step(name="back up", state=copy, detail=detail), Step(name="unmount", state=unmount)]
        return Job(id="1", action="backup", target="web-01", state=state, steps=steps)

    done, runs, waits = StepState.SUCCEEDED, StepState.RUNNING, StepState.PENDING
    shown = _Lines()
    for job in (
        seen(done, waits, "disk 1"),  # so fast that nobody saw it run
        seen(runs, waits, "disk 1"),
        seen(runs, waits, "disk 1; disk 2; it waits"),
        seen(runs, waits, "disk 1; disk 2"),
        seen(done, waits, "disk 1; disk 2; disk 3"),
        seen(done, runs, "disk 1; disk 2; disk 3"),
        seen(runs, runs, "disk 1; disk 2; disk 3"),
        seen(done, done, "disk 1; disk 2; disk 3", JobState.SUCCEEDED),
    ):
        shown.show(job)

    assert capsys.readouterr().err.splitlines() == [
        "running    back up: disk 1",
        "running    back up: disk 2; it waits",
        "succeeded  back up: disk 3",
        "running    unmount",
        "succeeded  unmount",
    ]


@pytest.mark.parametrize(
    ("state", "steps", "words"),
    [
        (JobState.QUEUED, [], "waits for its turn"),
        (JobState.AWAITING_APPROVAL, [], "waiting for approval"),
        (JobState.RUNNING, [Step(name="mount", state=StepState.RUNNING)], "mount"),
        (JobState.RUNNING, [Step(name="mount", state=StepState.SUCCEEDED)], ""),
        (JobState.PARTIAL, [Step(name="mount", state=StepState.SUCCEEDED)], "partly done"),
    ],
)
def test_bar_says_what_the_job_does_now(state: JobState, steps: list[Step], words: str) -> None:
    assert what_now(Job(id="1", action="backup", target="web-01", state=state, steps=steps)) == words


def test_step_that_was_not_needed_is_left_out() -> None:
    job = Job(
        id="1",
        action="restore",
        target="web-01",
        state=JobState.SUCCEEDED,
        steps=[Step(name="remove the VM", state="skipped")],
    )

    assert "remove the VM" not in job_words(job)
    assert "not done   " in job_words(job.model_copy(update={"state": JobState.FAILED}))


def test_table_leaves_out_what_is_empty_everywhere_and_makes_controls_visible() -> None:
    columns = {"name": lambda each: each["name"], "note": lambda _: "", "id": lambda each: each["id"]}

    assert lines_of([{"name": "a\x1b[2J", "id": ""}, {"name": "bb", "id": "vm-1"}], columns) == [
        "a␛[2J  -",
        "bb     vm-1",
    ]


def test_time_that_cannot_be_read_is_wrong_usage() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write it like 30s, 90m, 24h or 7d"):
        ago("yesterday")


@pytest.mark.parametrize(
    ("environment", "colored"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),  # an empty one counts as not set
        ({"TERM": "dumb"}, False),
        ({"VMKOPS_COLOR": "never"}, False),
        ({"NO_COLOR": "1", "VMKOPS_COLOR": "always"}, True),
    ],
)
def test_states_have_a_color_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], colored: bool
) -> None:
    for name in ("NO_COLOR", "TERM", "VMKOPS_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    columns = {"state": lambda each: str(each["state"]), "id": lambda each: "1"}

    lines = lines_of([{"state": "failed"}, {"state": "running 5 %"}], columns)

    assert lines == (
        ["STATE        ID", "\x1b[31mfailed     \x1b[0m  1", "\x1b[36mrunning 5 %\x1b[0m  1"]
        if colored
        else ["STATE        ID", "failed       1", "running 5 %  1"]
    )


def test_long_answer_goes_through_the_pager_on_a_terminal_only(tmp_path: Path) -> None:
    pager = "sed -e s/^/paged:/"
    with Terminal.plain("help", "install", VMKOPS_PAGER=pager) as terminal:
        terminal.read_until("paged:# Install")
        assert terminal.wait() == 0
    with Terminal.plain("--no-pager", "help", "install", VMKOPS_PAGER=pager) as terminal:
        assert "paged:" not in terminal.read_until("# Install")
        terminal.wait()
    assert "paged:" not in run(tmp_path, "help", "install", VMKOPS_PAGER=pager).stdout
