"""The tables that all processes share: in SQLite in the data directory, or in PostgreSQL."""

from __future__ import annotations

import contextlib
import fcntl
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

from service.api.settings import Settings
from service.api.vcenter import DEFAULT
from service.errors import DatabaseUnavailable, DataDirectoryInUse, SettingError
from service.store import postgres_tls, sqlite

metadata = sa.MetaData()

tokens = sa.Table(
    "vmkops_tokens",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("hash", sa.String, nullable=False, unique=True),
    sa.Column("scope", sa.String, nullable=False),
    sa.Column("created_at", sa.String, nullable=False),
    # A token of version 0.1.0 cannot delegate until `vmkops token change NAME --delegate`: nobody knows whose it is.
    sa.Column("delegate", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("expires_at", sa.String),
    sa.Column("last_used_at", sa.String),
    sa.Column("revoked_at", sa.String),
)

idempotency_keys = sa.Table(
    "vmkops_idempotency_keys",
    metadata,
    sa.Column("token", sa.String, primary_key=True),
    # The SHA-256 of the key, and that of the request that it belongs to.
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("request", sa.String, nullable=False),
    sa.Column("job", sa.String, nullable=False, index=True),
    sa.Column("created_at", sa.String, nullable=False),
)

audit = sa.Table(
    "vmkops_audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("event", sa.String, nullable=False),
    sa.Column("token", sa.String, nullable=False),
    sa.Column("person", sa.String, nullable=False),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("request", sa.String, nullable=False),
    sa.Column("details", sa.JSON, nullable=False),
    sa.Index("vmkops_audit_at", "at", "id"),
    sqlite_autoincrement=True,
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
    # When it was seen that the snapshot is gone. The row stays open until its disks are merged too: `removed_at`.
    sa.Column("gone_at", sa.String),
    sa.Column("removed_at", sa.String),
    sa.Column("trouble", sa.String, nullable=False),
    # How often the merge of the disks has failed, and when to try again.
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_at", sa.String, nullable=False, server_default=""),
)

disk_files = sa.Table(
    "vmkops_disk_files",
    metadata,
    sa.Column("job", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("vcenter", sa.String, nullable=False),
    sa.Column("datacenter", sa.String, nullable=False),
    sa.Column("vm", sa.String, nullable=False),
    sa.Column("vm_name", sa.String, nullable=False),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("target", sa.String, nullable=False),
    sa.Column("created_at", sa.String, nullable=False),
    # When a VM was first seen to have the file after its job had ended.
    sa.Column("used_at", sa.String),
    sa.Column("trouble", sa.Text, nullable=False),
)

leases = sa.Table(
    "vmkops_leases",
    metadata,
    sa.Column("vcenter", sa.String, primary_key=True),
    sa.Column("lease", sa.String, primary_key=True),
    sa.Column("job", sa.String, nullable=False, index=True),
    sa.Column("opened_at", sa.String, nullable=False),
)

mounts = sa.Table(
    "vmkops_mounts",
    metadata,
    sa.Column("job", sa.String, primary_key=True),
    # The name of the folder in VMKOPS_MOUNT_DIR; of several rows with one name, only the last may be without an end.
    sa.Column("name", sa.String, nullable=False, index=True),
    sa.Column("vcenter", sa.String, nullable=False),
    sa.Column("vm", sa.String, nullable=False),
    sa.Column("vm_name", sa.String, nullable=False),
    sa.Column("files", sa.JSON, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("until", sa.String, nullable=False),
    sa.Column("ended_at", sa.String),
    # How it ended: `unmounted` or `expired`.
    sa.Column("end", sa.String, nullable=False, server_default=""),
    sa.Column("trouble", sa.Text, nullable=False, server_default=""),
)

executors = sa.Table(
    "vmkops_executors",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("seen_at", sa.Float, nullable=False),
    # Version 0.1.0 does not write it, and runs jobs of format 1.
    sa.Column("job_format", sa.String, nullable=False, server_default="1"),
)

copy_queue = sa.Table(
    "vmkops_turns",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    # `job:` and the id of a job, whose place outlives the process; in version 0.1.0, the id of one copy.
    sa.Column("turn", sa.String, nullable=False),
    sa.Column("holder", sa.String, nullable=False),
    # How many slots it takes.
    sa.Column("weight", sa.Integer, nullable=False, server_default="1"),
)

copy_rates = sa.Table(
    "vmkops_copy_rates",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("vcenter", sa.String, nullable=False),
    sa.Column("host", sa.String, nullable=False),
    # The morefs of the datastores, sorted, with spaces between them.
    sa.Column("datastores", sa.String, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
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

procedure_runs = sa.Table(
    "vmkops_procedure_runs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("updated_at", sa.String, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("procedure", sa.String, nullable=False),
    sa.Column("incident", sa.String, nullable=False),
    sa.Column("run", sa.JSON, nullable=False),
)

page_versions = sa.Table(
    "vmkops_page_versions",
    metadata,
    sa.Column("slug", sa.String, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("saved_at", sa.String, nullable=False),
    sa.Column("change", sa.String, nullable=False),
    sa.Column("token", sa.String, nullable=False),
    sa.Column("person", sa.String, nullable=False),
    sa.Column("restored_from", sa.Integer),
    sa.Column("text", sa.Text, nullable=False),
)

reports = sa.Table(
    "vmkops_reports",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("schedule", sa.String, nullable=False),
    sa.Column("problem", sa.Text, nullable=False),
    sa.Column("created_at", sa.String, nullable=False),
    # When a bot last took it, and when it was posted or given up.
    sa.Column("taken_at", sa.String, nullable=False, server_default=""),
    sa.Column("settled_at", sa.String, nullable=False, server_default=""),
)

HELD_SECONDS = 30
"""How long PostgreSQL keeps the lock for a client that sends nothing."""

OTHER_DIR = "Let the user who runs vmkops write there, or choose another folder."


class InterProcessLock:
    """A lock that one thread holds at a time, among all threads of all processes that share the database.

    Locks with the same `name` are the same lock.
    """

    def __init__(self, engine: sa.Engine, name: str) -> None:
        self._engine = engine
        self._number = zlib.crc32(name.encode())
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def acquire(self) -> Iterator[sa.Connection]:
        """Wait for the lock and hold it while the block runs; yields a connection that is committed at the end."""
        with self._lock, self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # Without it, a host that loses power would hold the lock until TCP gives up, hours later.
                connection.execute(sa.text(f"SET LOCAL idle_in_transaction_session_timeout = '{HELD_SECONDS}s'"))
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(self._number)))
            yield connection

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """The same for a block that needs no connection."""
        # SQLite needs no more than the thread lock: only one process uses its data directory.
        with self._lock if self._engine.dialect.name == "sqlite" else self.acquire():
            yield


def engine_url(settings: Settings, name: str) -> str:
    """The SQLAlchemy URL of the database `name`: a file in the data directory, or the shared PostgreSQL.

    Raises ArgumentError when VMKOPS_DATABASE_URL is not a URL.
    """
    if settings.postgres_url:
        rest = settings.postgres_url.partition("://")[2]
        return postgres_tls.with_tls(f"postgresql+psycopg://{rest}")
    return f"sqlite:///{settings.data_dir.absolute() / name}.sqlite"


def driver_options(settings: Settings) -> dict[str, Any]:
    """What `create_engine` gets with the URL of `engine_url`: for SQLite, the connection whose writers wait in turn."""
    return {} if settings.postgres_url else {"connect_args": {"factory": sqlite.Connection}}


def has_database(settings: Settings) -> bool:
    """Whether there is a database of a service: a PostgreSQL that is set, or a file in the data directory."""
    return settings.postgres_url is not None or (settings.data_dir / "vmkops.sqlite").exists()


def open_database(settings: Settings, *, make_dir: bool = True) -> sa.Engine:
    """Open the shared tables and create the missing ones; also the data directory, unless `make_dir` is false.

    Raises DatabaseUnavailable, or SettingError for a data directory or a database URL that cannot be used.
    """
    if make_dir:
        make_data_dir(settings.data_dir)
    with _connecting(settings) as engine:
        sqlite.use_wal(engine.url)
        metadata.create_all(engine)
        _add_missing_columns(engine)
        _add_missing_indexes(engine)
    return engine


def check_database(settings: Settings) -> None:
    """Connect to the database and change nothing; raises as `open_database` does."""
    with _connecting(settings) as engine:
        engine.connect().close()
        engine.dispose()


@contextlib.contextmanager
def _connecting(settings: Settings) -> Iterator[sa.Engine]:
    """The engine of the shared tables; an error on the way to the database is raised under its own name."""
    try:
        engine = sa.create_engine(
            engine_url(settings, "vmkops"), pool_pre_ping=settings.postgres_url is not None, **driver_options(settings)
        )
    except (sa.exc.ArgumentError, ValueError) as error:
        raise SettingError(
            "VMKOPS_DATABASE_URL", "is not the URL of a database. Write postgresql://USER:PASSWORD@HOST/DATABASE."
        ) from error
    try:
        yield engine
    except sa.exc.OperationalError as error:
        engine.dispose()
        reason = (str(error.orig).strip().splitlines() or ["no reason given"])[0]
        if settings.postgres_url is None:
            raise SettingError(
                "VMKOPS_DATA_DIR", f"{settings.data_dir} cannot hold a database ({reason}). {OTHER_DIR}"
            ) from error
        default = postgres_tls.needs_default(settings.postgres_url)
        what_to_do = (default and postgres_tls.explain(reason)) or "Check the URL, and that it runs."
        raise DatabaseUnavailable(
            f"The database of VMKOPS_DATABASE_URL does not answer ({reason}). {what_to_do}"
        ) from error


def make_data_dir(data_dir: Path) -> None:
    """Make the data directory unless it is there; raises SettingError when that is not possible."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(data_dir, error) from error


def _unusable(data_dir: Path, error: OSError) -> SettingError:
    return SettingError("VMKOPS_DATA_DIR", f"{data_dir} cannot be written ({error.strerror}). {OTHER_DIR}")


def _add_missing_columns(engine: sa.Engine) -> None:
    """Add the columns that tables of an earlier version are missing; each has a default or may be null."""
    existing = sa.inspect(engine)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            known = {column["name"] for column in existing.get_columns(table.name)}
            for column in table.columns:
                if column.name not in known:
                    definition = CreateColumn(column).compile(engine)
                    connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {definition}"))


def _add_missing_indexes(engine: sa.Engine) -> None:
    """Add the indexes that tables of an earlier version are missing."""
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            for index in table.indexes:
                index.create(connection, checkfirst=True)


def lock_data_dir(data_dir: Path) -> IO[str]:
    """Hold the data directory for this process until the returned file is closed.

    Raises DataDirectoryInUse when another process holds it, SettingError when it cannot be written.
    """
    make_data_dir(data_dir)
    try:
        handle = (data_dir / "vmkops.lock").open("w")
    except OSError as error:
        raise _unusable(data_dir, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise DataDirectoryInUse(
            f"Another vmkops uses {data_dir}. Stop it, set another VMKOPS_DATA_DIR for this one, "
            "or set VMKOPS_DATABASE_URL to a PostgreSQL so that several can share the jobs."
        ) from error
    return handle
