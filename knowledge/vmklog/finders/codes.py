"""Finds the vmkernel status codes and texts of a log line, and their meaning in the release that wrote the line.

The release is the one that the caller gives, or else the one that the format of the line shows. Where neither has a
table, a status text or an errno next to the code determines the meaning, because the host itself printed both. When
it remains unknown, the finding has every meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from knowledge import linux_errno
from knowledge.vmkerr.match import Match, matches_of, remarks
from knowledge.vmkerr.table import GENERIC_LINUX_ERROR, Row, Tables
from knowledge.vmklog import status_texts as texts
from knowledge.vmklog.finding import Certainty, Finding, Meaning, SettledBy
from knowledge.vmklog.line import Finder, Line, Markers
from knowledge.vmklog.origin import Origin
from knowledge.vmklog.status_advice import advised

OLDEST = "esx-3.5"
"""The oldest table; a code that it shares with all later ones is assumed to mean the same in 4.x."""

BY_TEXT = "the text next to the code, {text!a}, is the meaning of the code in {release}"
BY_ERRNO = "Linux errno {number} ({name}) next to the code belongs to it in {release} only"
OTHER_NUMBERING = (
    "No table has this text for {code}, so the host uses another numbering, as ESX 4.x does. The text is reliable."
)
CONTRADICTED = (
    "the line is from {release}, whose table has another meaning for the code than the text next to it, {text}"
)
BY_TEXT_ALONE = "the text next to the code, {text!a}, is printed by the host itself"
NOT_IN_A_TABLE = "no known table has the code"
SAME_EVERYWHERE = "every table that has the code gives it this meaning"
RELEASE_UNKNOWN = "the line does not show which release wrote it, and the releases disagree"
TEXT_OF_STATUS = "it stands where the host prints the text of a status, spelled as in its table"
OF_LINUX = "Linux defines this error number"
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

_PREFIX = "0xX×2"
"""What a number may have before a marker."""
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
    notes: tuple[str, ...] = ()


def signs(tables: Tables) -> Iterable[str]:
    """Return the signs of a line that has a status code or text."""
    return (r"bad0[\da-f]{3}", r"195887\d{3}", r"7327[56]\d{4}", *texts.signs(tables))


def find(line: Line) -> Iterator[Finding]:
    """Yield the status codes of a line, the Linux errno that may precede one (``-28 (bad0081)``), and status texts."""
    starts: set[int] = set()
    ends: set[int] = set()
    for finding in _find_codes(line):
        yield finding
        starts.add(finding.start)
        ends.add(finding.end)
    found: list[tuple[int, int]] = []
    for text in texts.standalone_texts(line.text, line.lower, line.tables):
        before_a_code = any(text.end + blanks in starts for blanks in range(4))
        after_a_code = any(text.start - blanks in ends for blanks in range(5))
        overlaps = any(text.start < end and start < text.end for start, end in found)
        if not before_a_code and not after_a_code and not overlaps:
            found.append((text.start, text.end))
            yield line.finding(text.start, text.end, _text_meaning(text.description, line.origin, line.tables))


FINDER = Finder(signs, find)


def _numbers(line: Line) -> Iterator[re.Match[str]]:
    """Yield the numbers that may be status codes; only the text from a marker on is searched."""
    markers = Markers(line.lower, _MARKERS)
    at = 0
    while (place := markers.next(at)) >= 0:
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
        if errno and (meaning := _errno_meaning(int(errno[1]))):
            yield line.finding(errno.start(), errno.end(1), meaning)
        status_text = texts.text_next_to(text, start, end, tables)
        meaning = _code_meaning(code, status_text, int(errno[1]) if errno else 0, line.origin, tables)
        yield line.finding(start, end, meaning)


def _follows_its_text(code: int, line: str, start: int, tables: Tables) -> bool:
    """Return whether a code follows its own text, whose last word may be ``handle``, ``address`` or ``world``."""
    text = texts.text_before(line, start, tables)
    return bool(text) and any(row.code == code for row in texts.rows_of(text, tables))


@lru_cache(maxsize=1024)
def _errno_meaning(number: int) -> Meaning | None:
    error = linux_errno.by_number(number)
    if error is None:
        return None
    return Meaning(kind="errno", summary=f"Linux errno {error.number} {error.name}: {error.text}", reason=OF_LINUX)


@lru_cache(maxsize=4096)
def _code_meaning(code: int, text: str, errno: int, origin: Origin, tables: Tables) -> Meaning:
    """Return the meaning of a code with a status text (or "") and an errno (or 0) next to it.

    The table of the release that wrote the line decides. Where that release is unknown or has no table, the text or
    the errno next to the code decides, because the host printed both. What contradicts the table of a known release
    leaves the meaning open.
    """
    known = tables.meanings(code)
    of_origin = [row for row in known if row.release in origin.tables]
    settled = (
        _by_text(code, text, known, of_origin, origin, tables)
        or _by_errno(errno, of_origin or known, tables)
        or _by_origin(known, of_origin, origin)
    )
    if not settled.rows:
        return Meaning(
            kind="vmkernel", summary=UNKNOWN.format(code=f"{code:#x}"), certainty="open", reason=NOT_IN_A_TABLE
        )
    matches = matches_of(settled.rows, tables)
    other_code = settled.rows[0] not in known
    notes = [*settled.notes, *([] if other_code else remarks(matches, settled.rows))]
    if origin.note and settled.by not in ("text", "errno"):
        notes.append(origin.note)
    release = _deciding_release(settled, matches, origin, tables)
    meaning = Meaning(
        kind="vmkernel",
        summary=f"{code:#x} {_describe(matches[-1:] if other_code else matches, tables)}",
        certainty=settled.certainty,
        matches=matches,
        release=release,
        settled_by=settled.by,
        reason=settled.reason.format(release=release),
        notes=tuple(notes),
    )
    return advised(meaning)


@lru_cache(maxsize=1024)
def _text_meaning(description: str, origin: Origin, tables: Tables) -> Meaning:
    rows = texts.rows_of(description, tables)
    of_origin = [row for row in rows if row.release in origin.tables]
    matches = matches_of(of_origin or rows, tables)
    names = list(dict.fromkeys(match.name for match in matches))
    settled: SettledBy = ("given" if origin.given else "format") if of_origin else ""
    meaning = Meaning(
        kind="vmkernel",
        summary=f"{description} ({' or '.join(names)})",
        certainty="certain" if len(names) == 1 else "open",
        matches=matches,
        release=origin.release if settled else "",
        settled_by=settled,
        reason=origin.reason if settled else TEXT_OF_STATUS,
        notes=(DIFFERS,) if len({match.code for match in matches}) > 1 else (),
    )
    return advised(meaning)


def _by_text(
    code: int, text: str, known: list[Row], of_origin: list[Row], origin: Origin, tables: Tables
) -> _Settled | None:
    """Choose the rows by the status text next to the code; None when the text does not help."""
    if not text or (known and _same_everywhere(known)):
        return None
    rows = texts.rows_of(text, tables)
    meanings = {(row.name, row.errno) for row in rows}
    candidates = [row for row in of_origin or known if (row.name, row.errno) in meanings]
    if candidates:
        return _Settled(candidates, "text", _for_format(BY_TEXT, rows[0].description), "certain")
    if of_origin:
        elsewhere = [row for row in known if (row.name, row.errno) in meanings]
        reason = CONTRADICTED.format(release=origin.release, text=ascii(rows[0].description))
        return _Settled([*elsewhere, *of_origin], "", reason, "open") if elsewhere else None
    if code >= GENERIC_LINUX_ERROR or not origin.majors[0] <= 4 <= origin.majors[1]:
        return None
    by: SettledBy = ("given" if origin.given else "format") if origin.release else ""
    reason = origin.reason or _for_format(BY_TEXT_ALONE, rows[0].description)
    return _Settled(rows, by, reason, "likely", (OTHER_NUMBERING.format(code=f"{code:#x}"),))


def _for_format(template: str, text: str) -> str:
    """Fill in a text, and leave ``{release}`` to be filled in later."""
    return template.replace("{text!a}", ascii(text).replace("{", "{{").replace("}", "}}"))


def _by_errno(errno: int, rows: list[Row], tables: Tables) -> _Settled | None:
    """Choose among the rows by the errno next to the code; None when the errno does not help."""
    names = linux_errno.names(errno) if errno else frozenset[str]()
    matching = [row for row in rows if row.errno in names]
    if not matching or len(matching) == len(rows) or len(matches_of(matching, tables)) > 1:
        return None
    reason = BY_ERRNO.format(number=errno, name=matching[0].errno, release="{release}")
    return _Settled(matching, "errno", reason, "certain")


def _by_origin(known: list[Row], of_origin: list[Row], origin: Origin) -> _Settled:
    """Choose the rows by the release of the line; all of them when it is not known."""
    if of_origin and origin.given:
        return _Settled(of_origin, "given", origin.reason, "certain" if _one_meaning(of_origin) else "open")
    certainty: Certainty = "likely" if _one_meaning(of_origin or known) else "open"
    if _same_everywhere(known):
        certainty = "certain"
    if of_origin:
        return _Settled(of_origin, "format", origin.reason, certainty)
    return _Settled(known, "", SAME_EVERYWHERE if _one_meaning(known) else RELEASE_UNKNOWN, certainty)


def _same_everywhere(known: list[Row]) -> bool:
    """Return whether a code means the same from ESX 3.5 to the newest table."""
    return _one_meaning(known) and known[0].release == OLDEST


def _one_meaning(rows: list[Row]) -> bool:
    return len({(row.name, row.errno) for row in rows}) == 1


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
