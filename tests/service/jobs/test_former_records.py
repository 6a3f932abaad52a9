"""Records of version 0.1.0 are converted once, on SQLite and PostgreSQL, and what cannot be read is replaced."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import DBOS, WorkflowStatus

from service.api.settings import read_settings
from service.errors import SnapshotLeft
from service.jobs import former_records
from service.jobs.former_records import BATCH, INPUT, OUTPUT, SCHEDULES, STATUS, STEPS, WITH_FORM, convert
from service.jobs.serializer import NAME, PICKLE, unreadable
from service.store.database import engine_url
from tests.peers.fetch import require
from tests.peers.postgres import Postgres
from tests.service.jobs.test_pickled import Calls, stored

AT = datetime(2026, 1, 2, tzinfo=UTC)
INPUTS = {"args": ("backup", {"vm": "moref:vm-7"}, "token:ops"), "kwargs": {}}
FIRING = {"args": (AT, {"name": "nightly"}), "kwargs": {}}
EVENTS = next(table for table in WITH_FORM if table.name == "workflow_events_history")


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """The database of the jobs with the engine's tables."""
    with contextlib.ExitStack() as stack:
        settings = {"VMKOPS_DATA_DIR": str(tmp_path)}
        if request.param == "postgres":
            require("postgres")
            settings["VMKOPS_DATABASE_URL"] = stack.enter_context(Postgres()).url
        url = engine_url(read_settings(settings), "jobs")
        DBOS.migrate(url)
        made = sa.create_engine(url)
        stack.callback(made.dispose)
        yield made.execution_options(schema_translate_map={None: "dbos" if request.param == "postgres" else None})


def add(engine: sa.Engine, table: sa.Table, **values: object) -> None:
    """A row; columns that these tests do not look at have a zero or what the engine gives them."""
    with engine.begin() as connection:
        known = {each["name"] for each in sa.inspect(connection).get_columns(table.name, schema=_schema(engine))}
        filled = {"priority": 0, "created_at": 0, "updated_at": 0, "retention_timestamp": 0, "schedule_id": "s"}
        filled |= {"function_name": "step", "workflow_name": "vmkops.schedule", "schedule": "@daily"}
        row = {key: value for key, value in filled.items() if key in known} | values
        connection.execute(sa.insert(sa.table(table.name, *map(sa.column, row), schema=_schema(engine))).values(row))


def _schema(engine: sa.Engine) -> str | None:
    return "dbos" if engine.name == "postgresql" else None


def job(engine: sa.Engine, job_id: str, *, inputs: str, form: str | None = PICKLE, **values: object) -> None:
    """A job that version 0.1.0 recorded."""
    add(engine, STATUS, workflow_uuid=job_id, serialization=form, **{"application_version": "1", **values})
    add(engine, INPUT, workflow_uuid=job_id, inputs=inputs)


def rows(engine: sa.Engine, *columns: sa.Column[Any]) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns).order_by(*columns))]


