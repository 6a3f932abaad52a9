"""`/vmkerr` in Slack, from the command to the card, over both connections: the real service and a local Slack."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from knowledge.vmkerr.listing import listing
from tests.integration.slack_room import COMMANDS, answer_to, drawn, slack_room
from tests.peers.local_slack import ONCALL, OPERATOR, VISITOR, LocalSlack


def ask(slack: LocalSlack, command: str, text: str) -> dict[str, Any]:
    return answer_to(slack, VISITOR, command, text)


@pytest.mark.parametrize("mode", ["socket", "http"])
def test_code_is_answered_in_the_channel_with_both_meanings(tmp_path: Path, mode: Literal["socket", "http"]) -> None:
    with slack_room(tmp_path / "data", mode=mode) as (slack, _):
        card = ask(slack, "/vmkerr", "0xbad0022")
    assert "ephemeral_to" not in card
    assert card["text"] == "0xbad0022: SCSI reservation conflict (ESX 3.5) or Read only (ESXi 5.0 – 6.0, DDK 2024)"
    assert drawn(card).splitlines()[0] == "0xbad0022 = 195887138"
    assert "ESX releases disagree" in drawn(card)
    assert f"requested by <@{VISITOR}>" in drawn(card)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("195887138", "Read only"),
        ("bad0022", "Read only"),
        ("reservation conflict", "0xbad0023"),
        ("VMK_RESERVATION_CONFLICT", "0xbad0023"),
        ("EBUSY release=esxi-6.0", "VMK_BUSY"),
        ("0xbad0022 --release esx-3.5", "SCSI reservation conflict"),
    ],
)
def test_code_is_found_in_every_form(slack: LocalSlack, typed: str, said: str) -> None:
    assert said in drawn(ask(slack, "/vmkerr", typed))


@pytest.mark.parametrize("typed", ["", "0xzz", "bad", "9" * 40, "🔥", "x" * 10_000, "0xbad0022 --release vista"])
def test_wrong_question_is_answered_only_to_the_user(slack: LocalSlack, typed: str) -> None:
    answer = ask(slack, "/vmkerr", typed)
    assert answer["ephemeral_to"] == VISITOR
    assert drawn(answer).startswith("⚠️")


def test_command_that_is_delivered_twice_is_answered_once(slack: LocalSlack) -> None:
    before = len(slack.messages(ONCALL))
    slack.repeat_next("slash_commands")
    ask(slack, "/vmkerr", "0xbad0022")
    ask(slack, "/vmkops", "")
    assert len(slack.messages(ONCALL)) == before + 2


def test_help_lists_every_command_to_the_user(slack: LocalSlack) -> None:
    answer = ask(slack, "/vmkops", "")
    assert answer["ephemeral_to"] == VISITOR
    assert all(f"`{command}" in drawn(answer) for command in COMMANDS)


def test_lost_connection_is_opened_again(slack: LocalSlack) -> None:
    slack.drop_connections()
    slack.wait_for(lambda: not slack.connected(), what="the disconnection")
    slack.wait_connected(timeout=40)
    assert "Read only" in drawn(ask(slack, "/vmkerr", "0xbad0022"))


def test_backup_without_a_vcenter_names_the_setting(slack: LocalSlack) -> None:
    answer = answer_to(slack, OPERATOR, "/backup", "web-01")
    assert answer["ephemeral_to"] == OPERATOR
    assert "VMKOPS_VCENTER_URL" in drawn(answer)


def test_user_who_is_not_an_operator_is_refused_in_private(slack: LocalSlack) -> None:
    answer = ask(slack, "/backup", "web-01")
    assert answer["ephemeral_to"] == VISITOR
    assert "VMKOPS_SLACK_OPERATORS" in drawn(answer)


def test_imported_release_is_offered_and_can_be_typed(tmp_path: Path) -> None:
    rows = [line for line in listing("esxi-6.0").splitlines() if "0xbad" in line]
    with slack_room(tmp_path / "data") as (slack, service):
        (tmp_path / "listing.txt").write_text("\n".join(rows), "utf-8")
        imported = service.run("vmkerr", "import", str(tmp_path / "listing.txt"), "--release", "esxi-8.0u2")
        assert imported.returncode == 0, imported.stderr

        offered = drawn(ask(slack, "/vmkerr", "EINVAL"))
        answered = drawn(ask(slack, "/vmkerr", "0xbad0022 release=esxi-8.0u2"))

    assert "`release=esxi-8.0u2`" in offered
    assert "Read only" in answered
    assert "SCSI reservation conflict" not in answered
