"""Prepares an iSCSI name for comparison as RFC 3722 requires: map, normalize, and refuse prohibited characters.

The tables are those of RFC 3454, which the standard library contains for Unicode 3.2.
"""

from __future__ import annotations

import stringprep
import unicodedata
from dataclasses import dataclass

from knowledge.iscsi.values import Problem

IDEOGRAPHIC_FULL_STOP = "\u3002"
"""Prohibited by RFC 3722 section 6.1, because it looks like a dot."""

_ALLOWED_ASCII = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.:")

_PROHIBITED_TABLES = (
    stringprep.in_table_c11_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A name after mapping and normalization, and what RFC 3722 forbids in it."""

    text: str
    problems: tuple[Problem, ...]


def prepare(name: str) -> Prepared:
    """Return ``name`` mapped (tables B.1, B.2) and normalized (NFKC), with its problems.

    Problems are prohibited and unassigned characters and mixed text directions.
    """
    if name.isascii():  # for these characters, the tables only map to lower case, and NFKC changes nothing
        return Prepared(text=name.lower(), problems=_prohibited(name.lower()))
    mapped = "".join(_map_character(character) for character in name)
    text = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    problems = (*_prohibited(text), *_unassigned(text), *_bidirectional(text))
    return Prepared(text=text, problems=problems)


def _map_character(character: str) -> str:
    """Apply tables B.1 (characters that map to nothing) and B.2 (case folding for NFKC) to one character.

    The standard library folds by the newest Unicode. Where the result is a character that Unicode 3.2 does not have,
    RFC 3454 has no such row, so the character remains as it is.
    """
    if stringprep.in_table_b1(character):
        return ""
    if stringprep.in_table_a1(character):
        return character
    folded = stringprep.map_table_b2(character)
    return character if any(map(stringprep.in_table_a1, folded)) else folded


def _is_prohibited(character: str) -> bool:
    if character.isascii():
        return character not in _ALLOWED_ASCII
    return character == IDEOGRAPHIC_FULL_STOP or any(table(character) for table in _PROHIBITED_TABLES)


def _prohibited(text: str) -> tuple[Problem, ...]:
    found = dict.fromkeys(character for character in text if _is_prohibited(character))
    return tuple(
        Problem(
            rule="prohibited-character",
            severity="error",
            message=(
                f"{describe_character(character)} is not allowed in an iSCSI name. Of ASCII, only"
                " a-z, 0-9, dash, dot and colon are allowed."
            ),
            source="RFC 3722 section 6",
        )
        for character in found
    )


def _unassigned(text: str) -> tuple[Problem, ...]:
    found = dict.fromkeys(character for character in text if stringprep.in_table_a1(character))
    return tuple(
        Problem(
            rule="unassigned-character",
            severity="error",
            message=f"{describe_character(character)} is not in Unicode 3.2, to which iSCSI names are limited.",
            source="RFC 3722 section 8, RFC 3454 section 7",
        )
        for character in found
    )


def _bidirectional(text: str) -> tuple[Problem, ...]:
    """Apply RFC 3454 section 6: a name with right-to-left letters must be right-to-left from end to end."""
    if not any(map(stringprep.in_table_d1, text)):
        return ()
    mixed = any(map(stringprep.in_table_d2, text))
    both_ends = stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
    if both_ends and not mixed:
        return ()
    return (
        Problem(
            rule="bidirectional-text",
            severity="error",
            message=(
                "The name mixes right-to-left and left-to-right letters. Every name begins with iqn., eui. or naa.,"
                " so right-to-left letters are not possible."
            ),
            source="RFC 3722 section 7, RFC 3454 section 6",
        ),
    )


def describe_character(character: str) -> str:
    """Describe one character: the character itself when it is printable, its code point and its Unicode name."""
    name = unicodedata.name(character, "")
    shown = f"'{character}' " if character.isprintable() and not character.isspace() else ""
    return f"{shown}(U+{ord(character):04X}{' ' + name.lower() if name else ''})"
