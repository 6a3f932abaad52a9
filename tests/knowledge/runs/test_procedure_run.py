"""A run of a procedure: its steps are those of the start, and each mark has a name and a time."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from knowledge.procedure_store.procedure import Page, parse_page
from knowledge.runs.markdown import run_markdown, run_text
from knowledge.runs.marks import AlreadyDone, InvalidMark, State, UnknownItem, notes, standings
from knowledge.runs.procedure_run import MOST_ITEMS, InvalidRun, ProcedureRun, mark, progress, start

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TEXT = """---
title: Ring the *bell*
summary: What to do.
subjects: [bells]
applies_to: [any]
source: [ours]
---
## When
x
## Before
Ask first.
## Steps
1. Look:

   ```vmkops
   vmkops vm {vm}
   ```

2. Stop the bell.

   > [!CAUTION]
   > Affects all who listen.
## Check
It is quiet.
## Undo
x
"""


@pytest.fixture
def page() -> Page:
    return parse_page(TEXT.encode(), slug="ring-the-bell", file="ring-the-bell.md")


@pytest.fixture
def fresh(page: Page) -> ProcedureRun:
    return start(page, {"vm": "web 01", "host": ""}, "INC-7", "anna", NOON)


def test_new_run_has_every_step_open_and_the_targets_filled_in(fresh: ProcedureRun) -> None:
    assert [item.id for item in fresh.items] == ["step-1", "step-2", "check-1"]
    assert "vmkops vm 'web 01'" in fresh.items[0].text
    assert fresh.targets == {"vm": "web 01"}
    assert fresh.before == "Ask first."
    assert (progress(fresh).open, progress(fresh).next) == (3, "step-1")


def test_second_tick_keeps_the_first_name_and_its_note_is_added(fresh: ProcedureRun) -> None:
    once = mark(fresh, "step-1", State.DONE, who="bob", when=NOON, note="")
    again = mark(once, "step-1", State.DONE, who="carol", when=NOON + timedelta(minutes=1), note="me too")

    assert mark(once, "step-1", State.DONE, who="carol", when=NOON, note="") is once
    assert mark(again, "step-1", State.DONE, who="carol", when=NOON, note="me too") is again
    assert standings(again.marks)["step-1"].who == "bob"
    assert [each.note for each in notes(again.marks)["step-1"]] == ["me too"]


def test_note_without_a_state_leaves_the_step_open(fresh: ProcedureRun) -> None:
    noted = mark(fresh, "step-2", None, who="bob", when=NOON, note="wait for the array")

    assert progress(noted).open == 3
    assert notes(noted.marks)["step-2"][0].who == "bob"


def test_skip_needs_a_reason_and_an_open_step(fresh: ProcedureRun) -> None:
    done = mark(fresh, "step-1", State.DONE, who="bob", when=NOON, note="")

    with pytest.raises(InvalidMark, match="reason"):
        mark(fresh, "step-1", State.SKIPPED, who="bob", when=NOON, note=" ")
    with pytest.raises(AlreadyDone, match="bob"):
        mark(done, "step-1", State.SKIPPED, who="carol", when=NOON, note="no need")


def test_run_is_finished_when_all_steps_are_done_or_skipped(fresh: ProcedureRun) -> None:
    run = fresh
    for item in run.items:
        run = mark(run, item.id, State.SKIPPED, who="bob", when=NOON, note="no need")

    assert progress(run).finished
    assert progress(run).next is None


def test_unknown_step_suggests_similar_ones(fresh: ProcedureRun) -> None:
    with pytest.raises(UnknownItem) as unknown:
        mark(fresh, "step-9", State.DONE, who="bob", when=NOON, note="")
    assert "step-1" in unknown.value.suggestions


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2", ("step-2",)),
        ("1", ("step-1", "check-1")),
        ("#2.", ("step-2",)),
        ("stop the", ("step-2",)),
        ("stpe-2", ("step-2",)),
        ("coffee", ("step-1", "step-2", "check-1")),
        ("7", ("step-1", "step-2", "check-1")),
    ],
)
def test_number_or_words_of_a_title_suggest_the_step(fresh: ProcedureRun, typed: str, meant: tuple[str, ...]) -> None:
    with pytest.raises(UnknownItem) as unknown:
        mark(fresh, typed, State.DONE, who="bob", when=NOON, note="")

    assert unknown.value.suggestions == meant
    assert meant[0] in str(unknown.value)


def test_very_many_steps_are_not_all_suggested(page: Page) -> None:
    long = start(replace(page, body="## Steps\n" + "- x\n" * 90), {}, "", "anna", NOON)

    with pytest.raises(UnknownItem, match=r"step-20 and 70 more$") as unknown:
        mark(long, "coffee", State.DONE, who="bob", when=NOON, note="")
    assert len(unknown.value.suggestions) == 20


def test_page_with_very_many_steps_and_unprintable_targets_are_refused(page: Page) -> None:
    long = replace(page, body="## Steps\n" + "- x\n" * (MOST_ITEMS + 1))

    with pytest.raises(InvalidRun, match=f"at most {MOST_ITEMS}"):
        start(long, {}, "", "anna", NOON)
    began = time.monotonic()
    with pytest.raises(InvalidRun, match="20,000 steps"):
        start(replace(page, body="## Steps\n" + "- VM\n" * 20_000), {"vm": "a b"}, "", "anna", NOON)
    assert time.monotonic() - began < 10
    with pytest.raises(InvalidRun, match="vm"):
        start(page, {"vm": "a\0"}, "", "anna", NOON)
    with pytest.raises(InvalidRun, match="incident"):
        start(page, {}, "x" * 301, "anna", NOON)


def test_markdown_has_title_targets_and_each_step_with_who_when_and_notes(fresh: ProcedureRun) -> None:
    run = mark(fresh, "step-1", State.DONE, who="slack:U1", when=NOON, note="as *planned*")
    run = mark(run, "step-2", State.SKIPPED, who="bob", when=NOON, note="it is broken")
    run = mark(run, "step-2", None, who="carol", when=NOON, note="<b>new</b>\nbell ordered")

    assert run_markdown(run).splitlines() == [
        r"# Ring the \*bell\*",
        "",
        "- Procedure: `ring-the-bell`",
        "- Incident: INC-7",
        "- About: VM web 01",
        "- Started by anna, 2026-03-01 12:00 UTC",
        "- 1 done, 1 skipped, 1 open of 3; next: check-1",
        "",
        "## Steps",
        "",
        "- [x] `step-1` Look:",
        "",
        "  ```vmkops",
        "  vmkops vm 'web 01'",
        "  ```",
        "",
        r"  done by slack:U1, 2026-03-01 12:00 UTC: as \*planned\*",
        "",
        "- [ ] `step-2` (skipped) Stop the bell.",
        "",
        "  > [!CAUTION]",
        "  > Affects all who listen.",
        "",
        "  skipped by bob, 2026-03-01 12:00 UTC: it is broken",
        "",
        r"  note by carol, 2026-03-01 12:00 UTC: \<b\>new\</b\> bell ordered",
        "",
        "",
        "## Check",
        "",
        "- [ ] `check-1` It is quiet.",
    ]


def test_markdown_has_whole_steps_that_begin_with_anything(page: Page) -> None:
    long = "word " * 100
    body = f"""## Steps
