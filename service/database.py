"""The small tables that all processes share: SQLite in the data directory, or the same tables in PostgreSQL."""

from __future__ import annotations

import contextlib
import fcntl
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

from service.errors import SettingMissing
from service.settings import Settings
from service.vcenter import DEFAULT

metadata = sa.MetaData()

tokens = sa.Table(
    "vmkops_tokens",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("hash", sa.String, nullable=False, unique=True),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("created_at", sa.String, nullable=False),
)

snapshots = sa.Table(
    "vmkops_snapshots",
    metadata,
    sa.Column("job", sa.String, primary_key=True),
    sa.Column("vcenter", sa.String, nullable=False, server_default=DEFAULT),
    sa.Column("vm", sa.String, nullable=False),
    sa.Column("vm_name", sa.String, nullable=False),
    sa.Column("nonce", sa.String, nullable=False),
    sa.Column("moref", sa.String, nullable=False),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("removed_at", sa.String),
    sa.Column("trouble", sa.String, nullable=False),
)

executors = sa.Table(
    "vmkops_executors",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("seen_at", sa.Float, nullable=False),
    # Version 0.1.0 does not write it, and runs jobs of format 1.
    sa.Column("job_format", sa.String, nullable=False, server_default="1"),
)

turns = sa.Table(
    "vmkops_turns",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("turn", sa.String, nullable=False),
    sa.Column("holder", sa.String, nullable=False),
)

p2v_runs = sa.Table(
    "vmkops_p2v_runs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("updated_at", sa.String, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("run", sa.JSON, nullable=False),
)

HELD_SECONDS = 30


class OneAtATime:
    """A room for one thread at a time: of this process, and of all that share a PostgreSQL."""

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine = engine
        self._number = zlib.crc32(name.encode())
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def inside(self) -> Iterator[sa.Connection]:
        """Wait until the room is empty, and be in it until the connection, committed, is given back."""
        # SQLite needs no more than the lock: its data directory is one process's own.
        with self._lock, self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # A host that loses its power in the room would otherwise hold it until TCP gives up, hours later.
                connection.execute(sa.text(f"SET LOCAL idle_in_transaction_session_timeout = '{HELD_SECONDS}s'"))
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(self._number)))
            yield connection


def engine_url(settings: Settings, name: str) -> str:
    """The SQLAlchemy URL of the database `name`: a file in the data directory, or the shared PostgreSQL."""
    if settings.postgres_url:
        return settings.postgres_url.replace("postgres://", "postgresql://").replace(
            "postgresql://", "postgresql+psycopg://", 1
        )
    return f"sqlite:///{settings.data_dir.absolute() / name}.sqlite"


def open_database(settings: Settings) -> sa.Engine:
    """Open the shared tables and make those that lack; raises SettingMissing when the database is out of reach."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(engine_url(settings, "vmkops"), pool_pre_ping=True)
    try:
        metadata.create_all(engine)
        _add_missing_columns(engine)
    except sa.exc.OperationalError as error:
        raise SettingMissing(
            f"The database of VMKOPS_DATABASE_URL does not answer ({str(error.orig).strip().splitlines()[0]})."
            if settings.postgres_url
            else f"{settings.data_dir} cannot hold a database; set VMKOPS_DATA_DIR to a folder that can be written."
        ) from error
    return engine


def _add_missing_columns(engine: sa.Engine) -> None:
    """Bring tables of an earlier version up to date: what was added since has a default, or may be empty."""
    there = sa.inspect(engine)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            known = {column["name"] for column in there.get_columns(table.name)}
            for column in table.columns:
                if column.name not in known:
                    written = CreateColumn(column).compile(engine)
                    connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {written}"))


def lock_data_dir(data_dir: Path) -> IO[str]:
    """Hold the data directory for this process until the file returned is closed; raises SettingMissing when held."""
    data_dir.mkdir(parents=True, exist_ok=True)
    handle = (data_dir / "vmkops.lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise SettingMissing(
            f"Another vmkops runs on {data_dir}. Stop it, give this one its own VMKOPS_DATA_DIR, "
            "or set VMKOPS_DATABASE_URL to PostgreSQL so that several can share the jobs."
        ) from error
    return handle
