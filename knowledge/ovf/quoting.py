"""How text from a package is quoted in a message."""

from __future__ import annotations

_LONGEST_QUOTE = 80


def printable(text: str) -> str:
    """Escape what does not print, so that no text from a package can steer a terminal."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def quoted(text: str) -> str:
    """Quote text from a package so that it is safe to print: escaped, and cut when it is long."""
    short = text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 3] + "..."
    return repr(short)
