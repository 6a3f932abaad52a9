"""What a dry run of a fleet says: its class, which asks whenever one of its jobs could, and what its VMs bring up."""

from __future__ import annotations

import re

import pytest

from service.actions._fleet_preview import summed_up
from service.actions.fleet import ACTION, FleetParams, inner_action
from service.api.models import ActionClass
from service.api.settings import Settings
from service.errors import InvalidParams
from service.jobs.action import Target


@pytest.mark.parametrize(
    ("action", "keep", "expected"),
    [
        ("backup", "", ActionClass.SAFE),
        ("backup", "7d", ActionClass.DESTRUCTIVE),
        ("restore", "", ActionClass.DISRUPTIVE),
        ("restore-drill", "", ActionClass.DISRUPTIVE),
        ("power-off", "", ActionClass.DISRUPTIVE),
    ],
)
def test_fleet_is_as_harmful_as_the_worst_of_its_jobs_can_be(action: str, keep: str, expected: ActionClass) -> None:
    params = {"action": action, "keep": keep, "params": {}}
    assert ACTION.class_for(Target(key="fleet", name="all", params=params)) is expected


@pytest.mark.parametrize(
    ("name", "said"), [("bakcup", "Did you mean backup?"), ("fleet", "These do: answer-question, backup, ")]
)
def test_action_that_a_fleet_cannot_run_is_refused_with_those_that_it_can(name: str, said: str) -> None:
    with pytest.raises(InvalidParams, match=f"no action '{name}' that acts on one VM. {re.escape(said)}"):
        inner_action(name)


@pytest.mark.parametrize(
    ("allowed", "channel", "refused"),
    [
        ("", "#any", False),
        ("ops, C012AB3CD", "#ops", False),
        ("#ops C012AB3CD", "C012AB3CD", False),
        ("#ops", "#all", True),
    ],
)
def test_report_goes_only_to_channels_that_the_settings_allow(allowed: str, channel: str, refused: bool) -> None:
    settings = Settings.model_validate({"VMKOPS_REPORT_CHANNELS": allowed})

    why = ACTION.forbidden(settings, FleetParams(vms="all", report_to=channel))

    assert bool(why) is refused
    assert not refused or why.startswith("A report may not go to #all: VMKOPS_REPORT_CHANNELS allows #ops only.")


def test_findings_of_the_vms_are_counted_and_the_first_few_are_named() -> None:
    found = [(f"web-{number}", ["It has no VMware Tools.", "Refused: It is a template."]) for number in range(7)]

    said = [check.message for check in summed_up(found, 50, 300)]

    assert said[0].startswith("Only 50 of 300 VMs were checked.")
    assert said[1:3] == [
        "7 of 50 VMs have warnings:",
        "web-0: It has no VMware Tools. Refused: It is a template.",
    ]
    assert (len(said), said[-1]) == (8, "And 2 VMs more. A dry run of one VM shows its warnings.")
    assert list(summed_up([], 300, 300)) == []
