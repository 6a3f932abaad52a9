"""Finds what each ESX release means by a vmkernel status code, a name, an errno or words.

``find`` answers one query and ``whole_table`` lists everything. Both use the five built-in tables, or the ``Tables``
that ``table.tables_in`` returns, which include imported ones.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Sequence

from knowledge import linux_errno
from knowledge.errors import NotFound, Unreadable
from knowledge.record import Record
from knowledge.releases import Choice, choose
from knowledge.vmkerr.advice import ADVISED, Advice, advice_for
from knowledge.vmkerr.match import Match, contradict, matches_of, remarks
from knowledge.vmkerr.query import Query, read_query
from knowledge.vmkerr.table import GENERIC_LINUX_ERROR, Row, Tables, as_words, bundled

__all__ = ["Advice", "Answer", "Match", "NotFound", "Unreadable", "find", "whole_table"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["code", "name", "errno", "text"]

ERRNO_NUMBER = "{number} is read as Linux errno {number}, {name} ({text})."


class Answer(
    Record,
    namedtuple(
        "Answer",
        ("query", "kind", "matches", "differs", "note", "procedures", "suggestions", "advice"),
        defaults=("", (), (), ()),
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
    """Slugs of the written procedures that the advice refers to; the service adds those that name a match."""
    suggestions: tuple[str, ...]
    advice: tuple[Advice, ...]
    """What the matches usually mean on call and the first steps, for each of them that has advice."""

    def with_advice(self) -> list[tuple[Match, Advice | None]]:
        """Return each match with the advice to show people below it.

        Only the first ``ADVISED`` matches have some, and advice that holds for several is at the first of them.
        """
        shown: list[Advice | None] = []
        for match in self.matches[:ADVISED]:
            found = (each for each in self.advice if each.name == match.name and each.holds_for(match.releases))
            advice = next(found, None)
            shown.append(None if advice in shown else advice)
        return list(zip(self.matches, shown + [None] * (len(self.matches) - len(shown)), strict=True))


def find(query: str, release: str | None = None, tables: Tables | None = None) -> Answer:
    """Look up a code, name, errno or words, in one release (``6.7``, ``esx-3.5``) or in all of them.

    Raises Unreadable when the query or the release cannot be read, and NotFound when nothing is known about it.
    """
    tables = tables or bundled()
    parsed = read_query(query)
    choice = choose(release, tables.releases) if release else Choice("")
    kind, rows = _look_up(parsed, choice.release, tables)
    if not rows:
        from knowledge.vmkerr.suggestions import not_found  # imported here because it is seldom needed

        raise not_found(parsed, choice, tables)
    matches = matches_of(rows, tables)
    notes = [choice.note, *_notes(parsed, kind, matches, rows)]
    return Answer(
        query,
        kind,
        matches,
        contradict(matches),
        " ".join(filter(None, notes)),
        procedures=tuple(dict.fromkeys(slug for each in _advice_on(matches[:ADVISED]) for slug in each.procedures)),
        advice=_advice_on(matches),
    )


def whole_table(release: str | None = None, tables: Tables | None = None) -> Answer:
    """Return every meaning that one release or all of them have, by code and then oldest release first.

    Raises Unreadable for an unknown release, and NotFound for a release without a table, such as 4.1.
    """
    tables = tables or bundled()
    choice = choose(release, tables.releases) if release else Choice("")
    if release and not choice.release:
        raise NotFound(choice.note, tables.by_release)
    rows = tables.by_release[choice.release] if choice.release else tables.rows
    matches = matches_of(sorted(rows, key=lambda row: row.code), tables)
    return Answer("", "code", matches, contradict(matches), choice.note)


def _look_up(query: Query, release: str, tables: Tables) -> tuple[Kind, Sequence[Row]]:
    """Return how the query was understood, and the rows that match it; ``release`` is an id, or empty for all."""
    if query.kind == "code":
        return "code", _in_release(release, tables.meanings(query.number))
    if query.kind == "errno":
        return "errno", _rows_by_errno(query.number, release, tables)
    named = _rows_by_name(query.text, release, tables)
    return ("name", named) if named else ("text", _rows_by_words(query.text, release, tables))


def _advice_on(matches: Iterable[Match]) -> tuple[Advice, ...]:
    """Return the advice on these matches, each once."""
    found = (advice_for(match.name, match.releases) for match in matches)
    return tuple(dict.fromkeys(advice for advice in found if advice))


def _notes(query: Query, kind: Kind, matches: Sequence[Match], rows: Sequence[Row]) -> list[str]:
    if kind in ("code", "name"):
        return remarks(matches, rows)
    error = linux_errno.by_number(query.number)
    if error is None or not query.text.lstrip("-").isdecimal():
        return []
    return [ERRNO_NUMBER.format(number=error.number, name=error.name, text=error.text)]


def _rows_by_errno(number: int, release: str, tables: Tables) -> list[Row]:
    names = linux_errno.names(number)
    rows = sorted((row for row in tables.rows if row.errno in names), key=lambda row: row.code)
    rows += [row for row in tables.meanings(GENERIC_LINUX_ERROR + number) if row not in rows]
    return _in_release(release, rows)


def _rows_by_name(text: str, release: str, tables: Tables) -> list[Row]:
    """Find the name that the text is, or the only name that it is a part of.

    Text with spaces is a name only when it begins with VMK.
    """
    words = as_words(text).upper().split()
    prefixed = words[:1] == ["VMK"]
    if not words or (" " in text and not prefixed):
        return []
    part = "_".join(words[1:] if prefixed else words)
    whole = _in_release(release, tables.by_name.get(f"VMK_{part}", []))
    if whole or not part:
        return whole
    names = {row.name for row in _in_release(release, tables.rows) if part in row.name[4:]}
    return _in_release(release, tables.by_name[names.pop()]) if len(names) == 1 else []


def _rows_by_words(text: str, release: str, tables: Tables) -> list[Row]:
    """Find the rows that contain every word of the text, each at the start of a word, best match first."""
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
    """Rank a row from 0 (best) to 4.

    The phrase is 0 the whole description, 1 the whole name, 2 a sequence of whole words; its words are 3 whole words,
    4 beginnings of words.
    """
    if phrase == as_words(row.description):
        return 0
    if phrase == as_words(row.name[4:]):
        return 1
    if f" {phrase} " in haystack:
        return 2
    return 3 if all(f" {word} " in haystack for word in words) else 4


def _in_release(release: str, rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if not release or row.release == release]
