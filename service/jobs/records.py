"""Reads the engine's records of jobs directly, with statements that are made once.

The engine's own calls build their statements anew each time, which takes most of their CPU time. These calls are no
steps of a workflow either, wherever they are made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from dbos._serialization import deserialize_value, safe_deserialize
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from service.api.settings import Settings
from service.errors import RecordUnreadable
from service.jobs import tables
from service.jobs.claims import KEYS, WORKFLOW
from service.jobs.serializer import RecordSerializer
from service.store.database import driver_options, engine_url

_SERIALIZER = RecordSerializer()


class Record(NamedTuple):
    """What the engine records of a job itself; times are in milliseconds since 1970, None for what has not happened.

    `output` and `error` are the text of the record when it cannot be read.
    """

    workflow_id: str
    status: str
    attributes: Mapping[str, Any] | None
    executor_id: str | None
    created_at: int
    updated_at: int
    dequeued_at: int | None
    completed_at: int | None
    output: Any
    error: Any


class Recorded(NamedTuple):
    """A job with its finished steps in their order, and its events by name, which are empty if they are unreadable."""

    job: Record
    steps: Sequence[Mapping[str, Any]]
    events: Mapping[str, Any]


class Records:
    """The records of the jobs of all processes; its methods block."""

    def __init__(self, engine: sa.Engine) -> None:
        """`engine` reads the database of the job engine."""
        self._engine = engine
        schema = tables.POSTGRES_SCHEMA if engine.dialect.name == "postgresql" else None
        metadata = sa.MetaData()
        status, output, steps, events = (
            each.to_metadata(metadata, schema=schema)  # type: ignore[arg-type]  # None stands for no schema
            for each in (tables.STATUS, tables.OUTPUT, tables.STEPS, tables.EVENTS)
        )
        columns = status.c
        jobs = sa.select(
            columns.workflow_uuid,
            columns.status,
            columns.attributes,
            columns.executor_id,
            columns.created_at,
            columns.updated_at,
            columns.started_at_epoch_ms,
            columns.completed_at,
            sa.func.coalesce(output.c.output, columns.output).label("output"),
            sa.func.coalesce(output.c.error, columns.error).label("error"),
            columns.serialization,
        ).outerjoin_from(status, output, output.c.workflow_uuid == columns.workflow_uuid)
        of_job: sa.BindParameter[str] = sa.bindparam("job")
        self._job = jobs.where(columns.workflow_uuid == of_job)
        holders = jobs.where(columns.name == WORKFLOW, _holds(columns.attributes, engine))
        # The states of live jobs, as the indexes of the engine have them: without an index, all jobs would be read.
        in_flight = columns.status.in_([_written("ENQUEUED"), _written("PENDING")])
        delayed = columns.status == _written("DELAYED")
        self._holders = sa.union_all(holders.where(in_flight), holders.where(delayed))
        self._steps = sa.select(steps).where(steps.c.workflow_uuid == of_job).order_by(steps.c.function_id)
        self._events = sa.select(events).where(events.c.workflow_uuid == of_job)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def holders(self, keys: Collection[str]) -> list[Record]:
        """The live jobs that hold at least one of these keys, the oldest first."""
        with self._engine.connect() as connection:
            found = [_record(row) for row in connection.execute(self._holders, {"held": list(keys)})]
        return sorted(found, key=lambda each: each.created_at)  # to have them in order, SQLite would read all jobs

    def job(self, job_id: str) -> Record | None:
        """The record of the job with this id; None without one."""
        with self._engine.connect() as connection:
            row = connection.execute(self._job, {"job": job_id}).first()
        return None if row is None else _record(row)

    def whole(self, job: Record) -> Recorded:
        """The job with its steps and events."""
        job_id, asked = job.workflow_id, {"job": job.workflow_id}
        with self._engine.connect() as connection:
            steps = [_step(job_id, each) for each in connection.execute(self._steps, asked)]
            events = connection.execute(self._events, asked).all()
        try:
            values = {each.key: deserialize_value(each.value, each.serialization, _SERIALIZER) for each in events}
        except (RecordUnreadable, TypeError, ValueError):  # the last two for rows that name another form
            values = {}
        return Recorded(job, steps, values)


def open_records(settings: Settings, shared: sa.Engine) -> Records:
    """The records of jobs; `shared` has the tables of the service, which on PostgreSQL are in the same database."""
    if settings.postgres_url is not None:
        return Records(shared)
    return Records(sa.create_engine(engine_url(settings, "jobs"), hide_parameters=True, **driver_options(settings)))


def _holds(attributes: sa.Column[Any], engine: sa.Engine) -> sa.ColumnElement[bool]:
    """Whether these attributes of a job list one of the keys in the parameter `held`."""
    if engine.dialect.name == "postgresql":
        held = sa.cast(sa.bindparam("held", type_=ARRAY(sa.Text)), ARRAY(sa.Text))
        return sa.type_coerce(attributes, JSONB)[KEYS].op("?|", return_type=sa.Boolean())(held)
    key = sa.func.json_each(attributes, f"$.{KEYS}").table_valued("value").c.value
    return sa.exists().where(key.in_(sa.bindparam("held", expanding=True)))


def _written(state: str) -> sa.ColumnElement[str]:
    """A state in the text of a statement: a database finds out from it that an index of some states is enough."""
    return sa.literal_column(f"'{state}'", sa.Text)


def _record(row: Sequence[Any]) -> Record:
    *values, output, error, form = row
    return Record._make((*values, *_outcome(values[0], form, output, error)))


def _outcome(job_id: str, form: str | None, output: str | None, error: str | None) -> tuple[Any, Any]:
    """The values of two records in this form."""
    _, returned, raised = safe_deserialize(
        _SERIALIZER, form, job_id, serialized_input=None, serialized_output=output, serialized_exception=error
    )
    return returned, raised


def _step(job_id: str, row: Any) -> Mapping[str, Any]:
    output, error = _outcome(job_id, row.serialization, row.output, row.error)
    return {
        "function_name": row.function_name,
        "output": output,
        "error": error,
        "started_at_epoch_ms": row.started_at_epoch_ms,
        "completed_at_epoch_ms": row.completed_at_epoch_ms,
    }
