"""Chooses a table of `vmkops.toml`, such as `[copy.NAME]`, by the name in a request."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

from knowledge.ovf.quoting import quoted
from knowledge.spelling import nearest_name
from service.errors import NotFound

T = TypeVar("T")


def named_table(tables: Mapping[str, T], name: str, *, what: str, section: str, also: Collection[str] = ()) -> T:
    """The table of this name; `what` is the word for people, such as "copy target", and `section` the one in the file.

    Raises NotFound with the nearest of the names, or of the other words in `also`, and with all names. It has no
    suggestions: these complete the first parameter of a command, and the name belongs to a later one.
    """
    if name in tables:
        return tables[name]
    near = nearest_name(name, [*tables, *also])
    names = ", ".join(sorted(tables))
    missing = f"None is set; the administrator adds a table [{section}.NAME] to vmkops.toml."
    rest = f"There are: {names}." if names else missing
    raise NotFound(f"There is no {what} {quoted(name)}. {f'Did you mean {near}? ' if near else ''}{rest}")
