"""Converts what version 0.1.0 recorded in the engine's tables to the form of this version, once.

A record that is not made of plain values and known errors is replaced by one that cannot be read: the job that needs it
fails with a message, and is cleaned up.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from service.errors import RecordUnreadable
from service.jobs import pickled
from service.jobs.serializer import NAME, PICKLE, RecordSerializer, unreadable
from service.jobs.view import LIVE
from service.store.database import InterProcessLock

log = logging.getLogger(__name__)

FORMER_FORMAT = "1"
"""The format of the jobs of version 0.1.0, which the engine recorded as pickles; this version continues them."""
BATCH = 500
"""How many rows are converted in one transaction; a start that was interrupted goes on after the last one."""
SCHEMA = "dbos"
"""The schema of the engine's tables in PostgreSQL."""

_METADATA = sa.MetaData()


def _table(name: str, keys: Sequence[str], *columns: str) -> sa.Table:
    primary = [sa.Column(key, sa.Integer if key in _NUMBERS else sa.Text, primary_key=True) for key in keys]
    return sa.Table(name, _METADATA, *primary, *(sa.Column(each, sa.Text) for each in columns))


_NUMBERS = ("function_id", "offset")
STATUS = _table(
    "workflow_status",
    ["workflow_uuid"],
    *("status", "application_version", "serialization", "inputs", "output", "error"),
)
INPUT = _table("workflow_input", ["workflow_uuid"], "inputs")
OUTPUT = _table("workflow_output", ["workflow_uuid"], "output", "error")
STEPS = _table(
    "operation_outputs", ["workflow_uuid", "function_id"], *("function_name", "output", "error", "serialization")
)
UNUSED_STEPS = ("DBOS.listWorkflows", "DBOS.listWorkflowSteps", "DBOS.get_events")
"""Calls in the firing of a schedule of version 0.1.0, whose answers the engine recorded; this version reads none."""
WITH_FORM = {
    STEPS: ("output", "error"),
    _table("workflow_events", ["workflow_uuid", "key"], "value", "serialization"): ("value",),
    _table("workflow_events_history", ["workflow_uuid", "function_id", "key"], "value", "serialization"): ("value",),
    _table("streams", ["workflow_uuid", "key", "offset"], "value", "serialization"): ("value",),
    _table("notifications", ["message_uuid"], "message", "serialization"): ("message",),
}
"""The tables whose rows name the form of their own records, and the columns with these records."""
SCHEDULES = _table("workflow_schedules", ["schedule_name"], "context", "status")


def convert(engine: sa.Engine, job_format: str) -> None:
    """Convert every record of version 0.1.0, and let this version, with this format, continue the jobs.

    Call it when no process of version 0.1.0 runs. Several processes may call it at the same time.
    """
    engine = engine.execution_options(schema_translate_map={None: SCHEMA if engine.name == "postgresql" else None})
    lock = InterProcessLock(engine, "convert records")
    count = _convert_workflows(lock) + _convert_schedules(lock)
    with lock.acquire() as connection:
        unused = STEPS.c.function_name.in_(UNUSED_STEPS), STEPS.c.serialization == PICKLE, STEPS.c.error.is_(None)
        connection.execute(STEPS.update().where(*unused).values(output="null", serialization=NAME))
    for table, columns in WITH_FORM.items():
        count += _convert_table(lock, table, columns)
    with lock.acquire() as connection:  # comes last: until then, no process continues these jobs
        former = STATUS.c.application_version == FORMER_FORMAT
        live = STATUS.c.status.in_(list(LIVE))
        connection.execute(STATUS.update().where(former, live).values(application_version=job_format))
    if count:
        log.warning("rows of the job engine that version 0.1.0 wrote and that are now converted: %d", count)


def _convert_workflows(lock: InterProcessLock) -> int:
    """The inputs and outputs of workflows: a row in one table names the form of records in three."""
    records = [STATUS.c.inputs, STATUS.c.output, STATUS.c.error, INPUT.c.inputs, OUTPUT.c.output, OUTPUT.c.error]
    named = [column.label(f"{column.table.name}.{column.name}") for column in records]
    query = (
        sa.select(STATUS.c.workflow_uuid, STATUS.c.serialization, *named)
        .outerjoin_from(STATUS, INPUT, INPUT.c.workflow_uuid == STATUS.c.workflow_uuid)
        .outerjoin(OUTPUT, OUTPUT.c.workflow_uuid == STATUS.c.workflow_uuid)
        .where(_is_former(STATUS, records))
    )
    count, last = 0, ""
    while True:
        with lock.acquire() as connection:
            found = connection.execute(
                query.where(STATUS.c.workflow_uuid > last).order_by(STATUS.c.workflow_uuid).limit(BATCH)
            ).all()
            for job_id, form, *texts in found:
                for table in (STATUS, INPUT, OUTPUT):
                    values = {
                        column.name: _converted(text, f"job {job_id}")
                        for column, text in zip(records, texts, strict=True)
                        if column.table is table and text is not None
                    }
                    if table is STATUS and form is not None:
                        values["serialization"] = NAME
                    if values:
                        connection.execute(table.update().where(table.c.workflow_uuid == job_id).values(values))
        if not found:
            return count
        count, last = count + len(found), found[-1].workflow_uuid


def _convert_table(lock: InterProcessLock, table: sa.Table, columns: Iterable[str]) -> int:
    keys = list(table.primary_key.columns)
    records = [table.c[each] for each in columns]
    query = sa.select(*keys, table.c.serialization, *records).where(_is_former(table, records)).order_by(*keys)
    count, last = 0, None
    while True:
        with lock.acquire() as connection:
            further = query if last is None else query.where(sa.tuple_(*keys) > sa.tuple_(*last))
            found = connection.execute(further.limit(BATCH)).all()
            for row in found:
                key, (form, *texts) = row[: len(keys)], row[len(keys) :]
                values = {
                    column.name: _converted(text, f"table {table.name}, row {key}")
                    for column, text in zip(records, texts, strict=True)
                    if text is not None
                }
                if form is not None:
                    values["serialization"] = NAME
                which = [column == value for column, value in zip(keys, key, strict=True)]
                connection.execute(table.update().where(*which).values(values))
        if not found:
            return count
        count, last = count + len(found), found[-1][: len(keys)]


def _convert_schedules(lock: InterProcessLock) -> int:
    """The contexts of schedules; one that cannot be read pauses the schedule until somebody saves it again."""
    count = 0
    with lock.acquire() as connection:
        for name, context in connection.execute(sa.select(SCHEDULES.c.schedule_name, SCHEDULES.c.context)).all():
            text = _converted(context, f"schedule {name}")
            values = {"context": text} | ({"status": "PAUSED"} if text == unreadable() else {})
            if text != context:
                connection.execute(SCHEDULES.update().where(SCHEDULES.c.schedule_name == name).values(values))
                count += 1
    return count


def _is_former(table: sa.Table, records: Iterable[sa.Column[Any]]) -> sa.ColumnElement[bool]:
    """A row of the engine's own form. A row that names none is one when one of its records begins like a pickle."""
    form = table.c.serialization
    begins = [record.startswith(pickled.START, autoescape=True) for record in records]
    return sa.or_(form == PICKLE, sa.and_(form.is_(None), sa.or_(*begins)))


def _converted(text: str, where: str) -> str:
    serializer = RecordSerializer()
    try:
        return serializer.serialize(serializer.deserialize(text))
    except (RecordUnreadable, TypeError, ValueError) as error:
        log.error("%s: a record cannot be read and was not run: %s", where, error.__cause__ or error)
        return unreadable()
