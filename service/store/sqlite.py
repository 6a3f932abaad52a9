"""SQLite for many threads of one process: readers never wait, and writers wait for each other in a queue of their own.

Without it, a reader waits for every commit, and a writer that finds the database locked sleeps for up to a tenth of a
second before it looks again, while others overtake it. Under load, such a writer waited for seconds.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa

T = TypeVar("T")

WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE|REPLACE|BEGIN|CREATE|ALTER|DROP)\b", re.IGNORECASE)
"""The beginning of a statement that writes, or that begins to."""
TURN_SECONDS = 30.0
"""How long a writer waits for its turn; the same as the engine's own time limit for a locked database."""

_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""By the path of a database, the lock that the connection which writes holds."""


class _Cursor(sqlite3.Cursor):
    def execute(self, sql: str, *args: Any) -> _Cursor:
        return self._in_turn(sql, lambda: super(_Cursor, self).execute(sql, *args))

    def executemany(self, sql: str, *args: Any) -> _Cursor:
        return self._in_turn(sql, lambda: super(_Cursor, self).executemany(sql, *args))

    def _in_turn(self, sql: str, run: Callable[[], T]) -> T:
        assert isinstance(self.connection, Connection)
        return self.connection.in_turn(sql, run)


class Connection(sqlite3.Connection):
    """A connection of which one at a time writes to its database, from the first change to the commit.

    Pass it as `connect_args={"factory": Connection}`. Raises OperationalError, as SQLite does, when the turn does not
    come within TURN_SECONDS.
    """

    def __init__(self, database: str, *args: Any, **options: Any) -> None:
        super().__init__(database, *args, **options)
        self._turn = _turns[str(database)]
        self._writes = False

    def cursor(self, factory: Any = _Cursor) -> Any:
        """A cursor that waits for the turn of its connection before it writes."""
        return super().cursor(factory)

    def in_turn(self, sql: str, run: Callable[[], T]) -> T:
        """Call `run`, which executes `sql`, when the connection may do that."""
        if self._writes or not WRITES.match(sql):
            return run()
        if not self._turn.acquire(timeout=TURN_SECONDS):
            raise sqlite3.OperationalError("database is locked")
        self._writes = True
        try:
            return run()
        finally:
            self._end_turn()

    def commit(self) -> None:
        """End the transaction, and with it the turn."""
        try:
            super().commit()
        finally:
            self._end_turn()

    def rollback(self) -> None:
        """Undo the transaction, and end the turn."""
        try:
            super().rollback()
        finally:
            self._end_turn()

    def close(self) -> None:
        """Close the connection; what is not committed is undone."""
        super().close()
        self._end_turn(closed=True)

    def _end_turn(self, *, closed: bool = False) -> None:
        if self._writes and (closed or not self.in_transaction):
            self._writes = False
            self._turn.release()


def use_wal(url: str | sa.URL) -> None:
    """Let readers read while a writer writes (SQLite's write-ahead log); the file keeps this from then on.

    `url` is that of the database; one that is not of SQLite is left alone. Without the log, as on a file system that
    cannot map memory, everything works as well, only slower.
    """
    if sa.make_url(url).get_backend_name() == "sqlite":
        engine = sa.create_engine(url)
        try:
            with contextlib.suppress(sa.exc.OperationalError), engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        finally:
            engine.dispose()
