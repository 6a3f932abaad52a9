"""Finds the numbers of vmkernel status in a log line and says what they mean by whichever release wrote the line.

A text or an errno beside a number settles the release, for it was the host that put them together. Else the release
is the one that was given, or the one that the line's format shows, or open: then every reading is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from knowledge import linux_errno
from knowledge.vmkerr.match import Match, matches_of, remarks
from knowledge.vmkerr.table import GENERIC_LINUX_ERROR, Row, Tables
from knowledge.vmklog import texts
from knowledge.vmklog.finding import Certainty, Finding, Meaning, SettledBy
from knowledge.vmklog.origin import Origin

OLDEST = "esx-3.5"
"""The oldest table; what it shares with all later ones, 4.x is taken to share too."""

BY_TEXT = "the text beside the number, {text!a}, is what {release} says for it"
BY_ERRNO = "Linux errno {number} ({name}) beside the number is that of {release} only"
OTHER_NUMBERING = (
    "No table has this text at {code}, so the host numbers its codes otherwise, as ESX 4.x does; the text counts."
)
AGAINST = "Going by {against}, it would be: {meanings}."
DIFFERS = "Its number depends on the release."
UNKNOWN = "{code}: no table has this code. Import the host's own: vmkops vmkerr import FILE --release NAME"

_NUMBER = re.compile(
    r"(?<![\w.@+×])(?:0[x×])+0*(?P<hex>2?bad0[0-9a-f]{3})(?!\w)"
    r"|(?<![^\s(<\[=:,;\"'“‘])(?P<bare>2?bad0[0-9a-f]{3})(?![\w-]|\.\w)"
    r"|(?<![\w.:/+#-])(?P<decimal>195887[0-9]{3}|7327[56][0-9]{4})(?!\w|\.\d|:\d)",
    re.IGNORECASE,
)
SIGNS = ("bad0", "195887", "7327")
"""Every status number has one of these in it."""

_LONGEST_PREFIX = 40
_ERRNO_BEFORE = re.compile(r"(?<![\w.])(?:-|−|–)(\d{1,3})\s*\(\s*$")
_NO_CODE_AFTER = re.compile(
    r"(?:\bstack:[\sx0-9a-f,]*"
    r"|\b(?:c(?:m|omman)d(?:sn)?|world|wid|pid|cartel|addr\w*|\w*ptr|pointer|handle|initiator|offset|va|mpn|lpn|pc"
    r"|[re]?[abcd]x|[re]?[sd]i|[re]?[sb]p|[re]?ip|r\d\d?|cr\d)\s*[:=]?\s*\(?)$",
    re.IGNORECASE,
)


class _Settled(NamedTuple):
    rows: list[Row]
    by: SettledBy
    reason: str
    certainty: Certainty


def find_codes(number: int, line: str, lower: str, origin: Origin, tables: Tables) -> Iterator[Finding]:
    """Find the status numbers of a line, and the Linux errno that may stand before one (``-28 (bad0081)``)."""
    places = [at for at in map(lower.find, SIGNS) if at >= 0]
    if not places:
        return
    for found in _NUMBER.finditer(line, max(0, min(places) - _LONGEST_PREFIX)):
        start, end = found.span()
        if _NO_CODE_AFTER.search(line, max(0, start - (200 if "stack:" in lower else 16)), start):
            continue
        decimal = found["decimal"]
        code = int(decimal) if decimal else int(found["hex"] or found["bare"], 16)
        if decimal and not tables.meanings(code):
            continue
        errno = _ERRNO_BEFORE.search(line, max(0, start - 10), start)
        if errno and (meaning := _errno(int(errno[1]))):
            yield Finding(number, errno.start(), errno.end(1), line[errno.start() : errno.end(1)], meaning)
        text = texts.beside(line, start, end, tables)
        yield Finding(number, start, end, found[0], _code(code, text, int(errno[1]) if errno else 0, origin, tables))


def find_texts(number: int, line: str, lower: str, origin: Origin, tables: Tables) -> Iterator[Finding]:
    """Find the status texts that stand alone in a line."""
    for text in texts.alone(line, lower, tables):
        meaning = _text(text.description, origin, tables)
        yield Finding(number, text.start, text.end, line[text.start : text.end], meaning)


@lru_cache(maxsize=1024)
def _errno(number: int) -> Meaning | None:
    error = linux_errno.by_number(number)
    return error and Meaning(kind="errno", summary=f"Linux errno {error.number} {error.name}: {error.text}")


@lru_cache(maxsize=4096)
def _code(code: int, text: str, errno: int, origin: Origin, tables: Tables) -> Meaning:
    known = tables.meanings(code)
    settled = _by_text(code, text, known, tables) or _by_errno(errno, known, tables) or _by_origin(known, origin)
    if not settled.rows:
        return Meaning(kind="vmkernel", summary=UNKNOWN.format(code=f"{code:#x}"), certainty="unknown")
    if settled.rows[0] not in known:
        return _in_another_numbering(code, settled.rows, origin, tables)
    matches = matches_of(settled.rows, tables)
    notes = remarks(matches, settled.rows)
    if settled.by in ("text", "errno"):
        notes += _against(settled.rows, known, origin, tables)
    elif origin.note:
        notes.append(origin.note)
    release = _release(settled, matches, origin, tables)
    return Meaning(
        kind="vmkernel",
        summary=f"{code:#x} {_words(matches, tables)}",
        certainty=settled.certainty,
        matches=matches,
        release=release,
        settled_by=settled.by,
        reason=settled.reason.format(release=release),
        notes=tuple(notes),
    )


def _in_another_numbering(code: int, rows: list[Row], origin: Origin, tables: Tables) -> Meaning:
    """Go by the text beside a number for which no table has it; what matches are the rows of the text."""
    matches = matches_of(rows, tables)
    return Meaning(
        kind="vmkernel",
        summary=f"{code:#x} {_words(matches[-1:], tables)}",
        matches=matches,
        release=origin.release,
        settled_by=("given" if origin.given else "format") if origin.release else "",
        reason=origin.reason,
        notes=(OTHER_NUMBERING.format(code=f"{code:#x}"),),
    )


@lru_cache(maxsize=1024)
def _text(description: str, origin: Origin, tables: Tables) -> Meaning:
    rows = texts.rows_of(description, tables)
    of_origin = [row for row in rows if row.release in origin.tables]
    matches = matches_of(of_origin or rows, tables)
    names = list(dict.fromkeys(match.name for match in matches))
    settled: SettledBy = ("given" if origin.given else "format") if of_origin else ""
    return Meaning(
        kind="vmkernel",
        summary=f"{description} ({' or '.join(names)})",
        certainty="certain" if len(names) == 1 else "open",
        matches=matches,
        release=origin.release if settled else "",
        settled_by=settled,
        reason=origin.reason if settled else "",
        notes=(DIFFERS,) if len({match.code for match in matches}) > 1 else (),
    )


def _by_text(code: int, text: str, known: list[Row], tables: Tables) -> _Settled | None:
    """Let the text beside the number decide, if it can."""
    if not text:
        return None
    rows = texts.rows_of(text, tables)
    fitting = {(row.name, row.errno) for row in known if row in rows}
    here = [row for row in known if (row.name, row.errno) in fitting]
    if not here and (" " not in text or code >= GENERIC_LINUX_ERROR):
        return None  # one word may stand there by chance
    if here and _same_everywhere(known):
        return None  # it settles nothing
    reason = BY_TEXT.replace("{text!a}", ascii(rows[0].description).replace("{", "{{").replace("}", "}}"))
    return _Settled(here or rows, "text", reason, "certain")


def _by_errno(errno: int, known: list[Row], tables: Tables) -> _Settled | None:
    names = linux_errno.names(errno) if errno else frozenset[str]()
    here = [row for row in known if row.errno in names]
    if not here or len(here) == len(known) or len(matches_of(here, tables)) > 1:
        return None
    return _Settled(here, "errno", BY_ERRNO.format(number=errno, name=here[0].errno, release="{release}"), "certain")


def _by_origin(known: list[Row], origin: Origin) -> _Settled:
    here = [row for row in known if row.release in origin.tables]
    if here and origin.given:
        return _Settled(here, "given", origin.reason, "certain")
    certainty: Certainty = "inferred" if _one_meaning(here or known) else "open"
    if _same_everywhere(known):
        certainty = "certain"
    return _Settled(here, "format", origin.reason, certainty) if here else _Settled(known, "", "", certainty)


def _same_everywhere(known: list[Row]) -> bool:
    """Whether a number means the same from ESX 3.5 to the newest table."""
    return _one_meaning(known) and known[0].release == OLDEST


def _one_meaning(rows: list[Row]) -> bool:
    return len({(row.name, row.errno) for row in rows}) == 1


def _against(rows: list[Row], known: list[Row], origin: Origin, tables: Tables) -> list[str]:
    """Say so when the release that was given, or that the format shows, reads the number otherwise."""
    by_origin = [row for row in known if row.release in origin.tables]
    if not by_origin or any(row in rows for row in by_origin):
        return []
    return [AGAINST.format(against=origin.release, meanings=_words(matches_of(by_origin, tables), tables))]


def _release(settled: _Settled, matches: Sequence[Match], origin: Origin, tables: Tables) -> str:
    if settled.by in ("given", "format"):
        return origin.release
    return releases_in_words(matches[0].releases, tables) if settled.by else ""


def _words(matches: Sequence[Match], tables: Tables) -> str:
    if len(matches) == 1:
        return f"{matches[0].description} ({matches[0].name})"
    return ", or ".join(f"{match.description} ({releases_in_words(match.releases, tables)})" for match in matches)


def releases_in_words(ids: Sequence[str], tables: Tables) -> str:
    """Name a group of releases: ``ESXi 5.0 and later`` when it reaches to the newest table, else each of them."""
    known = [release.id for release in tables.releases]
    names = [release.name for release in tables.releases if release.id in ids]
    since = known.index(ids[0])
    if len(names) == len(known):
        return "every release with a table"
    return f"{names[0]} and later" if len(names) > 1 and len(names) == len(known) - since else ", ".join(names)
