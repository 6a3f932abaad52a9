"""Every host action declares everything about itself, so that HTTP, Slack and the command line know none by name."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from service.actions import all_actions
from service.jobs.action import Action

ACTIONS = all_actions()


@pytest.fixture(params=sorted(ACTIONS))
def action(request: pytest.FixtureRequest) -> Action:
    return ACTIONS[request.param]


def test_the_catalogue_is_complete() -> None:
    assert set(ACTIONS) == {
        "answer-question",
        "backup",
        "disconnect-removables",
        "export-ovf",
        "guest-shutdown",
        "host-maintenance-enter",
        "host-maintenance-exit",
        "import-ovf",
        "iscsi-add-target",
        "ping",
        "power-off",
        "power-on",
        "prune-backups",
        "rescan",
        "reset",
        "restore",
        "restore-drill",
        "serial-pipe",
        "set-time-sync",
        "snapshot-create",
        "snapshot-remove",
        "snapshot-revert",
        "verify-backup",
    }


def test_module_of_an_action_has_its_name(action: Action) -> None:
    assert type(action).__module__ == f"service.actions.{action.name.replace('-', '_')}"


def test_summary_is_one_short_sentence(action: Action) -> None:
    assert action.summary[0].isupper()
    assert action.summary.endswith((".", ")"))
    assert len(action.summary) <= 120


def test_steps_have_different_names_without_a_colon(action: Action) -> None:
    assert action.steps
    assert len(set(action.steps)) == len(action.steps)
    assert not any(": " in step for step in action.steps), "text after a colon counts as the part of a step"


def test_every_parameter_is_described_in_the_schema(action: Action) -> None:
    schema = action.params.model_json_schema()
    assert schema["additionalProperties"] is False
    assert all(each.get("description") for each in schema.get("properties", {}).values())


def test_parameter_outside_the_schema_is_refused(action: Action) -> None:
    with pytest.raises(ValidationError, match=r"extra_forbidden|Extra inputs"):
        action.params.model_validate({"surprise": 1})
