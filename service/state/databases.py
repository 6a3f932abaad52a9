"""Opens both databases of an installation: to read them without holding up a service, or alone for an import."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from service.api.settings import Settings
from service.errors import Conflict, DatabaseUnavailable
from service.jobs.tables import ENGINE, POSTGRES_SCHEMA, make_tables
from service.state.part import Databases
from service.store.database import engine_url, lock_data_dir, open_database
from service.store.executors import DEAD_SECONDS, living

STOP_FIRST = (
    "A service of vmkops uses this database. Stop all its processes (vmkops serve and vmkops worker), then import the "
    f"file. A process that was killed counts as running for {DEAD_SECONDS} seconds."
)
ATTACHED = "jobs"
"""The name under which an import attaches the SQLite database of the jobs."""


@contextlib.contextmanager
def for_reading(settings: Settings) -> Iterator[Databases]:
    """Both databases as they are at one moment, also while a service runs; raises StartError.

    With SQLite, that is a copy without a name on the disk, because a long look at the database itself would keep the
    service from writing. The jobs are copied first: a job that ends in between counts as under way.
    """
    # The tables of an earlier version get their new columns first.
    opened = open_database(settings, make_dir=False)
    with contextlib.ExitStack() as stack:
        stack.callback(opened.dispose)
        if settings.postgres_url is None:
            jobs, ours = (
                stack.enter_context(_copy(settings.data_dir / f"{name}.sqlite")) for name in ("jobs", "vmkops")
            )
        else:
            isolated = opened.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            ours = jobs = stack.enter_context(isolated.connect())
        yield _databases(ours, jobs, POSTGRES_SCHEMA if settings.postgres_url else None)


@contextlib.contextmanager
def for_import(settings: Settings) -> Iterator[Databases]:
    """Both databases in one transaction, which ends well with the block and is undone by an error in it.

    Raises DataDirectoryInUse or Conflict while a service runs, and StartError.
    """
    with contextlib.ExitStack() as stack:
        if settings.postgres_url is None:
            stack.enter_context(lock_data_dir(settings.data_dir))
        engine = open_database(settings)
        stack.callback(engine.dispose)
        make_tables(engine_url(settings, "jobs"))
        engine.dispose()  # its idle connections
        connection = stack.enter_context(engine.connect())
        if settings.postgres_url is None:
            jobs = str(settings.data_dir.absolute() / "jobs.sqlite")
            connection.exec_driver_sql(f"ATTACH DATABASE ? AS {ATTACHED}", (jobs,))
            _use_one_journal(connection)
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            # A process that starts meanwhile waits here with its first heartbeat, and a second import too.
            connection.exec_driver_sql("LOCK TABLE vmkops_executors IN SHARE ROW EXCLUSIVE MODE")
            if connection.execute(living()).first() is not None:
                raise Conflict(STOP_FIRST)
        yield _databases(connection, connection, POSTGRES_SCHEMA if settings.postgres_url else ATTACHED)
        connection.commit()


def _use_one_journal(connection: sa.Connection) -> None:
    """Let one transaction cover both files, also at a loss of power: with a log for each, SQLite commits one by one.

    The next start of the service turns the logs on again. Raises Conflict while another program has a file open.
    """
    for name in ("main", ATTACHED):
        mode = ""
        with contextlib.suppress(sa.exc.OperationalError):
            mode = connection.exec_driver_sql(f"PRAGMA {name}.journal_mode = DELETE").scalar_one()
        if mode != "delete":
            raise Conflict("Another program uses the database, such as another command of vmkops. Try again.")


def _databases(ours: sa.Connection, jobs: sa.Connection, schema: str | None) -> Databases:
    jobs = jobs.execution_options(schema_translate_map={ENGINE: schema})
    has_jobs = sa.inspect(jobs).has_table("workflow_schedules", schema=schema)
    return Databases(ours=jobs if ours is jobs else ours, jobs=jobs, has_jobs=has_jobs)


@contextlib.contextmanager
def _copy(path: Path) -> Iterator[sa.Connection]:
    """A connection to a copy of a SQLite database. The copy has no name, so that nothing is left after a crash."""
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(contextlib.closing(sqlite3.connect("", check_same_thread=False)))
        if path.exists():
            try:
                source = stack.enter_context(contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)))
                source.backup(target)
            except sqlite3.Error as error:
                raise DatabaseUnavailable(
                    f"{path} cannot be read ({error}). Check the file and the free space for temporary files "
                    "(SQLITE_TMPDIR or TMPDIR names their folder)."
                ) from error
        engine = sa.create_engine("sqlite://", creator=lambda: target, poolclass=sa.pool.StaticPool)
        yield stack.enter_context(engine.connect())
