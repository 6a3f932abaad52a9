"""Every host action declares everything about itself, so that HTTP, Slack and the command line know none by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from service.actions import all_actions
from service.api.models import ActionClass, JobState
from service.jobs import view
from service.jobs.action import Action, Target

ACTIONS = all_actions()


@pytest.fixture(params=sorted(ACTIONS))
def action(request: pytest.FixtureRequest) -> Action:
    return ACTIONS[request.param]


CLASSES = {
    "answer-question": "disruptive",
    "backup": "safe",
    "consolidate": "disruptive",
    "copy-backup": "safe",
    "disconnect-removables": "disruptive",
    "export-ovf": "safe",
    "fetch-backup": "safe",
    "fleet": "destructive",
    "guest-shutdown": "disruptive",
    "host-maintenance-enter": "disruptive",
    "host-maintenance-exit": "safe",
    "import-ovf": "safe",
    "iscsi-add-target": "safe",
    "migrate": "disruptive",
    "mount": "safe",
    "ping": "read",
    "power-off": "disruptive",
    "power-on": "safe",
    "prune-backups": "destructive",
    "rescan": "safe",
    "reset": "disruptive",
    "restore": "safe",
    "restore-disk": "safe",
    "restore-drill": "safe",
    "serial-pipe": "safe",
    "set-time-sync": "disruptive",
    "snapshot-create": "safe",
    "snapshot-remove": "destructive",
    "snapshot-revert": "destructive",
    "verify-backup": "read",
}


def test_each_action_has_its_class() -> None:
    assert {name: action.action_class for name, action in ACTIONS.items()} == CLASSES


def test_class_is_declared_in_the_module_of_the_action(action: Action) -> None:
    assert "action_class" in vars(type(action))


def test_readme_names_the_actions_that_ask_first() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text("utf-8")
    for wanted in ("disruptive", "destructive"):
        (names,) = re.findall(rf"`{wanted}` \(([^)]*)\)", readme)
        assert set(re.findall(r"`([a-z-]+)`", names)) == {name for name, each in CLASSES.items() if each == wanted}


def test_disruptive_and_destructive_actions_ask_first() -> None:
    assert [each.value for each in ActionClass if each.asks_first] == ["disruptive", "destructive"]


def test_label_of_an_action_names_its_target(action: Action) -> None:
    params = {name: f"<{name}>" for name in action.params.model_fields}
    label = action.label_for(Target(key="k", name="web-01", params=params))
    assert "web-01" in label
    assert label[0].isupper()
    assert len(label) <= 60


@pytest.mark.parametrize(
    ("name", "params", "label"),
    [
        ("power-off", {"vm": "vm-42"}, "Power off web-01"),
        ("guest-shutdown", {"vm": "vm-42", "wait_seconds": 300}, "Shut down web-01"),
        ("snapshot-revert", {"vm": "vm-42", "snapshot": "snapshot-7"}, "Revert web-01 to snapshot-7"),
        ("answer-question", {"vm": "vm-42", "choice": "{target}"}, "Answer {target} for web-01"),
        ("restore", {"onto": "vm-42"}, "Replace the disks of web-01"),
    ],
)
def test_label_reads_as_a_button(name: str, params: dict[str, Any], label: str) -> None:
    assert ACTIONS[name].label_for(Target(key="k", name="web-01", params=params)) == label


@pytest.mark.parametrize(
    ("name", "params", "steps"),
    [
        ("restore", {"onto": ""}, ["read the package", "send the disks", "look at the VM"]),
        ("restore", {"onto": "moref:vm-42"}, ["safety snapshot", "swap the disks", "remove the temporary VM"]),
        ("restore-disk", {}, ["move the disks", "attach the disk", "remove the temporary VM"]),
        ("restore-drill", {"boot_seconds": 0}, ["send the disks", "look at the VM", "remove the VM"]),
        ("restore-drill", {"boot_seconds": 300}, ["take a picture", "power off", "remove the VM"]),
        ("import-ovf", {"source": "web.ova", "url_file": ""}, ["read the package", "send the disks", "look at the VM"]),
        (
            "import-ovf",
            {"source": "https://ovf.example.com/web.ova", "url_file": ""},
            ["send the disks", "look at the VM", "remove what was fetched"],
        ),
        ("host-maintenance-enter", {"evacuate": False}, ["check", "enter maintenance mode"]),
        ("backup", {}, ["back up", "unmount", "remove snapshot"]),
        ("backup", {"type": "file"}, ["unmount", "remove snapshot", "extract the files"]),
    ],
)
def test_plan_ends_with_what_a_job_without_a_failure_does(name: str, params: dict[str, Any], steps: list[str]) -> None:
    assert list(ACTIONS[name].plan_of(params)[-3:]) == steps


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


@pytest.mark.parametrize("given", [{"onto": ""}, {"onto": "moref:vm-42"}])
def test_plan_has_the_names_under_which_a_job_shows_its_steps(action: Action, given: dict[str, Any]) -> None:
    defaults = {"boot_seconds": 300, "evacuate": False, "source": "web.ova", "url_file": ""}
    params = {**defaults, **given}
    words = action.step_words(params)
    record = [{"function_name": name} for name in action.steps_of(params)]

    shown = [step.name for step in view.steps(record, None, action.steps_of(params), JobState.SUCCEEDED, words)]

    assert [name for name in shown if name in action.plan_of(params)] == list(action.plan_of(params))
