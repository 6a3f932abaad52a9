"""The report of a fleet names what is left, says how to look at it, and what to do next, within Slack's limits."""

from __future__ import annotations

import pytest

from bot.cards.report import report_card
from bot.commands.action import parse
from service.api.client import JobState, Problem, Report
from tests.bot.examples import report, report_group
from tests.bot.slack_limits import assert_slack_takes, drawn

FAILED = report_group("failed", 2, "prod/web-01", "prod/web-02", why="VMware Tools are not running.", job="job1-0004")
LATE = report_group("too_slow", 1, "lab/db-01", why="Done, but 5 minutes after the window had closed.", job="job1-0007")
DONE = report_group("done", 41, *(f"prod/app-{number}" for number in range(10)))


def test_report_counts_names_and_advises() -> None:
    card = report_card(report(FAILED, LATE, DONE, again="prod/web-01,prod/web-02"))
    assert_slack_takes(card)
    assert card.text == "⚠️ Backup of tag:gold: partly done (2 failed, 1 too slow, 41 done)"
    assert drawn(card).splitlines() == [
        "⚠️ Backup of tag:gold: partly done",
        "❌ 2 failed  ·  🐢 1 too slow  ·  ✅ 41 done",
        "❌ *Failed (2)*",
        "•  *prod/web-01*: VMware Tools are not running. (`/jobs job1-0004`)",
        "•  *prod/web-02*: VMware Tools are not running. (`/jobs job1-0004`)",
        "🐢 *Too slow (1)*",
        "•  *lab/db-01*: Done, but 5 minutes after the window had closed. (`/jobs job1-0007`)",
        "✅ *Done (41)*",
        "prod/app-0, prod/app-1, prod/app-2, prod/app-3, prod/app-4, prod/app-5, prod/app-6, prod/app-7, prod/app-8, "
        "prod/app-9 and 31 more",
        "*What to do next*",
        "•  Mend the reasons above first. `/jobs job1-0004` says more about the first VM.",
        "•  Widen the window, begin earlier, or raise `max_parallel`, so that all VMs get their turn.",
        '•  Run it again for 2 VMs: `/action fleet prod/web-01,prod/web-02 action=backup params="quiesce=none"`',
        "See it: `/jobs job1` · schedule `nightly` · took 3 min 12 s",
    ]


def test_command_of_a_report_can_be_typed() -> None:
    words = drawn(report_card(report(FAILED, again="prod/web-01,lab/moref:vm-7")))
    typed = parse(words.partition("`/action ")[2].partition("`")[0])
    assert (typed.name, typed.target) == ("fleet", "prod/web-01,lab/moref:vm-7")
    assert typed.params == {"action": "backup", "params": "quiesce=none"}


def test_report_of_a_great_fleet_fits() -> None:
    long = [report_group(name, 5000, *["<!here>" + "x" * 80] * 10, why="&" * 500) for name in ("failed", "skipped")]
    assert_slack_takes(report_card(report(*long, DONE)))


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (
            report(DONE, state=JobState.CANCELLED, error=Problem(title="x", status=409, detail="Cancelled by a.")),
            "by a.",
        ),
        (Report(id="x", channel="#ops", schedule="late", problem="The window is closed now."), "The window is closed"),
    ],
)
def test_fleet_that_was_stopped_or_not_started_says_why(due: Report, words: str) -> None:
    card = report_card(due)
    assert_slack_takes(card)
    assert words in drawn(card)
