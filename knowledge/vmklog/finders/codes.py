"""Finds the vmkernel status codes, texts and names of a log line; ``code_meanings`` determines what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from knowledge.vmkerr.table import Tables
from knowledge.vmklog import status_texts as texts
from knowledge.vmklog.code_meanings import code_meaning, doubtful, errno_meaning, name_meaning, text_meaning
from knowledge.vmklog.decimals import presented
from knowledge.vmklog.finding import Finding
from knowledge.vmklog.line import Finder, Line, places
from knowledge.vmklog.status_advice import for_line

_NUMBER = re.compile(
    r"(?<![\w.@+×])(?:0[x×])+0*(?P<hex>2?bad0[0-9a-f]{3})(?!\w)"
    r"|(?<![^\s(<\[=:,;\"'“‘])(?P<bare>2?bad0[0-9a-f]{3})(?![\w-]|\.\w)"
    r"|(?<![\w.:/+#-])(?P<decimal>195887[0-9]{3}|7327[56][0-9]{4})(?!\w|\.\d|:\d)",
    re.IGNORECASE,
)
_MARKERS = ("bad0", "195887", "7327")
"""Every status code contains one of these."""

_PREFIX = "0xX×2"
"""What a number may have before a marker."""
_ERRNO_BEFORE = re.compile(r"(?<![\w.])(?:-|−|–)(\d{1,3})\s*\(\s*$")
_NO_CODE_AFTER = re.compile(
    r"(?:\bstack:[\sx0-9a-f,]*"
    r"|\b(?:c(?:m|omman)d(?:sn)?|world|wid|pid|cartel|addr\w*|\w*ptr|pointer|handle|initiator|offset|va|mpn|lpn|pc"
    r"|[re]?[abcd]x|[re]?[sd]i|[re]?[sb]p|[re]?ip|r\d\d?|cr\d)\s*[:=]?\s*\(?)$",
    re.IGNORECASE,
)

_BRACKETS = ("(", "[", "<")

_NAME = re.compile(r"(?<![\w.$@:/-])(?:msg\.vmk\.status\.)?(?P<name>VMK_[A-Z0-9_]+)(?![\w(-]|[.:/]\w)", re.ASCII)
"""The name of a status as a word of its own, or as the end of the identifier of a message."""
_SUCCESS = "VMK_OK"


_NUMBER_SIGNS = frozenset((r"bad0[\da-f]{3}", r"195887\d{3}", r"7327[56]\d{4}"))


def signs(tables: Tables) -> Iterable[str]:
    """Return the signs of a line that has a status code, text or name."""
    return (*_NUMBER_SIGNS, r"(?-i)VMK_[A-Z0-9]", *texts.signs(tables))


def find(line: Line) -> Iterator[Finding]:
    """Yield the status codes of a line, the Linux errno that may precede one (``-28 (bad0081)``), texts and names.

    A name is left out when another finding of the line has that meaning only.
    """
    found = list(_find_codes(line)) if line.may_have(_NUMBER_SIGNS) else []
    if line.may_have(texts.signs(line.tables)):
        found += _find_texts(line, found)
    yield from found
    if "VMK_" in line.text:
        yield from _find_names(line, found)


def _find_names(line: Line, others: list[Finding]) -> Iterator[Finding]:
    meanings = [{match.name for match in finding.meaning.matches} for finding in others]
    known = {name for names in meanings if len(names) == 1 for name in names}
    for found in _NAME.finditer(line.text):
        name = found["name"]
        if name in line.tables.by_name and name != _SUCCESS and name not in known:
            meaning = name_meaning(name, line.origin, line.tables)
            yield line.finding(*found.span("name"), for_line(meaning, line.lower))


def _find_texts(line: Line, codes: list[Finding]) -> Iterator[Finding]:
    starts = {finding.start for finding in codes}
    ends = {finding.end for finding in codes}
    found: list[tuple[int, int]] = []
    for text in texts.standalone_texts(line.text, line.lower, line.tables):
        before_a_code = any(text.end + blanks in starts for blanks in range(4))
        after_a_code = any(text.start - blanks in ends for blanks in range(5))
        overlaps = any(text.start < end and start < text.end for start, end in found)
        if not before_a_code and not after_a_code and not overlaps:
            found.append((text.start, text.end))
            meaning = text_meaning(text.description, line.origin, line.tables)
            yield line.finding(text.start, text.end, for_line(meaning, line.lower))


FINDER = Finder(signs, find)


def _numbers(line: Line) -> Iterator[re.Match[str]]:
    """Yield the numbers that may be status codes; only the text from a marker on is searched."""
    at = 0
    for place in places(line.lower, *_MARKERS):
        if place < at:
            continue
        before = line.text[at:place]
        found = _NUMBER.search(line.text, at + len(before.rstrip(_PREFIX)))
        if found is None:
            return
        yield found
        at = found.end()


def _find_codes(line: Line) -> Iterator[Finding]:
    text, tables = line.text, line.tables
    window = 200 if "stack:" in line.lower else 16
    for found in _numbers(line):
        start, end = found.span()
        decimal = found["decimal"]
        code = int(decimal) if decimal else int(found["hex"] or found["bare"], 16)
        if decimal and not tables.meanings(code):
            continue
        if _NO_CODE_AFTER.search(text, max(0, start - window), start) and not _follows_its_text(
            code, text, start, tables
        ):
            continue
        errno = _ERRNO_BEFORE.search(text, max(0, start - 10), start)
        if errno and (meaning := errno_meaning(int(errno[1]))):
            yield line.finding(errno.start(), errno.end(1), meaning)
        status_text = texts.text_next_to(text, start, end, tables)
        shown_as = presented(text, start, end) if decimal and not status_text else "status"
        if shown_as == "quantity":
            continue
        meaning = code_meaning(code, status_text, int(errno[1]) if errno else 0, line.origin, tables)
        meaning = for_line(meaning, line.lower) if shown_as == "status" else doubtful(meaning)
        yield line.finding(start, end, meaning)


def _follows_its_text(code: int, line: str, start: int, tables: Tables) -> bool:
    """Return whether a code follows its own text, whose last word may be ``handle``, ``address`` or ``world``.

    One in brackets may follow any text: releases differ in the numbers that they give the texts.
    """
    text = texts.text_before(line, start, tables)
    bracketed = line[:start].rstrip().endswith(_BRACKETS)
    return bool(text) and (bracketed or any(row.code == code for row in texts.rows_of(text, tables)))
