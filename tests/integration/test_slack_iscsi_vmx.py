"""`/iscsi` and `/vmx` in Slack, from the typed command to the drawn card."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.slack_room import answer_to, drawn
from tests.peers.local_slack import VISITOR, LocalSlack

NAME = "iqn.2001-04.com.example:disk1"
PIPE = "/vmfs/volumes/ds1/pipe"


def ask(slack: LocalSlack, command: str, text: str) -> dict[str, Any]:
    return answer_to(slack, VISITOR, command, text)


@pytest.mark.parametrize("typed", [NAME, f"`{NAME}`", f"validate {NAME}", f"“{NAME}”"])
def test_valid_name_is_answered_in_the_channel(slack: LocalSlack, typed: str) -> None:
    card = ask(slack, "/iscsi", typed)

    assert "ephemeral_to" not in card
    assert card["text"] == f"{NAME}: valid"
    assert drawn(card).splitlines()[:2] == [NAME, "✅ *Valid*"]
    assert "example.com" in drawn(card)
    assert f"requested by <@{VISITOR}>" in drawn(card)


def test_invalid_name_is_answered_with_the_rule_and_a_suggestion(slack: LocalSlack) -> None:
    card = ask(slack, "/iscsi", "iqn.2001-04.com.example:disk_1")

    assert "ephemeral_to" not in card
    assert "❌ *Not a valid iSCSI name*" in drawn(card)
    assert "`prohibited-character`" in drawn(card)
    assert "Did you mean `iqn.2001-04.com.example:disk-1`?" in drawn(card)
    assert "Kubernetes" in drawn(card)


def test_address_is_split_into_its_parts(slack: LocalSlack) -> None:
    card = ask(slack, "/iscsi", f"address [2001:db8::10],{NAME}")

    assert f"✅ host `2001:db8::10`  ·  port `3260 (assumed)`  ·  name `{NAME}`" in drawn(card)


def test_invalid_address_is_answered_with_the_reason(slack: LocalSlack) -> None:
    card = ask(slack, "/iscsi", f"address 192.0.2.999:70000,{NAME}")

    assert "❌ *Not a valid iSCSI address*" in drawn(card)
    assert "`address-host`" in drawn(card)


def test_discovery_lists_the_three_mechanisms_and_what_esx_3_supports(slack: LocalSlack) -> None:
    card = drawn(ask(slack, "/iscsi", "discovery"))

    assert all(name in card for name in ("*Static configuration*", "*SendTargets*", "*Zero-configuration*"))
    assert "❌ `esx-3` Not supported" in card


@pytest.mark.parametrize("typed", ["", "address", "validate  ", "x" * 600])
def test_wrong_arguments_of_iscsi_are_answered_only_to_the_user(slack: LocalSlack, typed: str) -> None:
    answer = ask(slack, "/iscsi", typed)

    assert answer["ephemeral_to"] == VISITOR
    assert "Usage: `/iscsi NAME" in drawn(answer)


def test_vmx_without_arguments_lists_the_snippets_to_the_user(slack: LocalSlack) -> None:
    answer = ask(slack, "/vmx", "")

    assert answer["ephemeral_to"] == VISITOR
    assert "`/vmx serial-pipe path=/vmfs/" in drawn(answer)
    assert "`/vmx boot-order`" in drawn(answer)


def test_snippet_is_answered_in_the_channel_for_both_vms(slack: LocalSlack) -> None:
    card = ask(slack, "/vmx", f"serial-pipe path={PIPE}")

    assert "ephemeral_to" not in card
    assert drawn(card).count("```") == 4
    assert "*VMX of the client VM*" in drawn(card)
    assert 'serial0.pipe.endPoint = "client"' in drawn(card)
    assert "tryNoRxLoss" in drawn(card)


def test_value_with_spaces_can_be_in_curly_quotation_marks(slack: LocalSlack) -> None:
    card = ask(slack, "/vmx", "appliance annotation=“Mail relay & <more>” name=relay")

    assert 'annotation = "Mail relay &amp; &lt;more&gt;"' in drawn(card)
    assert 'displayName = "relay"' in drawn(card)


def test_missing_parameter_is_answered_with_a_command_to_try(slack: LocalSlack) -> None:
    answer = ask(slack, "/vmx", "serial-pipe")

    assert answer["ephemeral_to"] == VISITOR
    assert "path" in drawn(answer)
    assert "`/vmx serial-pipe path=/vmfs/" in drawn(answer)


def test_unknown_snippet_is_answered_with_similar_names(slack: LocalSlack) -> None:
    answer = ask(slack, "/vmx", "serial-pip")

    assert answer["ephemeral_to"] == VISITOR
    assert "`/vmx serial-pipe`" in drawn(answer)


@pytest.mark.parametrize("typed", [f"serial-pipe {PIPE}", "nic type=e1000 type=vlance", 'nic network="open'])
def test_invalid_parameters_are_answered_with_the_usage(slack: LocalSlack, typed: str) -> None:
    answer = ask(slack, "/vmx", typed)

    assert answer["ephemeral_to"] == VISITOR
    assert "Usage: `/vmx" in drawn(answer)


@pytest.mark.parametrize("command", ["/iscsi", "/vmx"])
def test_help_shows_the_usage(slack: LocalSlack, command: str) -> None:
    assert f"Usage: `{command}" in drawn(ask(slack, command, "help"))
