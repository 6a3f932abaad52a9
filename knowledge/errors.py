"""The two ways a lookup can fail: nobody can read what was typed, or nothing is known about it."""

from __future__ import annotations

from collections.abc import Iterable


class Unreadable(ValueError):
    """What was typed cannot be read; the message says what to type instead (HTTP 400)."""

    def __init__(self, message: str, suggestions: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.suggestions = tuple(suggestions)


class NotFound(LookupError):
    """What was typed can be read, but nothing is known about it (HTTP 404); suggestions are near misses."""

    def __init__(self, message: str, suggestions: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.suggestions = tuple(suggestions)


def shown(text: str) -> str:
    """Give what somebody typed back in a form that is safe to print: quoted, escaped and cut at 40 characters."""
    short = text if len(text) <= 40 else text[:37] + "..."
    return ascii(short)
