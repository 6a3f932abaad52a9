"""Finds the vmkernel status codes of a log line, and their meaning in the release that wrote the line.

The release is determined by a status text or an errno next to the code, because the host itself printed both. Without
them, it is the release that the caller gives, or else the one that the format of the line shows. When it remains
unknown, the finding has every meaning.
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
"""The oldest table; a code that it shares with all later ones is assumed to mean the same in 4.x."""

BY_TEXT = "the text next to the code, {text!a}, is the meaning of the code in {release}"
BY_ERRNO = "Linux errno {number} ({name}) next to the code belongs to it in {release} only"
OTHER_NUMBERING = (
    "No table has this text for {code}, so the host uses another numbering, as ESX 4.x does. The text is reliable."
)
OTHER_MEANING = "According to {release}, it would be: {meanings}."
DIFFERS = "Its code depends on the release."
UNKNOWN = "{code}: no table has this code. Import the host's own table: vmkops vmkerr import FILE --release NAME"

_NUMBER = re.compile(
    r"(?<![\w.@+×])(?:0[x×])+0*(?P<hex>2?bad0[0-9a-f]{3})(?!\w)"
    r"|(?<![^\s(<\[=:,;\"'“‘])(?P<bare>2?bad0[0-9a-f]{3})(?![\w-]|\.\w)"
    r"|(?<![\w.:/+#-])(?P<decimal>195887[0-9]{3}|7327[56][0-9]{4})(?!\w|\.\d|:\d)",
    re.IGNORECASE,
)
_MARKERS = ("bad0", "195887", "7327")
"""Every status code contains one of these."""

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
    """Yield the status codes of a line, and the Linux errno that may precede one (``-28 (bad0081)``).

    ``number`` is the line number and ``lower`` the line in lower case.
    """
    places = [at for at in map(lower.find, _MARKERS) if at >= 0]
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
        if errno and (meaning := _errno_meaning(int(errno[1]))):
            yield Finding(number, errno.start(), errno.end(1), line[errno.start() : errno.end(1)], meaning)
        text = texts.text_next_to(line, start, end, tables)
        meaning = _code_meaning(code, text, int(errno[1]) if errno else 0, origin, tables)
        yield Finding(number, start, end, found[0], meaning)


def find_texts(number: int, line: str, lower: str, origin: Origin, tables: Tables) -> Iterator[Finding]:
    """Yield the status texts of a line that have no code next to them; arguments as for ``find_codes``."""
    for text in texts.standalone_texts(line, lower, tables):
        meaning = _text_meaning(text.description, origin, tables)
        yield Finding(number, text.start, text.end, line[text.start : text.end], meaning)


@lru_cache(maxsize=1024)
def _errno_meaning(number: int) -> Meaning | None:
    error = linux_errno.by_number(number)
    return error and Meaning(kind="errno", summary=f"Linux errno {error.number} {error.name}: {error.text}")


@lru_cache(maxsize=4096)
def _code_meaning(code: int, text: str, errno: int, origin: Origin, tables: Tables) -> Meaning:
    """Return the meaning of a code with a status text (or "") and an errno (or 0) next to it."""
    known = tables.meanings(code)
    settled = _by_text(code, text, known, tables) or _by_errno(errno, known, tables) or _by_origin(known, origin)
    if not settled.rows:
        return Meaning(kind="vmkernel", summary=UNKNOWN.format(code=f"{code:#x}"), certainty="unknown")
    if settled.rows[0] not in known:
        return _meaning_by_text_alone(code, settled.rows, origin, tables)
    matches = matches_of(settled.rows, tables)
    notes = remarks(matches, settled.rows)
    if settled.by in ("text", "errno"):
        notes += _note_on_other_meaning(settled.rows, known, origin, tables)
    elif origin.note:
        notes.append(origin.note)
    release = _deciding_release(settled, matches, origin, tables)
    return Meaning(
        kind="vmkernel",
        summary=f"{code:#x} {_describe(matches, tables)}",
        certainty=settled.certainty,
        matches=matches,
        release=release,
        settled_by=settled.by,
        reason=settled.reason.format(release=release),
        notes=tuple(notes),
    )


def _meaning_by_text_alone(code: int, rows: list[Row], origin: Origin, tables: Tables) -> Meaning:
    """Return the meaning of a code with a text that no table has for it; ``rows`` are those of the text."""
    matches = matches_of(rows, tables)
    return Meaning(
        kind="vmkernel",
        summary=f"{code:#x} {_describe(matches[-1:], tables)}",
        matches=matches,
        release=origin.release,
        settled_by=("given" if origin.given else "format") if origin.release else "",
        reason=origin.reason,
        notes=(OTHER_NUMBERING.format(code=f"{code:#x}"),),
    )


@lru_cache(maxsize=1024)
def _text_meaning(description: str, origin: Origin, tables: Tables) -> Meaning:
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
    """Choose the rows by the text next to the code; None when the text does not help."""
    if not text:
        return None
    rows = texts.rows_of(text, tables)
    meanings = {(row.name, row.errno) for row in known if row in rows}
    matching = [row for row in known if (row.name, row.errno) in meanings]
    if not matching and (" " not in text or code >= GENERIC_LINUX_ERROR):
        return None  # a single word may be there by chance
    if matching and _same_everywhere(known):
        return None  # every release has the same meaning, so the text does not determine the release
    reason = BY_TEXT.replace("{text!a}", ascii(rows[0].description).replace("{", "{{").replace("}", "}}"))
    return _Settled(matching or rows, "text", reason, "certain")


def _by_errno(errno: int, known: list[Row], tables: Tables) -> _Settled | None:
    """Choose the rows by the errno next to the code; None when the errno does not help."""
    names = linux_errno.names(errno) if errno else frozenset[str]()
    matching = [row for row in known if row.errno in names]
    if not matching or len(matching) == len(known) or len(matches_of(matching, tables)) > 1:
        return None
    reason = BY_ERRNO.format(number=errno, name=matching[0].errno, release="{release}")
    return _Settled(matching, "errno", reason, "certain")


def _by_origin(known: list[Row], origin: Origin) -> _Settled:
    """Choose the rows by the release of the line; all of them when it is not known."""
    matching = [row for row in known if row.release in origin.tables]
    if matching and origin.given:
        return _Settled(matching, "given", origin.reason, "certain")
    certainty: Certainty = "inferred" if _one_meaning(matching or known) else "open"
    if _same_everywhere(known):
        certainty = "certain"
    return _Settled(matching, "format", origin.reason, certainty) if matching else _Settled(known, "", "", certainty)


def _same_everywhere(known: list[Row]) -> bool:
    """Return whether a code means the same from ESX 3.5 to the newest table."""
    return _one_meaning(known) and known[0].release == OLDEST


def _one_meaning(rows: list[Row]) -> bool:
    return len({(row.name, row.errno) for row in rows}) == 1


def _note_on_other_meaning(rows: list[Row], known: list[Row], origin: Origin, tables: Tables) -> list[str]:
    """Return a note when the code has another meaning in the given release, or in the one that the format shows."""
    by_origin = [row for row in known if row.release in origin.tables]
    if not by_origin or any(row in rows for row in by_origin):
        return []
    return [OTHER_MEANING.format(release=origin.release, meanings=_describe(matches_of(by_origin, tables), tables))]


def _deciding_release(settled: _Settled, matches: Sequence[Match], origin: Origin, tables: Tables) -> str:
    if settled.by in ("given", "format"):
        return origin.release
    return releases_in_words(matches[0].releases, tables) if settled.by else ""


def _describe(matches: Sequence[Match], tables: Tables) -> str:
    if len(matches) == 1:
        return f"{matches[0].description} ({matches[0].name})"
    return ", or ".join(f"{match.description} ({releases_in_words(match.releases, tables)})" for match in matches)


def releases_in_words(ids: Sequence[str], tables: Tables) -> str:
    """Name a group of release ids: ``ESXi 5.0 and later`` when it includes all newer tables, else each of them."""
    known = [release.id for release in tables.releases]
    names = [release.name for release in tables.releases if release.id in ids]
    since = known.index(ids[0])
    if len(names) == len(known):
        return "every release with a table"
    return f"{names[0]} and later" if len(names) > 1 and len(names) == len(known) - since else ", ".join(names)
