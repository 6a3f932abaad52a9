"""What a row may hold, by the columns of its table; and how a row is made to hold nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.state.form import DEEPEST, Row

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Characters that no name may have."""
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""Characters that PostgreSQL or UTF-8 cannot store."""
INSTEAD = "\ufffd"


class WrongRow(ValueError):
    """A row that this version does not take; the text says why, without values of the row."""


def cleaned(row: Row, names: Collection[str]) -> Row:
    """The row without characters that `checked` refuses: what is written can always be read again."""
    return {
        column: CONTROL.sub(INSTEAD, value) if column in names and isinstance(value, str) else _cleaned(value)
        for column, value in row.items()
    }


def checked(table: sa.Table, row: Row, names: Collection[str], without: Collection[str] = ()) -> Row:
    """The row with the defaults of columns that it does not have; `names` are columns without control characters.

    `without` are the columns that a file never has. Raises WrongRow.
    """
    columns = {column.name: column for column in table.columns if column.name not in without}
    if unknown := row.keys() - columns.keys():
        raise WrongRow(f"it has a column that this version does not know: {CONTROL.sub(INSTEAD, min(unknown))[:40]}")
    whole = {}
    for name, column in columns.items():
        if name not in row and not column.nullable and column.server_default is None:
            raise WrongRow(f"it has no {name}")
        value = whole[name] = row[name] if name in row else _default(column)
        if value is None and column.nullable:
            continue
        check_value(name, value, column.type)
        if name in names and CONTROL.search(value):
            raise WrongRow(f"{name} has a control character")
        if (name == "at" or name.endswith("_at")) and isinstance(value, str):
            check_time(name, value, or_empty=column.server_default is not None)
    return whole


def check_value(name: str, value: Any, kind: sa.types.TypeEngine[Any]) -> None:
    """Raise WrongRow unless the value fits a column of this type."""
    number = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(kind, sa.String):
        if not isinstance(value, str) or UNSTORABLE.search(value):
            raise WrongRow(f"{name} is not a text that can be stored")
    elif isinstance(kind, sa.Boolean):
        if not isinstance(value, bool):
            raise WrongRow(f"{name} is not true or false")
    elif isinstance(kind, sa.Integer):
        bits = 63 if isinstance(kind, sa.BigInteger) else 31
        if not number or not -(1 << bits) <= value < 1 << bits:
            raise WrongRow(f"{name} is not a whole number in its range")
    elif isinstance(kind, sa.Float):
        if not (number or isinstance(value, float)) or not math.isfinite(value):
            raise WrongRow(f"{name} is not a number")
    else:
        if not isinstance(value, dict):
            raise WrongRow(f"{name} is not a JSON object")
        check_json(name, value)


def check_json(name: str, value: Any, depth: int = 0) -> None:
    """Raise WrongRow for a JSON value that is nested too deep, or has text that cannot be stored."""
    if depth > DEEPEST:
        raise WrongRow(f"{name} is nested too deep")
    if isinstance(value, str) and UNSTORABLE.search(value):
        raise WrongRow(f"{name} has a text that cannot be stored")
    for each in value if isinstance(value, list) else (*value, *value.values()) if isinstance(value, dict) else ():
        check_json(name, each, depth + 1)


def check_time(name: str, value: str, *, or_empty: bool = False) -> None:
    """Raise WrongRow unless the text is a time with its zone."""
    if or_empty and not value:
        return
    try:
        zoned = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        zoned = False
    if not zoned:
        raise WrongRow(f"{name} is not a time with its zone")


def clean_json(value: Any) -> Any:
    """A JSON value without text that cannot be stored."""
    return _cleaned(value)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return UNSTORABLE.sub(INSTEAD, value)
    if isinstance(value, list):
        return [_cleaned(each) for each in value]
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(each) for key, each in value.items()}
    return value


def _default(column: sa.Column[Any]) -> Any:
    if column.server_default is None:
        return None
    written = str(getattr(column.server_default, "arg", ""))
    if isinstance(column.type, sa.Boolean):
        return written.lower() in ("true", "1")
    return int(written) if isinstance(column.type, sa.Integer) else written
