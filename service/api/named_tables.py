"""Chooses a table of `vmkops.toml`, such as `[copy.NAME]`, by the name in a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from knowledge.ovf.quoting import quoted
from knowledge.spelling import nearest_name
from service.errors import NotFound

T = TypeVar("T")


def named_table(tables: Mapping[str, T], name: str, *, what: str, section: str, also: str = "") -> T:
    """The table of this name; `what` is the word for people, such as "copy target", and `section` the one in the file.

    `also` is the word that stands for no table. Raises NotFound with the nearest of the names, and with all of them. It
    has no suggestions: these complete the first parameter of a command, and the name belongs to a later one.
    """
    if name in tables:
        return tables[name]
    near = nearest_name(name, tables)
    said = [f"There is no {what} {quoted(name)}."]
    if near:
        said.append(f"Did you mean {near}?")
    if tables:
        said.append(f"There are: {', '.join(sorted(tables))}.")
    else:
        said.append(f"vmkops.toml has no table [{section}.NAME]; the administrator adds one.")
    if also:
        said.append(f"For no {what}, give {also}.")
    raise NotFound(" ".join(said))
