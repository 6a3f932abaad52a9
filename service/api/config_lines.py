"""On which line of a TOML file each key is, for messages: tomllib does not keep it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping

Key = tuple[str, ...]
"""The names that lead to a value, from the outermost table on: `("vcenters", "lab", "url")`."""


def lines_of(text: str) -> dict[Key, int]:
    """The line, from 1, of each table and key of a TOML text; a key inside an inline table has none."""
    found: dict[Key, int] = {}
    table: Key = ()
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("["):
            key = _only_key(line)
            table = key or table
        else:
            own = _only_key(f"{line.partition('=')[0]}= 0") if "=" in line else ()
            key = (*table, *own) if own else ()
        for length in range(1, len(key) + 1):
            found.setdefault(key[:length], number)
    return found


def line_of(lines: Mapping[Key, int], key: Key) -> int | None:
    """The line of this key, or of the nearest table around it; None when there is none."""
    return next((lines[key[:length]] for length in range(len(key), 0, -1) if key[:length] in lines), None)


def _only_key(line: str) -> Key:
    """The key that one line of TOML defines; empty when it defines none, as inside a long text."""
    try:
        value: object = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    found: list[str] = []
    while isinstance(value, dict) and value:
        name, value = next(iter(value.items()))
        found.append(name)
        if isinstance(value, list):  # a table in double brackets
            value = value[0] if value else None
    return tuple(found)
