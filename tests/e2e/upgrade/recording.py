"""A data directory as text: its databases as SQL that a person can read, and the files beside them.

Version 0.1.0 keeps arguments, results and errors as pickles in Base64. A pickle of plain values is written as
`python:` and a Python literal, so that it can be read and filled in. Any other, such as that of an error, stays as the
service wrote it.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import json
import pickle
import re
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).with_name("recordings")
DATABASES = ("jobs", "vmkops")
BACKUPS = "backups"
BEFORE = "before.json"
LITERAL = "python:"
PICKLED = "gASV"
"""What the Base64 of a framed pickle of protocol 4 begins with."""


def save(data_dir: Path, to: Path, words: Mapping[str, str], before: Mapping[str, Any]) -> None:
    """Write the data directory of a service that has ended into the new folder `to`.

    Each word that is a key of `words` is written as the placeholder that is its value. `before` holds what the service
    answered when it last ran.
    """
    to.mkdir(parents=True)
    for name in DATABASES:
        with contextlib.closing(sqlite3.connect(data_dir / f"{name}.sqlite")) as database:
            _change_texts(database, _readable)
            dump = "\n".join(database.iterdump()) + "\n"
        (to / f"{name}.sql").write_text(_replace(dump, words))
    # A half package holds part of a disk; the job that goes on begins the disk anew.
    shutil.copytree(data_dir / BACKUPS, to / BACKUPS, ignore=shutil.ignore_patterns("*.partial"))
    for folder in (to / BACKUPS).iterdir():
        if not any(folder.iterdir()):
            folder.rmdir()
    (to / BEFORE).write_text(_replace(json.dumps(before, indent=2) + "\n", words))


def restore(recording: Path, data_dir: Path, words: Mapping[str, str]) -> dict[str, Any]:
    """Make a data directory of a recording and return its `before`; `words` has the value of each placeholder."""
    shutil.copytree(recording / BACKUPS, data_dir / BACKUPS)
    for name in DATABASES:
        dump = _replace((recording / f"{name}.sql").read_text(), words)
        with contextlib.closing(sqlite3.connect(data_dir / f"{name}.sqlite")) as database:
            database.executescript(dump)
            _change_texts(database, _stored)
            database.commit()
    return dict(json.loads(_replace((recording / BEFORE).read_text(), words)))


def pickled(value: object) -> str:
    """A plain value as version 0.1.0 keeps it."""
    return base64.b64encode(pickle.dumps(value)).decode()


def _replace(text: str, words: Mapping[str, str]) -> str:
    for word, other in words.items():
        # No part of a longer word: `snapshot-8` is not in `snapshot-80`.
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", lambda _, other=other: other, text)
    return text


def _readable(text: str) -> str:
    if not text.startswith(PICKLED):
        return text
    value = pickle.loads(base64.b64decode(text))
    try:
        plain = ast.literal_eval(repr(value)) == value
    except (SyntaxError, ValueError):
        return text
    return f"{LITERAL}{value!r}" if plain else text


def _stored(text: str) -> str:
    return pickled(ast.literal_eval(text.removeprefix(LITERAL))) if text.startswith(LITERAL) else text


def _change_texts(database: sqlite3.Connection, change: Callable[[str], str]) -> None:
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        columns = [column[1] for column in database.execute(f'PRAGMA table_info("{table}")')]
        for column in columns:
            rows = database.execute(f'SELECT rowid, "{column}" FROM "{table}" WHERE typeof("{column}") = \'text\'')
            for row, text in rows.fetchall():
                if (changed := change(text)) != text:
                    database.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (changed, row))
