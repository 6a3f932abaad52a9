"""A live job of an older version whose record was replaced by a harmful one fails, leaves nothing, and runs nothing."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.e2e.upgrade.conftest import Left
from tests.e2e.upgrade.record import LIVE
from tests.e2e.upgrade.test_outdated import assert_nothing_left
from tests.service.jobs.test_pickled import Calls, stored

INPUT = "UPDATE workflow_input SET inputs = ? WHERE workflow_uuid = ?"
STEP = "UPDATE operation_outputs SET output = ? WHERE workflow_uuid = ? AND function_name = ?"
EVENT = "UPDATE workflow_events SET value = ? WHERE workflow_uuid = ?"


@pytest.mark.parametrize("protocol", [0, 4])
def test_live_job_with_a_harmful_record_fails_and_nothing_runs_or_is_left(left: Left, protocol: int) -> None:
    marker = left.data_dir.parent / "ran"
    evil = stored(Calls(os.system, f"touch {marker}"), protocol)
    left.change("jobs", INPUT, evil, left.job_id("queued"))
    left.change("jobs", STEP, evil, left.job_id("copying"), "snapshot")
    left.change("jobs", STEP, evil, left.job_id("finishing"), "quiesce")
    left.change("jobs", EVENT, evil, left.job_id("stopping"))

    with left.service() as service:
        ended = {name: service.ended(left.job_id(name)) for name in LIVE}
        assert_nothing_left(left, service)

    def assert_refused(job: dict[str, Any]) -> None:
        assert (job["state"], job["error"]["type"]) == ("failed", "urn:vmkops:record-unreadable")
        assert job["error"]["detail"].startswith("vmkops cannot read its record of this job")

    for name in ("queued", "copying", "finishing"):
        assert_refused(ended[name])
    assert (ended["stopping"]["state"], ended["restoring"]["state"]) == ("succeeded", "succeeded")
    assert not marker.exists()
