"""Loads the P2V data in ``knowledge/data`` once; the decisions are in the other modules."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

Table = dict[str, Any]


@lru_cache(maxsize=4)
def table(name: str) -> Table:
    """Return the parsed ``knowledge/data/p2v_<name>.toml``; callers share it and must not change it."""
    text = files("knowledge").joinpath("data", f"p2v_{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mend:
    """One slip of the source document: what it has, what we have instead, and why."""

    id: str
    document: str
    ours: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A P2V tool: its support for Linux (``no``, ``partly``, ``full``), its caveat, and its status ``today``.

    ``documented`` is true when the Linux P2V page names it; the others are additions.
    """

    id: str
    name: str
    linux: str
    documented: bool
    caveat: str
    today: str


def mends() -> tuple[Mend, ...]:
    """Return the slips of the Linux P2V page that the checklist mends, in its order."""
    return tuple(Mend(**row) for row in table("checklist")["mend"])


def tools() -> tuple[Tool, ...]:
    """Return the P2V tools in the order of the page, those without Linux support first."""
    return tuple(Tool(**row) for row in table("tools")["tool"])
