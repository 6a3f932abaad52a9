"""Prints rows in columns: a heading on a terminal only, so that a pipe gets nothing but the rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service.api.words import printable

Cell = Callable[[Mapping[str, Any]], str]
"""Makes the cell of a row from the thing that the HTTP API answered."""


def lines_of(things: Sequence[Mapping[str, Any]], columns: Mapping[str, Cell]) -> list[str]:
    """One line for each thing; a column that is empty in all of them is left out, and empty cells are `-`."""
    cells = [[printable(make(each)) for make in columns.values()] for each in things]
    kept = [index for index in range(len(columns)) if any(row[index] for row in cells)]
    titles = [title.upper() for title in columns]
    rows = [[row[index] or "-" for index in kept] for row in cells]
    head = [titles[index] for index in kept]
    shown = [head, *rows] if sys.stdout.isatty() else rows
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in shown]
