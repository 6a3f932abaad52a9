"""SQLite for many threads: a reader does not wait for a writer, and writers follow each other without sleeps."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.store import sqlite


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    url = f"sqlite:///{tmp_path}/own.sqlite"
    sqlite.use_wal(url)
    # Without patience: whoever finds the database locked fails, so only the turns keep the writers apart.
    made = sa.create_engine(url, connect_args={"factory": sqlite.Connection, "timeout": 0})
    with made.begin() as connection:
        connection.execute(sa.text("CREATE TABLE counts (number INTEGER)"))
        connection.execute(sa.text("INSERT INTO counts VALUES (0)"))
    yield made
    made.dispose()


def number(connection: sa.Connection) -> int:
    return int(connection.execute(sa.text("SELECT number FROM counts")).scalar_one())


ADD = sa.text("  update counts SET number = number + 1")


def test_a_reader_reads_what_was_there_while_a_writer_writes(engine: sa.Engine) -> None:
    with engine.begin() as writer:
        writer.execute(ADD)
        with engine.connect() as reader:
            assert number(reader) == 0
    with engine.connect() as reader:
        assert number(reader) == 1


def test_no_writer_finds_the_database_locked(engine: sa.Engine) -> None:
    errors: list[Exception] = []

    def add() -> None:
        try:
            for _ in range(20):
                with engine.begin() as connection:
                    connection.execute(ADD)
                    number(connection)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(timeout=120)
    with engine.connect() as connection:
        assert (errors, number(connection)) == ([], 160)


@pytest.mark.parametrize("end", ["rollback", "close", "invalidate", "a wrong statement"])
def test_a_turn_ends_however_its_transaction_ends(engine: sa.Engine, end: str) -> None:
    connection = engine.connect()
    if end == "a wrong statement":
        with pytest.raises(sa.exc.OperationalError):
            connection.execute(sa.text("UPDATE nothing SET number = 1"))
    else:
        connection.execute(ADD)
        getattr(connection, end)()
    with engine.begin() as other:
        other.execute(ADD)
    with engine.connect() as reader:
        assert number(reader) == 1


def test_a_writer_whose_turn_does_not_come_says_what_sqlite_says(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "TURN_SECONDS", 0.05)
    with engine.begin() as writer:
        writer.execute(ADD)
        with engine.connect() as other, pytest.raises(sa.exc.OperationalError, match="database is locked"):
            other.execute(ADD)


def test_a_folder_that_is_not_there_is_left_to_whoever_opens_the_database(tmp_path: Path) -> None:
    sqlite.use_wal(f"sqlite:///{tmp_path}/missing/own.sqlite")
    with pytest.raises(sqlite3.OperationalError):
        sqlite.Connection(str(tmp_path / "missing" / "own.sqlite"))
