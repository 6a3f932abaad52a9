"""Parses the text that was typed after a slash command. Pure: no I/O.

Chat clients change what people type: Slack and macOS turn straight quotation marks into curly ones and two hyphens
into a dash, and people paste codes with backticks around them. The functions here accept all of these.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection
from typing import NamedTuple

MAX_LENGTH = 500
"""Maximum number of characters after a command; names, codes and selectors are far shorter."""

QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}
STRAIGHT = str.maketrans("“”„", '"""')
DASHES = ("--", "—", "–")


class UsageError(Exception):
    """The text after a command cannot be read. The message says why; the usage is shown below it."""


class Arguments(NamedTuple):
    """The words after a command, as one text, and the options among them by name."""

    words: str
    options: dict[str, str]


def single_argument(text: str) -> str:
    """The whole text as one value, without spaces or quotation marks around it; empty when nothing was typed.

    Raises UsageError when the text is longer than MAX_LENGTH.
    """
    if len(text) > MAX_LENGTH:
        raise UsageError(f"The text has {len(text):,} characters; the maximum is {MAX_LENGTH}.")
    value = " ".join(text.splitlines()).strip()
    if len(value) > 1 and QUOTES.get(value[0]) == value[-1]:
        value = value[1:-1].strip()
    return value


def words_and_options(text: str, names: Collection[str], *, repeatable: Collection[str] = ()) -> Arguments:
    """Words with options among them: `--name value`, `--name=value` or `name=value`, for each of the names.

    After dashes, a name may have `-` for `_`, as on the command line. Commas join the values of a repeatable option.
    Raises UsageError for an option that is unknown, has no value, or is given twice without being repeatable.
    """
    words: list[str] = []
    options: dict[str, str] = {}
    rest = single_argument(text).split()
    while rest:
        word = rest.pop(0)
        dash = next((dash for dash in DASHES if word.startswith(dash) and len(word) > len(dash)), "")
        name, equals, value = word.removeprefix(dash).partition("=")
        name = name.replace("-", "_") if dash else name
        shown = f"--{name.replace('_', '-')}"
        if name not in names:
            if dash:
                known = ", ".join(f"--{known.replace('_', '-')}" for known in sorted(names))
                raise UsageError(f"Unknown option {word}. Known options: {known or 'none'}.")
            words.append(word)
        elif not dash and not equals:
            words.append(word)
        else:
            if not equals:
                value = rest.pop(0) if rest else ""
            if not value:
                raise UsageError(f"{shown} needs a value.")
            if name in options and name not in repeatable:
                raise UsageError(f"{shown} is given twice.")
            options[name] = f"{options[name]},{value}" if name in options else value
    return Arguments(words=single_argument(" ".join(words)), options=options)


def name_and_values(text: str) -> Arguments:
    """A name as `words`, and the `key=value` pairs after it as `options`; a value with spaces is in double quotes.

    Raises UsageError for a missing closing quotation mark, a word that is not `key=value`, and a repeated key.
    """
    lexer = shlex.shlex(single_argument(text).translate(STRAIGHT), posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.quotes, lexer.escape = True, "", '"', ""
    try:
        name, *pairs = [*lexer] or [""]
    except ValueError:
        raise UsageError("A closing quotation mark is missing.") from None
    values: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise UsageError(f"{pair} is not key=value.")
        if key in values:
            raise UsageError(f"{key} is given twice.")
        values[key] = value
    return Arguments(words=name, options=values)


def asks_for_help(text: str) -> bool:
    """Whether the text asks how to use the command: `help`, `--help`, `-h` or `?`."""
    return single_argument(text[:MAX_LENGTH]).lower() in {"help", "--help", "-h", "?"}