def test_records_of_each_table_become_json(engine: sa.Engine) -> None:
    job(engine, "j1", inputs=stored(INPUTS), status="PENDING")
    add(
        engine,
        OUTPUT,
        workflow_uuid="j1",
        output=stored({"state": "succeeded"}),
        error=stored(SnapshotLeft("It stays.")),
    )
    job(engine, "sched-1", inputs=stored(FIRING), form=None, status="ENQUEUED")
    add(engine, SCHEDULES, schedule_name="nightly", context=stored({"name": "nightly"}))
    for table, columns in WITH_FORM.items():
        ids = (
            {"message_uuid": "m1", "destination_uuid": "j1"}
            if table.name == "notifications"
            else {"workflow_uuid": "j1"}
        )
        keys = {key.name: 1 if isinstance(key.type, sa.Integer) else "k" for key in table.primary_key.columns}
        also = {"function_id": 1} if table.name == "streams" else {}
        records = {column: stored({"detail": column}) for column in columns}
        add(engine, table, serialization=PICKLE, **{**keys, **ids, **also, **records})

    convert(engine, "2")

    error = {"$error": {"name": "SnapshotLeft", "detail": "It stays.", "suggestions": []}}
    assert rows(engine, STATUS.c.workflow_uuid, STATUS.c.serialization, STATUS.c.application_version) == [
        ("j1", NAME, "2"),
        ("sched-1", None, "2"),
    ]
    firing = {"args": [{"$datetime": AT.isoformat()}, {"name": "nightly"}], "kwargs": {}}
    read = {key: json.loads(text) for key, text in rows(engine, INPUT.c.workflow_uuid, INPUT.c.inputs)}
    assert read == {"j1": {**INPUTS, "args": list(INPUTS["args"])}, "sched-1": firing}
    ((output, failure),) = rows(engine, OUTPUT.c.output, OUTPUT.c.error)
    assert (json.loads(output), json.loads(failure)) == ({"state": "succeeded"}, error)
    assert rows(engine, SCHEDULES.c.context, SCHEDULES.c.status) == [('{"name":"nightly"}', "ACTIVE")]
    for table, columns in WITH_FORM.items():
        assert rows(engine, table.c.serialization) == [(NAME,)]
        for column in columns:
            assert rows(engine, table.c[column]) == [(f'{{"detail":"{column}"}}',)]


def test_record_that_runs_code_is_replaced_and_runs_nothing(engine: sa.Engine, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    evil = stored(Calls(os.system, f"touch {marker}"))
    job(engine, "j1", inputs=evil, status="PENDING")
    add(engine, STEPS, workflow_uuid="j1", function_id=1, output=stored(1), error=evil, serialization=PICKLE)
    add(engine, SCHEDULES, schedule_name="nightly", context=evil)

    convert(engine, "2")

    assert not marker.exists()
    assert rows(engine, INPUT.c.inputs) == [(unreadable(),)]
    assert rows(engine, STEPS.c.output, STEPS.c.error) == [("1", unreadable())]
    assert rows(engine, SCHEDULES.c.context, SCHEDULES.c.status) == [(unreadable(), "PAUSED")]


def test_jobs_of_another_format_and_jobs_that_have_ended_keep_their_format(engine: sa.Engine) -> None:
    job(engine, "ended", inputs=stored(INPUTS), status="SUCCESS")
    job(engine, "later", inputs='{"args":[],"kwargs":{}}', form=NAME, status="PENDING", application_version="3")

    convert(engine, "2")

    assert rows(engine, STATUS.c.workflow_uuid, STATUS.c.application_version) == [("ended", "1"), ("later", "3")]


def test_conversion_that_was_interrupted_goes_on_and_a_second_one_changes_nothing(engine: sa.Engine) -> None:
    add(engine, STATUS, workflow_uuid="j1", serialization=NAME)
    count = BATCH + 3
    with engine.begin() as connection:
        connection.execute(
            EVENTS.insert(),
            [
                {"workflow_uuid": "j1", "function_id": number, "key": "now", "value": value, "serialization": form}
                for number in range(count)
                for value, form in [(str(number), NAME) if number % 3 == 0 else (stored(number), PICKLE)]
            ],
        )

    convert(engine, "2")

    expected = [(number, str(number), NAME) for number in range(count)]
    assert rows(engine, EVENTS.c.function_id, EVENTS.c.value, EVENTS.c.serialization) == expected
    convert(engine, "2")
    assert rows(engine, EVENTS.c.function_id, EVENTS.c.value, EVENTS.c.serialization) == expected
    assert former_records.FORMER_FORMAT == "1"


def test_answers_of_the_engine_in_the_firing_of_a_schedule_are_dropped(
    engine: sa.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    answer = stored([Calls(WorkflowStatus)])
    names = {"function_name": "DBOS.listWorkflows", "serialization": PICKLE}
    add(engine, STEPS, workflow_uuid="sched-1", function_id=2, output=answer, **names)

    convert(engine, "2")

    assert rows(engine, STEPS.c.output, STEPS.c.serialization) == [("null", NAME)]
    assert "cannot be read" not in caplog.text
