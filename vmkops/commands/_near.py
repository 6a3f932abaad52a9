"""Names that somebody probably meant, for `Did you mean ...?`; imports what it needs only for a mistake."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 40
"""How much of a word that is not known a message repeats."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known name that was probably meant; empty when none resembles the word."""
    from knowledge.spelling import nearest_name

    return nearest_name(word, known)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean NAME?` with a space before it, to end a message with; empty when no known name is near."""
    near = nearest(word, known)
    return f" Did you mean {near}?" if near else ""


def shown(word: str) -> str:
    """The word for a message: not too long, and with nothing in it that a terminal would carry out."""
    plain = "".join(each if each.isprintable() else "?" for each in word)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}…"
