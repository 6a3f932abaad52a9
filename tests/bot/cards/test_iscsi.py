"""Slack accepts the card of any iSCSI verdict."""

from __future__ import annotations

from bot.cards.iscsi import address_card, name_card
from service.api.adapter import adapter
from service.api.client import IscsiAddress, IscsiName
from tests.bot.slack_limits import assert_slack_takes, drawn

PROBLEM = {"rule": "prohibited-character", "severity": "error", "message": "<b> & *_~`", "source": "RFC 3722"}


def test_slack_accepts_a_long_verdict_with_special_characters() -> None:
    verdict = {"who": "<!channel>", "why": "&" * 400, "source": "x"}
    name = adapter(IscsiName).validate_python(
        {
            "name": "`<@U1> *" * 60,
            "valid": False,
            "type": None,
            "normalized": None,
            "parts": None,
            "problems": [PROBLEM] * 60,
            "explanation": [],
            "suggestion": "iqn.2001-04.com.example:a",
            "refused_by": [],
            "accepted_by": [verdict] * 12,
        }
    )
    card = name_card(name, asked_by="<@U1>")

    assert_slack_takes(card)
    assert "❌ *Not a valid iSCSI name*" in drawn(card)
    assert "Did you mean `iqn.2001-04.com.example:a`?" in drawn(card)


def test_address_without_a_host_shows_only_its_known_parts() -> None:
    address = adapter(IscsiAddress).validate_python(
        {
            "address": ",",
            "valid": False,
            "host": None,
            "host_kind": None,
            "port": None,
            "port_assumed": False,
            "portal_group": None,
            "name": None,
            "problems": [PROBLEM],
            "suggestions": ["192.0.2.10:3260", "192.0.2.11:3260"],
        }
    )
    card = address_card(address, asked_by="<@U1>")

    assert_slack_takes(card)
    assert "host" not in drawn(card)
    assert "Did you mean `192.0.2.10:3260` or `192.0.2.11:3260`?" in drawn(card)
