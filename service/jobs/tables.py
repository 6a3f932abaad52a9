"""The tables of the job engine as far as the state of an installation needs them, and how they are made."""

from __future__ import annotations

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy.dialects.postgresql import JSONB

ENGINE = "engine"
"""The schema of these tables in SQLAlchemy; a connection translates it (`schema_translate_map`)."""
POSTGRES_SCHEMA = "dbos"
"""The schema of the engine's tables in PostgreSQL."""

_METADATA = sa.MetaData(schema=ENGINE)


def _table(name: str, key: sa.Column[str], texts: str = "", numbers: str = "", *more: sa.Column[object]) -> sa.Table:
    columns: list[sa.Column[object]] = [sa.Column(each, sa.Text) for each in texts.split()]
    columns += [sa.Column(each, sa.BigInteger) for each in numbers.split()]
    return sa.Table(name, _METADATA, key, *columns, *more)


def _job() -> sa.Column[str]:
    return sa.Column("workflow_uuid", sa.Text, primary_key=True)


STATUS = _table(
    "workflow_status",
    _job(),
    "status name output error executor_id application_version application_id queue_name serialization schedule_name "
    "application_name",
    "created_at updated_at started_at_epoch_ms completed_at priority recovery_attempts",
    sa.Column("attributes", sa.JSON().with_variant(JSONB(), "postgresql")),
)
OUTPUT = _table("workflow_output", _job(), "output error", "retention_timestamp")
STEPS = _table(
    "operation_outputs",
    _job(),
    "function_name output error serialization application_name",
    "function_id started_at_epoch_ms completed_at_epoch_ms retention_timestamp",
)
EVENTS = _table("workflow_events", _job(), "key value serialization")
SCHEDULES = _table(
    "workflow_schedules",
    sa.Column("schedule_id", sa.Text, primary_key=True),
    "schedule_name workflow_name schedule status context last_fired_at cron_timezone application_name",
)


def make_tables(url: str) -> None:
    """Make the engine's tables in this database, or bring them up to date, as the start of a service does."""
    DBOS.migrate(url)
