"""Chooses the one thing of an inventory that people mean: by name, or by another field named before a colon."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from service.errors import Ambiguous, InvalidParams, NotFound

LONGEST = 255


class Named(Protocol):
    """What can be chosen."""

    @property
    def moref(self) -> str:
        """Its managed object reference."""

    @property
    def name(self) -> str:
        """What people call it."""


T = TypeVar("T", bound=Named)

FIELDS = {"name": "name", "moref": "moref"}


def select(things: Sequence[T], selector: str, *, noun: str, fields: Mapping[str, str] = FIELDS) -> T:
    """The one of `things` that `selector` means; `fields` are the words before a colon and their attributes.

    Exact case wins over any case. Raises NotFound with near names, Ambiguous with a `moref:` selector for each
    candidate, InvalidParams for an empty selector.
    """
    kind, colon, value = selector.strip().partition(":")
    kind, text = (kind.lower(), value.strip()) if colon and kind.lower() in fields else ("name", selector.strip())
    if not text or len(text) > LONGEST:
        ways = " or ".join(f"{word}:" for word in fields)
        raise InvalidParams(f"Name a {noun}: its name, or {ways} and the value.")
    valued = [(str(getattr(thing, fields[kind])), thing) for thing in things]
    found = [thing for value, thing in valued if value == text]
    found = found or [thing for value, thing in valued if value.lower() == text.lower()]
    if len(found) == 1:
        return found[0]
    if found:
        raise Ambiguous(
            f"{len(found)} {noun}s have the {kind} {text!r}. Choose one by its moref.",
            [f"moref:{thing.moref}" for thing in found],
        )
    names = sorted({thing.name for thing in things})
    lowered = text.lower()
    near = [name for name in names if lowered in name.lower()] or difflib.get_close_matches(text, names, 5, 0.5)
    hint = " Did you mean one of these?" if near else ""
    raise NotFound(f"There is no {noun} with the {kind} {text!r}.{hint}", near[:5])
