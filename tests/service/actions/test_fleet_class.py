"""A fleet asks for a yes whenever one of its jobs could."""

from __future__ import annotations

import pytest

from service.actions.fleet import ACTION
from service.api.models import ActionClass
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
