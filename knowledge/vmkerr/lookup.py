"""A vmkernel status code, name, errno or words -> what each ESX release means by it.

``find`` answers one question, ``whole_table`` lists everything; both know the five built-in tables and, given
``Tables`` from ``vmkerr_table.tables_in``, those imported from people's own hosts.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Sequence

from knowledge import linux_errno
from knowledge.errors import NotFound, Unreadable
from knowledge.record import Record
from knowledge.releases import Choice, choose
from knowledge.vmkerr.match import Match, contradict, matches_of, remarks
from knowledge.vmkerr.query import Query, read_query
from knowledge.vmkerr.table import GENERIC_LINUX_ERROR, Row, Tables, as_words, bundled

__all__ = ["Answer", "Match", "NotFound", "Unreadable", "find", "whole_table"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["code", "name", "errno", "text"]

ERRNO_NUMBER = "{number} is read as Linux errno {number}, {name} ({text})."


class Answer(
    Record,
    namedtuple(
        "Answer", ("query", "kind", "matches", "differs", "note", "procedures", "suggestions"), defaults=("", (), ())
    ),
):
    """What a query for a vmkernel status means, release by release."""

    __slots__ = ()
    query: str
    kind: Literal["code", "name", "errno", "text"]
    matches: tuple[Match, ...]
    differs: bool
    """True when two matches contradict each other: one code with two meanings, or one name with two codes."""
    note: str
    """For people; may be empty."""
    procedures: tuple[str, ...]
    """Slugs of the written procedures that name a match; empty where no procedures are searched."""
    suggestions: tuple[str, ...]


def find(query: str, release: str | None = None, tables: Tables | None = None) -> Answer:
    """Look up a code, name, errno or words, in one release (``6.7``, ``esx-3.5``) or in all of them.

    Raises Unreadable when the query or the release cannot be read, NotFound when nothing is known about it.
    """
    known = tables or bundled()
    asked = read_query(query)
    choice = choose(release, known.releases) if release else Choice("")
    kind, rows = _look_up(asked, choice.release, known)
    if not rows:
        from knowledge.vmkerr.near import nothing_found  # seldom needed, so read when it is

        raise nothing_found(asked, choice, known)
    matches = matches_of(rows, known)
    notes = [choice.note, *_notes(asked, kind, matches, rows)]
    return Answer(query, kind, matches, contradict(matches), " ".join(filter(None, notes)))


def whole_table(release: str | None = None, tables: Tables | None = None) -> Answer:
    """Give every meaning that a release knows, or that all of them do, by code and then oldest release first.

    Raises Unreadable for a release nobody knows and NotFound for one without a table, such as 4.1.
    """
    known = tables or bundled()
    choice = choose(release, known.releases) if release else Choice("")
    if release and not choice.release:
        raise NotFound(choice.note, known.by_release)
    rows = known.by_release[choice.release] if choice.release else known.rows
    matches = matches_of(sorted(rows, key=lambda row: row.code), known)
    return Answer("", "code", matches, contradict(matches), choice.note)


def _look_up(asked: Query, release: str, tables: Tables) -> tuple[Kind, Sequence[Row]]:
    if asked.kind == "code":
        return "code", _in(release, tables.meanings(asked.number))
    if asked.kind == "errno":
        return "errno", _of_errno(asked.number, release, tables)
    named = _of_name(asked.text, release, tables)
    return ("name", named) if named else ("text", _of_words(asked.text, release, tables))


def _notes(asked: Query, kind: Kind, matches: Sequence[Match], rows: Sequence[Row]) -> list[str]:
    if kind in ("code", "name"):
        return remarks(matches, rows)
    error = linux_errno.by_number(asked.number)
    if error is None or not asked.text.lstrip("-").isdecimal():
        return []
    return [ERRNO_NUMBER.format(number=error.number, name=error.name, text=error.text)]


def _of_errno(number: int, release: str, tables: Tables) -> list[Row]:
    names = linux_errno.names(number)
    rows = sorted((row for row in tables.rows if row.errno in names), key=lambda row: row.code)
    rows += [row for row in tables.meanings(GENERIC_LINUX_ERROR + number) if row not in rows]
    return _in(release, rows)


def _of_name(text: str, release: str, tables: Tables) -> list[Row]:
    """Find the one name that was typed, whole or in part; words with spaces are no name unless VMK leads."""
    words = as_words(text).upper().split()
    prefixed = words[:1] == ["VMK"]
    if not words or (" " in text and not prefixed):
        return []
    part = "_".join(words[1:] if prefixed else words)
    whole = _in(release, tables.by_name.get(f"VMK_{part}", []))
    if whole or not part:
        return whole
    names = {row.name for row in _in(release, tables.rows) if part in row.name[4:]}
    return _in(release, tables.by_name[names.pop()]) if len(names) == 1 else []


def _of_words(text: str, release: str, tables: Tables) -> list[Row]:
    """Find the rows that have all the words, each at the start of a word, best first."""
    words = [word for word in as_words(text).split() if word != "vmk"]
    if not words:
        return []
    phrase = " ".join(words)
    starts = [f" {word}" for word in words]
    found = [
        (_rank(phrase, words, haystack, row), row)
        for haystack, row in tables.words
        if (not release or row.release == release) and all(start in haystack for start in starts)
    ]
    found.sort(key=lambda pair: (pair[0], pair[1].code))
    return [row for _, row in found]


def _rank(phrase: str, words: list[str], haystack: str, row: Row) -> int:
    """Rank a text, 0 best: the words are all of it, a name, stand together, are whole words, start words."""
    if phrase == as_words(row.description):
        return 0
    if phrase == as_words(row.name[4:]):
        return 1
    if f" {phrase} " in haystack:
        return 2
    return 3 if all(f" {word} " in haystack for word in words) else 4


def _in(release: str, rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if not release or row.release == release]
