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
class Correction:
    """One mistake in the source document: what it has, what the checklist has instead, and why."""

    id: str
    document: str
    ours: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A P2V tool and how far it supports Linux."""

    id: str
    name: str
    linux: str
    """``no``, ``partly`` or ``full``."""
    documented: bool
    """True when the Linux P2V page names it; the others were added here."""
    caveat: str
    today: str
    """Whether it is still available, and what replaces it."""


def corrections() -> tuple[Correction, ...]:
    """Return the mistakes in the Linux P2V page that the checklist corrects, in its order."""
    return tuple(Correction(**row) for row in table("checklist")["correction"])


def tools() -> tuple[Tool, ...]:
    """Return the P2V tools in the order of the page, those without Linux support first."""
    return tuple(Tool(**row) for row in table("tools")["tool"])
