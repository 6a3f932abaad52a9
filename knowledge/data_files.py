# ruff: noqa: PTH118, PTH120, PTH123
"""Reads the tables in ``knowledge/data``: tab-separated, one header line, no quoting.

A lookup on the command line must start in at most three times the start time of Python itself. The modules that a
vmkernel lookup loads therefore import neither pathlib, typing nor re (10, 9 and 6 ms of 11): they open files by plain
names, and their records are ``collections.namedtuple`` with the types of the fields declared below.
"""

from __future__ import annotations

import os

_FOLDER = os.path.join(os.path.dirname(__file__), "data")


def data_lines(name: str) -> list[str]:
    """Return the lines of the table in the file ``name`` of ``knowledge/data``, without its header."""
    return read_text(os.path.join(_FOLDER, name)).splitlines()[1:]


def read_text(path: str) -> str:
    """Return the text of a UTF-8 file; raises OSError or UnicodeDecodeError."""
    with open(path, encoding="utf-8") as file:
        return file.read()
