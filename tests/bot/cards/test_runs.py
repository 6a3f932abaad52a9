"""Cards of runs: the next step with its boxes, who did what, and the Markdown to copy."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.cards.runs import EXPORT, TICK, export_card, run_card, run_list
from tests.bot.slack_limits import assert_slack_takes, drawn


def step(number: int, **changes: Any) -> dict[str, Any]:
    item = {"id": f"step-{number}", "title": f"Step {number}", "text": f"Do **{number}**.", "state": "open"}
    return {**item, "mark": None, "notes": [], **changes}


def mark(who: str, note: str = "") -> dict[str, str]:
    return {"item": "step-1", "state": "done", "who": who, "when": "2026-03-01T12:00:00+00:00", "note": note}


def run(**changes: Any) -> dict[str, Any]:
    """A run with one step done and one open."""
    done = mark("slack:U2", "it rings")
    return {
        "id": "0123456789abcdef",
        "title": "Ring the bell",
        "procedure": "ring-the-bell",
        "targets": {"vm": "web-01"},
        "incident": "INC-7",
        "started_by": "slack:U1",
        "before": "Ask first.",
        "items": [
            step(1, state="done", mark=done),
            step(2, text="Stop it.\n\n> [!CAUTION]\n> Affects everyone.\n\n```sh\nstop\n```"),
        ],
        "history": [done],
        "progress": {"done": 1, "skipped": 0, "open": 1, "total": 2, "finished": False, "next": "step-2"},
        **changes,
    }


def test_run_shows_who_did_what_and_the_next_step_with_its_box() -> None:
    assert drawn(run_card(run())).splitlines() == [
        "Ring the bell",
        "run `0123456789abcdef` · vm `web-01` · incident INC-7 · started by <@U1> · 1 done, 0 skipped, 1 open",
        "☑ step-1 <@U2> · ☐ step-2",
        "step-1, <@U2>: it rings",
        "*step-2*",
        "Stop it.",
        "",
        "&gt; ⛔ *Caution:* Affects everyone.",
        "",
        "```",
        "stop",
        "```",
        "step-2 is done",
        "Export",
        "To skip this step, type `/runs skip 0123456789abcdef step-2 REASON`",
    ]


def test_new_run_begins_with_what_to_know_before() -> None:
    assert "*Before*\nAsk first." in drawn(run_card(run(history=[])))


def test_buttons_tick_the_next_step_and_export() -> None:
    (buttons,) = [block for block in run_card(run()).blocks if block["type"] == "actions"]

    tick, export = buttons["elements"]
    assert (tick["action_id"], tick["text"]["text"]) == (TICK, "step-2 is done")
    assert json.loads(tick["value"]) == {"run": "0123456789abcdef", "item": "step-2"}
    assert (export["action_id"], export["value"]) == (EXPORT, "0123456789abcdef")


def test_finished_run_can_only_be_exported() -> None:
    progress = {"done": 2, "skipped": 0, "open": 0, "total": 2, "finished": True, "next": None}
    card = run_card(run(progress=progress))

    (buttons,) = [block for block in card.blocks if block["type"] == "actions"]
    assert [button["action_id"] for button in buttons["elements"]] == [EXPORT]
    assert "finished" in drawn(card)


def test_list_has_the_id_of_each_run() -> None:
    assert "*Ring the bell* `0123456789abcdef`\nvm `web-01` · incident INC-7" in drawn(run_list([run()]))
    assert "/runs start NAME" in drawn(run_list([]))


def test_long_markdown_is_cut_between_lines_into_blocks_that_slack_takes() -> None:
    card = export_card("0123456789abcdef", "\n".join(f"- [x] step-{number} {'x' * 90}" for number in range(80)))

    assert_slack_takes(card)
    assert all(block["text"]["text"].startswith("```\n- [x]") for block in card.blocks[:3])


@given(st.text("<>&*`# \na|[!]", max_size=4_000))
def test_slack_accepts_any_run(text: str) -> None:
    items = [step(1, text=text, notes=[mark(text or "x", text)]), *(step(number) for number in range(2, 300))]
    progress = {"done": 0, "skipped": 0, "open": 1, "total": 1, "finished": False, "next": "step-1"}
    assert_slack_takes(
        run_card(run(title=text, before=text, incident=text, items=items, history=[], progress=progress))
    )
    assert_slack_takes(export_card("0123456789abcdef", text))


def test_name_that_was_given_in_the_shell_stands_beside_the_token() -> None:
    done = mark("token:laptop", "it rings") | {"by": "B<b"}
    card = drawn(run_card(run(started_by="token:laptop", by="Anna", items=[step(1, state="done", mark=done), step(2)])))

    assert "started by Anna (token laptop)" in card
    assert "☑ step-1 B&lt;b (token laptop)" in card
    assert "step-1, B&lt;b (token laptop): it rings" in card


def test_list_has_the_path_of_a_run_that_is_elsewhere() -> None:
    listed = drawn(run_list([run(path="/runs/0123456789abcdef"), run(id="f" * 16, path=f"/p2v/runs/{'f' * 16}")]))

    assert "*Ring the bell* `0123456789abcdef`" in listed
    assert f"*Ring the bell* `/p2v/runs/{'f' * 16}`" in listed
