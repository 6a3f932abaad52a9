"""The engine's records of jobs, read directly, are what the engine itself reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.jobs import tables
from service.jobs.former_records import STATUS, STEPS
from service.jobs.records import KEYS, WORKFLOW, Records
from service.jobs.serializer import NAME
from service.jobs.view import LIVE
from tests.service.jobs.test_former_records import add
from tests.service.jobs.test_former_records import engine as engine  # a fixture

EVENTS = sa.table(tables.EVENTS.name)
ODD = 'vm:läb "1" %_\\/vm-1'


def add_job(engine: sa.Engine, job_id: str, *keys: str, status: str = "PENDING", **values: object) -> None:
    attributes = json.dumps({"action": "ping", "target": job_id, KEYS: keys, "params": {"vm": "vm:vm-9"}})
    made = {"name": WORKFLOW, "status": status, "attributes": attributes, "serialization": NAME}
    add(engine, STATUS, workflow_uuid=job_id, **{**made, **values})


def test_live_jobs_with_one_of_the_keys_are_found_by_age(engine: sa.Engine) -> None:
    add_job(engine, "second", "vm:vm-1", "vm:vm-2", created_at=2)
    add_job(engine, "first", "vm:vm-2", created_at=1, status="ENQUEUED")
    add_job(engine, "odd", ODD)
    add_job(engine, "other", "vm:vm-11")
    add_job(engine, "ended", "vm:vm-1", status="SUCCESS")
    add_job(engine, "firing", "vm:vm-1", name="vmkops.schedule")
    add_job(engine, "bare", attributes=None)
    records = Records(engine)

    def found(*keys: str) -> list[str]:
        return [each.workflow_id for each in records.holders(keys)]

    assert found("vm:vm-2") == ["first", "second"]
    assert found("vm:vm-1") == ["second"]
    assert found("vm:vm-1", "vm:vm-11", "vm:vm-3") == ["other", "second"]
    assert found(ODD) == ["odd"]
    assert found("vm:vm-9") == found("vm:vm-%") == found("vm:VM-1") == found() == []
    (only,) = records.holders([ODD])
    assert only.attributes == {"action": "ping", "target": "odd", KEYS: [ODD], "params": {"vm": "vm:vm-9"}}


@pytest.mark.parametrize("status", LIVE)
def test_jobs_in_each_live_state_hold_their_keys(engine: sa.Engine, status: str) -> None:
    add_job(engine, "j", "vm:vm-1", status=status)

    assert [each.workflow_id for each in Records(engine).holders(["vm:vm-1"])] == ["j"]


def test_jobs_that_ended_are_not_read_to_find_live_ones(tmp_path: Path) -> None:
    made = sa.create_engine(f"sqlite:///{tmp_path}/jobs.sqlite")
    tables.make_tables(str(made.url))
    asked: list[tuple[str, Any]] = []
    sa.event.listen(made, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    Records(made).holders(["vm:vm-1"])
    (statement, values), *_ = asked

    with made.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    made.dispose()

    scans = sorted(row.detail.rpartition(" ")[2] for row in plan if row.detail.startswith("SCAN workflow_status"))
    assert scans == ["idx_workflow_status_delayed", "idx_workflow_status_in_flight_v2"]


def test_job_comes_with_its_steps_and_events(engine: sa.Engine) -> None:
    add_job(engine, "j", status="ERROR", created_at=1, updated_at=4, started_at_epoch_ms=2, completed_at=3, error='"x"')
    add(engine, sa.table("workflow_output"), workflow_uuid="j", output='{"state":"succeeded"}')
    for number, output in ((2, "broken"), (1, '{"detail":"done"}')):
        made = {"function_id": number, "function_name": f"step {number}", "output": output, "serialization": NAME}
        add(engine, STEPS, workflow_uuid="j", started_at_epoch_ms=number, completed_at_epoch_ms=5, **made)
    add(engine, EVENTS, workflow_uuid="j", key="now", value='{"step":"s"}', serialization=NAME)
    records = Records(engine)

    job = records.job("j")

    assert job is not None
    whole = records.whole(job)
    assert whole.job is job
    assert (job.status, job.output, job.error) == ("ERROR", {"state": "succeeded"}, "x")
    assert (job.created_at, job.dequeued_at, job.completed_at, job.updated_at) == (1, 2, 3, 4)
    ends = {"error": None, "completed_at_epoch_ms": 5}
    assert whole.steps == [
        {"function_name": "step 1", "output": {"detail": "done"}, "started_at_epoch_ms": 1, **ends},
        {"function_name": "step 2", "output": "broken", "started_at_epoch_ms": 2, **ends},
    ]
    assert whole.events == {"now": {"step": "s"}}
    assert records.job("k") is None


@pytest.mark.parametrize("text", ["broken", '{"$error":1}'])
def test_events_that_cannot_be_read_are_left_out(engine: sa.Engine, text: str) -> None:
    add_job(engine, "j")
    add(engine, EVENTS, workflow_uuid="j", key="now", value=text, serialization=NAME)

    records = Records(engine)
    job = records.job("j")

    assert job is not None
    assert records.whole(job).events == {}
