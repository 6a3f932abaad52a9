"""What somebody typed after a slash command -> typed values; pure.

Text from a chat is mended first: Slack and macOS turn quotes into curly ones and two dashes into a long one, and
codes are pasted with the backticks around them.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection
from typing import NamedTuple

LONGEST = 500
"""Characters of a command's text; every name, code and selector is far shorter."""

QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}
STRAIGHT = str.maketrans("“”„", '"""')
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


def with_options(text: str, names: Collection[str], *, repeatable: Collection[str] = ()) -> Typed:
    """Words with options among them: `--name value`, `--name=value` or `name=value`, for each of the names.

    The values of one that is repeatable are joined by commas. Raises UsageError for an option that is not known, has
    no value, or is given twice and is not repeatable.
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
            if name in options and name not in repeatable:
                raise UsageError(f"--{name} is given twice.")
            options[name] = f"{options[name]},{value}" if name in options else value
    return Typed(words=one_value(" ".join(words)), options=options)


def name_and_values(text: str) -> Typed:
    """A name and the `key=value` after it, as a Typed; a value with spaces in it stands in double quotes.

    Raises UsageError for a quote that is not closed, a word that is not `key=value`, and a key that is given twice.
    """
    lexer = shlex.shlex(one_value(text).translate(STRAIGHT), posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.quotes, lexer.escape = True, "", '"', ""
    try:
        name, *pairs = [*lexer] or [""]
    except ValueError:
        raise UsageError("A quote is not closed.") from None
    values: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise UsageError(f"{pair} is not key=value.")
        if key in values:
            raise UsageError(f"{key} is given twice.")
        values[key] = value
    return Typed(words=name, options=values)


def wants_help(text: str) -> bool:
    """True when the command is asked to explain itself."""
    return one_value(text[:LONGEST]).lower() in {"help", "--help", "-h", "?"}
