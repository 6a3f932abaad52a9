"""Quotes text from a package for messages."""

from __future__ import annotations

_LONGEST_QUOTE = 80


def printable(text: str) -> str:
    """Escape unprintable characters, so that text from a package cannot control a terminal."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def quoted(text: str) -> str:
    """Quote text from a package so that it is safe to print: escaped, and cut at 80 characters."""
    short = text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 3] + "..."
    return repr(short)
