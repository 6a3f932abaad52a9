"""`/p2v` in Slack, from the typed command to the drawn card: the real service and a local Slack."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.slack_room import answer_to, drawn
from tests.peers.local_slack import VISITOR, LocalSlack


def ask(slack: LocalSlack, text: str) -> dict[str, Any]:
    return answer_to(slack, VISITOR, "/p2v", text)


def test_checklist_is_answered_in_the_channel_with_the_decisive_commands(slack: LocalSlack) -> None:
    card = ask(slack, "centos 4 disk=sda:39070080 disk=hdb target=10.4.1.3")

    assert "ephemeral_to" not in card
    assert drawn(card).startswith("Linux P2V: CentOS 4")
    assert "*Cloning the disks over the network*  6 steps, 2 optional" in drawn(card)
    assert "source: `dd if=/dev/sda | nc 10.4.1.3 9001`" in drawn(card)
    assert "target: `nc -l -p 9002 | dd of=/dev/sdb`" in drawn(card)
    assert "--with=mptscsih" in drawn(card)
    assert "`/p2v/checklist?distribution=centos&amp;version=4&amp;disk=sda%3A39070080&amp;disk=hdb" in drawn(card)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Red Hat Enterprise Linux 3 lvm", "Linux P2V: Red Hat Enterprise Linux 3"),
        ("cemtos 4", "Did you mean centos"),
        ("ubuntu 22.04 --disk vda:36GB --target 10.4.1.3", "nc 10.4.1.3 9001"),
        ("estimate 39070080", "44 min 28 s at 14.3 MB/s"),
        ("estimate 36 GB rate=100MB/s", "5 min 43 s at 100 MB/s"),
        ("tools", "PlateSpin PowerConvert"),
        ("help", "Usage: `/p2v"),
    ],
)
def test_every_form_of_the_question_is_answered(slack: LocalSlack, typed: str, said: str) -> None:
    assert said in drawn(ask(slack, typed))


@pytest.mark.parametrize(
    "typed",
    ["", "estimate", "estimate large", "centos 4 disk=$(reboot)", "centos;id 4", "centos 4 --colour red", "x" * 1000],
)
def test_wrong_question_is_answered_only_to_the_user(slack: LocalSlack, typed: str) -> None:
    answer = ask(slack, typed)

    assert answer["ephemeral_to"] == VISITOR
    assert drawn(answer).startswith("⚠️")
