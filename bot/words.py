"""What somebody typed after a slash command -> typed values; pure.

Text from a chat is mended first: Slack and macOS turn quotes into curly ones and two dashes into a long one, and
codes are pasted with the backticks around them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

LONGEST = 500
"""Characters of a command's text; every name, code and selector is far shorter."""

QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}
DASHES = ("--", "—", "–")


class UsageError(Exception):
    """The words cannot be read; the message says why, and the usage line is shown below it."""


class Typed(NamedTuple):
    """The words of a command and the options among them."""

    words: str
    options: dict[str, str]


def one_value(text: str) -> str:
    """The whole text as one value, without spaces or quotes around it; empty when nothing was typed.

    Raises UsageError when it is longer than LONGEST.
    """
    if len(text) > LONGEST:
        raise UsageError(f"That is {len(text):,} characters; I read at most {LONGEST}.")
    value = " ".join(text.splitlines()).strip()
    if len(value) > 1 and QUOTES.get(value[0]) == value[-1]:
        value = value[1:-1].strip()
    return value


def with_options(text: str, names: Collection[str]) -> Typed:
    """Words with options among them: `--name value`, `--name=value` or `name=value`, for each of the names.

    Raises UsageError for an option that is not known, has no value or is given twice.
    """
    words: list[str] = []
    options: dict[str, str] = {}
    rest = one_value(text).split()
    while rest:
        word = rest.pop(0)
        dash = next((dash for dash in DASHES if word.startswith(dash) and len(word) > len(dash)), "")
        name, equals, value = word.removeprefix(dash).partition("=")
        if name not in names:
            if dash:
                known = ", ".join(f"--{known}" for known in sorted(names))
                raise UsageError(f"I do not know the option {word}; there is {known or 'none'}.")
            words.append(word)
        elif not dash and not equals:
            words.append(word)
        else:
            if not equals:
                value = rest.pop(0) if rest else ""
            if not value:
                raise UsageError(f"--{name} needs a value.")
            if name in options:
                raise UsageError(f"--{name} is given twice.")
            options[name] = value
    return Typed(words=one_value(" ".join(words)), options=options)


def wants_help(text: str) -> bool:
    """True when the command is asked to explain itself."""
    return one_value(text[:LONGEST]).lower() in {"help", "--help", "-h", "?"}
