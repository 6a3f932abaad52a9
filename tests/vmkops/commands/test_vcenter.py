"""`vmkops vcenter role` on a terminal: commands for PowerCLI or govc, JSON on request."""

from __future__ import annotations

import json

import pytest

from vmkops.commands.vcenter import run


def test_role_is_printed_for_powercli_or_govc(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["role", "back-up"]) == 0
    assert "New-VIRole -Name 'vmkops-back-up' -Privilege (Get-VIPrivilege -Id @(" in capsys.readouterr().out
    assert run(["role", "back-up", "--format", "govc"]) == 0
    assert capsys.readouterr().out.startswith("govc role.create vmkops-back-up \\\n")


def test_role_as_json_has_the_source_of_each_privilege(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["role", "restore", "--json"]) == 0

    role = json.loads(capsys.readouterr().out)

    assert "VApp.Import" in role["ids"]
    assert all(each["source"] for each in role["privileges"])


def test_unknown_tier_is_wrong_usage_and_names_the_tiers(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["role", "everything"]) == 2
    assert "look, back-up, restore, operate" in capsys.readouterr().err.replace("'", "")
