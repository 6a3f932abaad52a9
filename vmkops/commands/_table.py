"""Prints rows in columns: a heading on a terminal only, so that a pipe gets nothing but the rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service.api.words import printable
from vmkops.commands._color import painted

Cell = Callable[[Mapping[str, Any]], str]
"""Makes the cell of a row from the thing that the HTTP API answered."""


COLORED = ("STATE", "SEVERITY")
"""The titles of the columns whose cells have a color."""


def lines_of(things: Sequence[Mapping[str, Any]], columns: Mapping[str, Cell]) -> list[str]:
    """One line for each thing; a column that is empty in all of them is left out, and empty cells are `-`."""
    cells = [[printable(make(each)) for make in columns.values()] for each in things]
    kept = [index for index in range(len(columns)) if any(row[index] for row in cells)]
    titles = [title.upper() for title in columns]
    rows = [[row[index] or "-" for index in kept] for row in cells]
    head = [titles[index] for index in kept]
    shown = [head, *rows] if sys.stdout.isatty() else rows
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    states = [place for place, index in enumerate(kept) if titles[index] in COLORED]
    return [_line(row, widths, states) for row in shown]


def _line(row: Sequence[str], widths: Sequence[int], states: Sequence[int]) -> str:
    """The cells of a row in their columns; those of states in their color, which takes no width."""
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
    cells[-1] = cells[-1].rstrip()
    for place in states:
        cells[place] = painted(cells[place])
    return "  ".join(cells).rstrip()
