"""The two ways a lookup can fail: the input cannot be read, or nothing is known about it."""

from __future__ import annotations

from collections.abc import Iterable


class Unreadable(ValueError):
    """The input cannot be read (HTTP 400).

    ``message`` says what to type instead; ``suggestions`` are examples or likely corrections.
    """

    def __init__(self, message: str, suggestions: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.suggestions = tuple(suggestions)


class NotFound(LookupError):
    """The input can be read, but nothing is known about it (HTTP 404); ``suggestions`` are near misses."""

    def __init__(self, message: str, suggestions: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.suggestions = tuple(suggestions)


def shown(text: str) -> str:
    """Return user input in a form that is safe to print: quoted, in escaped ASCII, and cut at 40 characters."""
    short = text if len(text) <= 40 else text[:37] + "..."
    return ascii(short)
