"""The P2V cards fit into one message for any system."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.cards.p2v import MAX_STEPS, checklist_card, estimate_card, tools_card
from service.api.adapter import adapter
from service.api.client import P2vChecklist, P2vEstimate, P2vTool
from tests.bot.slack_limits import assert_slack_takes, drawn


def step(identifier: str, **more: Any) -> dict[str, Any]:
    return {
        "id": identifier, "phase": "clone", "title": f"Do {identifier}", "why": "", "check": "", "warning": "",
        "commands": [{"on": "source", "run": f"run {identifier} > out"}], "optional": False, "origin": "document",
        "source": "the page", "applies_to": {}, **more,
    }  # fmt: skip


def checklist(*steps: dict[str, Any], **more: Any) -> P2vChecklist:
    source = {
        "distribution": "centos", "version": "4", "disks": [], "lvm": False, "target_ip": "", "source_ip": "",
        "port": 9001, "netcat": "traditional", "filesystems": [],
    }  # fmt: skip
    values = {
        "source": source, "distribution": "CentOS", "known": True, "age": "", "notes": [], "suggestions": [],
        "phases": [{"id": "clone", "title": "Cloning", "items": steps}], "corrections": [], "mends": [], **more,
    }  # fmt: skip
    return adapter(P2vChecklist).validate_python(values)


def test_only_decisive_steps_are_shown_with_their_commands() -> None:
    card = checklist_card(checklist(step("clone-sda"), step("watch", optional=True)), page="PAGE")
    assert drawn(card).splitlines() == [
        "Linux P2V: CentOS 4",
        "*Cloning*  2 steps, 1 optional",
        "*Do clone-sda*",
        "source: `run clone-sda &gt; out`",
        "PAGE",
    ]


def test_many_disks_are_counted_after_the_first() -> None:
    card = checklist_card(checklist(*(step(f"clone-sd{place}") for place in range(60))), page="/p2v")
    assert f"…and {60 - MAX_STEPS} more steps of this kind." in drawn(card)
    assert_slack_takes(card)


WORDS = st.one_of(st.text(max_size=500), st.text("<>&*`", max_size=4_000))


@given(WORDS, WORDS, st.lists(WORDS, max_size=20))
def test_slack_accepts_the_card_of_any_checklist(title: str, run: str, notes: list[str]) -> None:
    steps = [
        step(f"clone-{place}", title=title, warning=title, commands=[{"on": title[:50], "run": run}] * 3)
        for place in range(10)
    ]
    assert_slack_takes(checklist_card(checklist(*steps, notes=notes, distribution=title), page="/p2v/checklist"))


@given(WORDS, st.floats(0, 1e18))
def test_slack_accepts_the_other_cards(words: str, number: float) -> None:
    estimate = P2vEstimate(
        blocks=1, bytes=1, mb=number, gb=number, decimal_gb=number, rate=number, seconds=number, duration=words,
        notes=[words] * 5,
    )  # fmt: skip
    tool = P2vTool(id="x", name=words, linux="no", documented=True, caveat=words, today=words)
    assert_slack_takes(estimate_card(estimate, asked_by="<@U1>"))
    assert_slack_takes(tools_card([tool] * 20, asked_by="<@U1>"))
