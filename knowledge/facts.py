# ruff: noqa: PTH118, PTH120, PTH123
"""Reads the tables of facts in ``knowledge/data``: tab-separated, one header line, no quoting.

A lookup on a terminal has to start in at most three times what Python itself takes, so what a lookup reads on its
way imports neither pathlib, typing nor re (10, 9 and 6 ms of 11): files are opened by plain names, and records are
``collections.namedtuple`` with the types of their fields written beneath (``knowledge.record``).
"""

from __future__ import annotations

import os

_FOLDER = os.path.join(os.path.dirname(__file__), "data")


def fact_lines(name: str) -> list[str]:
    """Give the lines of one table that comes with vmkops, without its header."""
    return text_of(os.path.join(_FOLDER, name)).splitlines()[1:]


def text_of(path: str) -> str:
    """Give the text of a file in UTF-8; raises OSError or UnicodeDecodeError."""
    with open(path, encoding="utf-8") as file:
        return file.read()
