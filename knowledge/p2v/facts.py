"""The P2V facts of ``knowledge/data``, read once; no decision is made here."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

Table = dict[str, Any]


@lru_cache(maxsize=4)
def table(name: str) -> Table:
    """Return the parsed ``knowledge/data/p2v_<name>.toml``; it is shared, so do not change it."""
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
    """A P2V tool: how far it supports Linux (``no``, ``partly``, ``full``), its caveat, and how it stands today.

    ``documented`` is true when the Linux P2V page names it; the others were added here.
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
    """Return the P2V tools, those without Linux support first, as the page has them."""
    return tuple(Tool(**row) for row in table("tools")["tool"])
