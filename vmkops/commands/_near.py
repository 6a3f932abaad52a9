"""Names that somebody probably meant, for `Did you mean ...?`; imports difflib only when it is needed."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 40
"""How much of a word that is not known a message repeats."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known name that this word resembles most; empty when it resembles none."""
    from difflib import get_close_matches

    names = list(known)
    by_case = {name.lower(): name for name in names}
    near = get_close_matches(word.lower(), by_case, 1, 0.6)
    begins = [name for name in names if len(word) > 2 and name.lower().startswith(word.lower())]
    return by_case[near[0]] if near else begins[0] if len(begins) == 1 else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean NAME?` with a space before it, to end a message with; empty when no known name is near."""
    near = nearest(word, known)
    return f" Did you mean {near}?" if near else ""


def shown(word: str) -> str:
    """The word for a message: not too long, and with nothing in it that a terminal would carry out."""
    plain = "".join(each if each.isprintable() else "?" for each in word)
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}…"
