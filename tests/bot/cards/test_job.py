"""The card of a job shows its state; its Cancel button disappears when the job has ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.job import CANCEL, announcement, job_card, job_list, progress_line
from service.api.client import Job, JobState, Problem, Progress, Step, StepState
from tests.bot.examples import copying, job
from tests.bot.slack_limits import assert_slack_takes, drawn


def buttons(card_of: Job) -> list[str]:
    return [
        button["action_id"]
        for block in job_card(card_of).blocks
        if block["type"] == "actions"
        for button in block["elements"]
    ]


def test_running_backup_shows_phase_percent_rate_and_time_left() -> None:
    card = job_card(copying(42.9))
    lines = drawn(card).splitlines()
    assert lines[0] == "Backup of web-01"
    assert lines[1] == "⏳ *Running*  ·  back up"
    assert lines[2] == "`████████░░░░░░░░░░░░` *42 %*  ·  1.8 GB of 4.2 GB  ·  85.2 MB/s  ·  28 s left"
    assert "✅ mount" in lines
    assert "⏳ *back up*" in lines
    assert "▫️ remove snapshot" in lines
    assert card.text == "Backup of web-01: running"


def test_warning_before_the_start_is_shown_unless_a_step_says_it() -> None:
    warned = ["VMware Tools are <not> running.", "The disk is full."]
    steps = [Step(name="check", state=StepState.SUCCEEDED, detail="Note: The disk is full.")]

    text = drawn(job_card(job(warnings=warned, steps=steps)))

    assert "⚠️ VMware Tools are &lt;not&gt; running." in text
    assert "⚠️ The disk is full." not in text


def test_job_that_waits_for_a_task_shows_its_percent_once() -> None:
    progress = Progress(done=42, total=100, unit="percent", percent=42.0, eta_seconds=28)
    assert progress_line(progress) == "`████████░░░░░░░░░░░░` *42 %*  ·  28 s left"


def test_seven_steps_keep_their_order() -> None:
    steps = [line for line in drawn(job_card(copying(1))).splitlines() if line[0] in "✅▫" or "*back up*" in line]
    assert [line.split(" ", 1)[1].strip("*") for line in steps] == [
        "quiesce",
        "snapshot",
        "unquiesce",
        "mount",
        "back up",
        "unmount",
        "remove snapshot",
    ]


def test_details_of_successful_steps_are_shown_at_the_end() -> None:
    steps = [Step(name="mount", state=StepState.SUCCEEDED, detail="1 disk"), Step(name="back up", detail="waiting")]
    assert "1 disk" not in drawn(job_card(job(steps=steps)))
    assert "waiting" in drawn(job_card(job(steps=steps)))
    assert "✅ mount  ·  1 disk" in drawn(job_card(job(JobState.SUCCEEDED, steps=steps)))


def test_undo_is_the_command_of_slack() -> None:
    detail = f"{'Powered off. ' * 30}Undo: vmkops action power-on prod/web-01"
    done = job(JobState.SUCCEEDED, steps=[Step(name="power off", state=StepState.SUCCEEDED, detail=detail)])

    card = drawn(job_card(done))

    assert "… Undo: `/action power-on prod/web-01`" in card
    assert "vmkops action" not in card


def test_reason_of_a_failure_is_shown_once() -> None:
    error = Problem(title="Snapshot failed", status=500, detail="SnapshotFault")
    steps = [Step(name="snapshot", state=StepState.FAILED, detail="SnapshotFault")]
    assert drawn(job_card(job(JobState.FAILED, steps=steps, error=error))).count("SnapshotFault") == 1


@pytest.mark.parametrize("state", [state for state in JobState if not state.final])
def test_live_job_can_be_cancelled(state: JobState) -> None:
    assert buttons(job(state)) == [CANCEL]


@pytest.mark.parametrize("state", [state for state in JobState if state.final])
def test_job_that_has_ended_has_no_buttons(state: JobState) -> None:
    assert buttons(job(state)) == []


def test_finished_backup_shows_its_path_and_size() -> None:
    result = {
        "package": "data/backups/web-01/job1",
        "files": ["web-01.ovf", "web-01.mf"],
        "size": 4_200_000_000,
        "disks": [{"key": "disk-0"}],
        "missing": 0,
        "snapshot_removed": True,
        "detail": "3 files",
    }
    lines = drawn(job_card(job(JobState.SUCCEEDED, result=result))).splitlines()
    assert "✅ *Done* in 3 min 12 s" in lines
    assert "Package: `data/backups/web-01/job1`" in lines
    assert "Files: `web-01.ovf, web-01.mf`" in lines
    assert "Size: `4.2 GB`" in lines
    assert not [line for line in lines if "Missing disks" in line]
    assert "Snapshot removed: `yes`" in lines
    assert not any(line.startswith(("Disks", "Detail")) for line in lines)


def test_failed_backup_shows_why_and_what_to_do() -> None:
    error = Problem(title="Disk full", status=500, detail="No free space in data/backups.", suggestions=["Free 4.2 GB"])
    card = job_card(job(JobState.FAILED, error=error))
    assert "❌ *Failed* after 3 min 12 s" in drawn(card)
    assert "*Disk full*\nNo free space in data/backups.\n•  Free 4.2 GB" in drawn(card)
    assert card.text == "Backup of web-01: failed: Disk full"


@pytest.mark.parametrize(
    ("state", "mark"),
    [
        (JobState.QUEUED, "⏳ Backup of *web-01*  ·  requested by <@U1>"),
        (JobState.RUNNING, "⏳ Backup of *web-01*  ·  requested by <@U1>"),
        (JobState.SUCCEEDED, "✅ Backup of *web-01*  ·  done in 3 min 12 s  ·  requested by <@U1>"),
        (JobState.PARTIAL, "⚠️ Backup of *web-01*  ·  partly done after 3 min 12 s  ·  requested by <@U1>"),
        (JobState.FAILED, "❌ Backup of *web-01*  ·  failed after 3 min 12 s  ·  requested by <@U1>"),
        (JobState.CANCELLED, "🚫 Backup of *web-01*  ·  cancelled after 3 min 12 s  ·  requested by <@U1>"),
    ],
)
def test_announcement_shows_how_the_job_ended(state: JobState, mark: str) -> None:
    assert drawn(announcement(job(state))) == mark


def test_other_actions_have_their_own_title() -> None:
    assert "Rescan hba: *esx-01*" in drawn(announcement(job(action="rescan_hba", target="esx-01")))


def test_long_list_of_jobs_is_cut_and_shows_how_to_see_one() -> None:
    found = [job(id=f"job{number}") for number in range(20)]
    lines = drawn(job_list(found)).splitlines()
    assert lines[1] == "⏳ Backup of *web-01*  ·  running  ·  <@U1>  ·  `job0`"
    assert lines[-1] == "…and 5 older jobs · To see one job in detail, type `/jobs job0`"


def test_empty_list_shows_how_to_start() -> None:
    assert "`/backup VM`" in drawn(job_list([]))


def test_progress_without_a_total_shows_what_is_known() -> None:
    assert progress_line(Progress(done=1_500)) == "1.5 kB"
    assert progress_line(Progress()) == ""
    assert progress_line(Progress(done=3, total=4, unit="disks")).endswith("*75 %*  ·  3 of 4 disks")


WORDS = st.one_of(st.text(max_size=50), st.text("<>&*`", max_size=4_000))
JOBS = st.builds(
    Job,
    id=st.text("abc-1", min_size=1, max_size=40),
    action=WORDS,
    target=WORDS,
    state=st.sampled_from(JobState),
    requested_by=WORDS,
    started_at=st.none() | WORDS,
    finished_at=st.none() | WORDS,
    steps=st.lists(
        st.builds(Step, name=st.text(max_size=50), state=st.sampled_from(StepState), detail=WORDS), max_size=9
    ),
    progress=st.none() | st.builds(Progress, done=st.integers(0, 2**60), total=st.none() | st.integers(0, 2**60)),
    error=st.none() | st.builds(Problem, title=WORDS, status=st.integers(400, 599), detail=WORDS),
    result=st.none()
    | st.dictionaries(st.text(max_size=30), st.none() | st.integers() | WORDS | st.lists(WORDS, max_size=3)),
)


@given(JOBS)
def test_slack_accepts_the_cards_of_any_job(any_job: Job) -> None:
    for card in (job_card(any_job), announcement(any_job), job_list([any_job] * 16)):
        assert_slack_takes(card)


@given(JOBS.filter(lambda any_job: not any_job.state.final and not any_job.result and not any_job.error))
def test_cancel_button_always_fits(any_job: Job) -> None:
    assert buttons(any_job) == [CANCEL]