1. {long}end, see [the bell](bell.md#now) and [the shop](https://bells.example/).
   - first
   - second
2. ```sh
   see [x](y.md)
   ```
3. | a | b |
   | --- | --- |
   | c | d |

### Afterwards

4. Rest.
"""
    text = run_markdown(start(replace(page, body=body), {}, "", "anna", NOON))

    assert text.partition("## Steps\n\n")[2] == (
        f"- [ ] `step-1` {long}end, see the bell (`bell`) and [the shop](https://bells.example/).\n"
        "  - first\n  - second\n\n"
        "- [ ] `step-2`\n\n  ```sh\n  see [x](y.md)\n  ```\n\n"
        "- [ ] `step-3`\n\n  | a | b |\n  | --- | --- |\n  | c | d |\n\n"
        "- [ ] `step-4` Afterwards\n\n  Rest.\n"
    )


def test_name_that_a_person_gave_is_shown_beside_the_token(page: Page) -> None:
    run = start(page, {}, "", "token:laptop", NOON, by="Anna")
    run = mark(run, "step-1", State.DONE, who="token:laptop", when=NOON, note="", by="B*b")

    assert (run.started_by, run.marks[0].who, run.marks[0].by) == ("token:laptop", "token:laptop", "B*b")
    assert "started by Anna (token laptop)" in run_text(run, "0123456789abcdef")
    assert "done by B*b (token laptop)" in run_text(run, "0123456789abcdef")
    assert r"done by B\*b (token laptop)" in run_markdown(run)
    with pytest.raises(InvalidMark, match="name"):
        mark(run, "step-2", State.DONE, who="token:laptop", when=NOON, note="", by="a\0b")


def test_address_of_the_incident_stays_an_address(page: Page) -> None:
    address = "https://tickets.example.com/INC_7?a=b_c"

    assert f"- Incident: {address}\n" in run_markdown(start(page, {}, address, "anna", NOON))


def test_text_shows_what_is_still_to_do_in_full_with_its_boxes(fresh: ProcedureRun) -> None:
    text = run_text(mark(fresh, "step-1", State.DONE, who="bob", when=NOON, note=""), "0123456789abcdef")

    assert "run 0123456789abcdef of ring-the-bell, VM web 01, incident INC-7" in text
    assert "Before\n  Ask first.\n" in text
    assert "[x] step-1  Look:\n      done by bob, 2026-03-01 12:00 UTC\n[ ] step-2" in text
    assert "      > CAUTION:\n      > Affects all who listen.\n" in text
    assert "vmkops vm" not in text
