"""A run of the P2V checklist: people tick its steps, and it converts to JSON and Markdown."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.p2v.markdown import run_markdown
from knowledge.p2v.run import (
    AlreadyDone,
    InvalidMark,
    Run,
    State,
    UnknownItem,
    progress,
    skip,
    standings,
    start,
    tick,
    untick,
)
from knowledge.p2v.source import described

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SOURCE = described(distribution="centos", version="4", disks=["sda:39070080"], target_ip="10.4.1.3")


@pytest.fixture
def fresh() -> Run:
    return start(SOURCE, "Anna", NOON)


def test_new_run_has_everything_open(fresh: Run) -> None:
    now = progress(fresh)
    assert (now.done, now.skipped, now.open) == (0, 0, now.total)
    assert now.next == "leave-tools-without-linux"
    assert not now.finished


def test_tick_records_who_and_when_and_does_not_change_the_old_run(fresh: Run) -> None:
    ticked = tick(fresh, "clone-sda", "Bob", NOON + timedelta(hours=1), "14 MB/s")
    mark = standings(ticked)["clone-sda"]
    assert (mark.state, mark.who, mark.when, mark.note) == (
        State.DONE, "Bob", "2026-03-01T13:00:00+00:00", "14 MB/s",
    )  # fmt: skip
    assert progress(ticked).done == 1
    assert fresh.marks == ()


def test_second_tick_changes_nothing_and_keeps_the_first_person(fresh: Run) -> None:
    ticked = tick(fresh, "clone-sda", "Bob", NOON)
    assert tick(ticked, "clone-sda", "Carol", NOON) == ticked


def test_untick_reopens_the_step_and_keeps_the_history(fresh: Run) -> None:
    opened = untick(tick(fresh, "clone-sda", "Bob", NOON), "clone-sda", "Anna", NOON, "fingerprint differs")
    assert progress(opened).done == 0
    assert [mark.who for mark in opened.marks] == ["Bob", "Anna"]
    assert untick(opened, "clone-sda", "Anna", NOON) == opened


def test_skip_needs_a_reason(fresh: Run) -> None:
    with pytest.raises(InvalidMark, match="why"):
        skip(fresh, "weigh-liveview", "Bob", NOON, "  ")
    skipped = skip(fresh, "weigh-liveview", "Bob", NOON, "target is ESX")
    assert progress(skipped).skipped == 1


def test_done_step_cannot_be_skipped_but_a_skipped_one_can_be_done(fresh: Run) -> None:
    with pytest.raises(AlreadyDone, match="Bob"):
        skip(tick(fresh, "clone-sda", "Bob", NOON), "clone-sda", "Carol", NOON, "no need")
    done = tick(skip(fresh, "clone-sda", "Bob", NOON, "later"), "clone-sda", "Bob", NOON)
    assert standings(done)["clone-sda"].state is State.DONE


def test_unknown_step_suggests_similar_ones(fresh: Run) -> None:
    with pytest.raises(UnknownItem) as unknown:
        tick(fresh, "clone-sdb", "Bob", NOON)
    assert "clone-sda" in unknown.value.suggestions


@pytest.mark.parametrize("who", ["", "  ", "a\0b", "x" * 201])
def test_tick_needs_a_printable_name(fresh: Run, who: str) -> None:
    with pytest.raises(InvalidMark, match="who"):
        tick(fresh, "clone-sda", who, NOON)


def test_time_without_a_zone_and_very_long_notes_are_refused(fresh: Run) -> None:
    with pytest.raises(InvalidMark, match="zone"):
        tick(fresh, "clone-sda", "Bob", NOON.replace(tzinfo=None))
    with pytest.raises(InvalidMark, match="note"):
        tick(fresh, "clone-sda", "Bob", NOON, "x" * 2001)


def test_history_is_bounded(fresh: Run) -> None:
    run = fresh
    for _ in range(2500):
        run = untick(tick(run, "clone-sda", "Bob", NOON), "clone-sda", "Bob", NOON)
    with pytest.raises(InvalidMark, match="start a new one"):
        tick(run, "clone-sda", "Bob", NOON)


def test_run_is_finished_when_only_optional_steps_are_open(fresh: Run) -> None:
    run = fresh
    for step in fresh.checklist.items:
        assert not progress(run).finished
        if not step.optional:
            run = tick(run, step.id, "Bob", NOON)
            if progress(run).finished:
                break
    assert progress(run).next is None
    assert {step.phase for step in fresh.checklist.items if step.id not in standings(run)} >= {"trouble"}


names = st.text(min_size=1, max_size=30).filter(lambda text: bool(text.strip()) and text.isprintable())


@given(st.lists(st.tuples(st.sampled_from(["tick", "untick", "skip"]), st.integers(0, 45), names, names), max_size=15))
def test_the_counts_of_any_history_add_up(changes: list[tuple[str, int, str, str]]) -> None:
    run = start(SOURCE, "Anna", NOON)
    for change, number, who, note in changes:
        identifier = run.checklist.items[number % len(run.checklist.items)].id
        if change == "skip" and progress(run).done == 0:
            run = skip(run, identifier, who, NOON, note)
        elif change == "untick":
            run = untick(run, identifier, who, NOON, note)
        else:
            run = tick(run, identifier, who, NOON, note)
    now = progress(run)
    assert now.done + now.skipped + now.open == now.total == len(run.checklist.items)
    text = run_markdown(run)
    assert text.count("\n- [x] ") == now.done
    assert text.count("\n- [ ] ") == now.skipped + now.open
    assert text.count("` (skipped)\n") == now.skipped


def test_markdown_shows_who_did_what_and_when_and_why_a_step_was_skipped(fresh: Run) -> None:
    run = skip(tick(fresh, "clone-sda", "Bob", NOON, "36 min"), "weigh-liveview", "Anna", NOON, "target is ESX")
    text = run_markdown(run)
    assert text.startswith("# Linux P2V: CentOS 4\n\nStarted by Anna, 2026-03-01T12:00:00+00:00.\n")
    assert "1 done, 1 skipped" in text
    assert "  - done by Bob, 2026-03-01T12:00:00+00:00: 36 min\n" in text
    assert "  - skipped by Anna, 2026-03-01T12:00:00+00:00: target is ESX\n" in text


def test_markdown_of_a_note_cannot_make_headings_boxes_or_tags(fresh: Run) -> None:
    note = "fine\n# Owned\n- [x] **all** <script>alert(1)</script> [x](http://x)"
    text = run_markdown(tick(fresh, "clone-sda", "B*b", NOON, note))
    assert "\n# Owned" not in text
    assert "<script>" not in text
    assert "done by B\\*b" in text
    assert text.count("\n- [x] ") == 1
