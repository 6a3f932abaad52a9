"""Parses the query of a vmkernel lookup.

A query is a code as a log prints it (``0xbad0022``, ``bad0022``, ``<0x0xbad0006>``, ``195887138``), a Linux errno
(``EAGAIN``, ``-28``), or words: a name, part of a name, or the text of an error.
"""

from __future__ import annotations

from collections import namedtuple

from knowledge import linux_errno
from knowledge.errors import Unreadable, shown

MAX_LENGTH = 200
"""The longest query, in characters; the longest known description has 121."""

EXAMPLES = ("0xbad0022", "195887138", "VMK_BUSY", "EAGAIN", "reservation conflict")

WHAT_TO_TYPE = (
    "Type a code (0xbad0022, bad0022 or 195887138), a name (VMK_BUSY), an errno (EAGAIN) or words "
    "(reservation conflict)."
)

_HEXADECIMAL = frozenset("0123456789abcdef")
_LARGEST = 0xFFFFFFFF
_LARGEST_ERRNO = 4095

_PLAIN = str.maketrans({
    "‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "×": "x",
    "\xa0": " ", "\t": " ", "\u200b": None, "\ufeff": None,
})  # fmt: skip
_AROUND = " \r\n<>()[]{}\"'`,;:.=*|"

_CODE_INSIDE = r"\b(?:0x)*0*2?bad[0-9a-f]{4}\b|\b195887[0-9]{3}\b"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal


class Query(namedtuple("Query", ("kind", "number", "text"))):
    """A parsed query: ``number`` is the code or the errno (0 for words), ``text`` the cleaned input."""

    __slots__ = ()
    kind: Literal["code", "errno", "words"]
    number: int
    text: str


def read_query(typed: str) -> Query:
    """Parse the input of a user; raises Unreadable, with a message that says what to type."""
    if len(typed) > MAX_LENGTH:
        raise Unreadable(
            f"The query has {len(typed)} characters; at most {MAX_LENGTH} are allowed. {WHAT_TO_TYPE} "
            "For log text, use vmkops decode.",
            EXAMPLES,
        )
    text = typed.translate(_PLAIN).strip(_AROUND)
    if not text:
        raise Unreadable(f"There is nothing to look up. {WHAT_TO_TYPE}", EXAMPLES)
    if not (text.isascii() and text.isprintable()) or not any(map(str.isalnum, text)):
        raise Unreadable(f"{shown(typed)} cannot be read. {WHAT_TO_TYPE}", EXAMPLES)
    return _read(text)


def _read(text: str) -> Query:
    digits = text.lower()
    while digits.startswith("0x"):
        digits = digits[2:]
    if digits == text.lower():
        return _read_unprefixed(text)
    if digits.isalnum() or not digits:
        return Query("code", _hexadecimal(digits, text), text)
    return _read_words(text)


def _read_unprefixed(text: str) -> Query:
    lower = text.lower()
    if lower.lstrip("0").startswith(("bad", "2bad")) and _HEXADECIMAL.issuperset(lower):
        return Query("code", _hexadecimal(lower, text), text)
    if text.removeprefix("-").isdecimal():
        return _decimal(text)
    if lower.startswith("e") and (error := linux_errno.by_name(text.upper())):
        return Query("errno", error.number, text)
    return _read_words(text)


def _read_words(text: str) -> Query:
    """Parse words; when they contain exactly one code, as a piece of a log does, the query is for that code."""
    lower = text.lower()
    if "bad" not in lower and "195887" not in lower:
        return Query("words", 0, text)
    import re  # imported here because words seldom contain a code

    inside = set(re.findall(_CODE_INSIDE, lower))
    return _read(inside.pop()) if len(inside) == 1 else Query("words", 0, text)


def _hexadecimal(digits: str, text: str) -> int:
    try:
        number = int(digits, 16)
    except ValueError:
        raise Unreadable(f"{shown(text)} is not a hexadecimal number. {WHAT_TO_TYPE}", EXAMPLES) from None
    return _in_range(number, text)


def _decimal(text: str) -> Query:
    number = _in_range(abs(int(text)), text)
    if number <= _LARGEST_ERRNO and (number or text.startswith("-")):
        return Query("errno", number, text)
    return Query("code", number, text)


def _in_range(number: int, text: str) -> int:
    if number > _LARGEST:
        raise Unreadable(f"{shown(text)} is too large: a status has 32 bits. {WHAT_TO_TYPE}", EXAMPLES)
    return number
