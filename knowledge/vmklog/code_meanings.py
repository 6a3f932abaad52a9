"""The meaning of a vmkernel status code or text of a log line, in the release that wrote the line.

The release is the one that the caller gives, or else the one that the format of the line shows. Where neither has a
table, a status text or an errno next to the code determines the meaning, because the host itself printed both. When
it remains unknown, the meaning has every reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from knowledge import linux_errno
from knowledge.vmkerr.match import Match, matches_of, remarks
from knowledge.vmkerr.table import GENERIC_LINUX_ERROR, Row, Tables
from knowledge.vmklog.finding import Certainty, Meaning, SettledBy
from knowledge.vmklog.origin import Origin
from knowledge.vmklog.status_advice import advised
from knowledge.vmklog.status_texts import rows_of

OLDEST = "esx-3.5"
"""The oldest table; a code that it shares with all later ones is assumed to mean the same in 4.x."""

BY_TEXT = "the text next to the code, {text!a}, is the meaning of the code in {release}"
BY_ERRNO = "Linux errno {number} ({name}) next to the code belongs to it in {release} only"
OTHER_NUMBERING = (
    "No table has this text for {code}, so the host uses another numbering, as ESX 4.x does. The text is reliable."
)
OTHER_TEXT = "The text next to the code, {text}, is that of another status. No table of the release has it for {code}."
CONTRADICTED = (
    "the line is from {release}, whose table has another meaning for the code than the text next to it, {text}"
)
BY_TEXT_ALONE = "the text next to the code, {text!a}, is printed by the host itself"
NOT_IN_A_TABLE = "no known table has the code"
SAME_EVERYWHERE = "every table that has the code gives it this meaning"
RELEASE_UNKNOWN = "the line does not show which release wrote it, and the releases disagree"
TEXT_OF_STATUS = "it stands where the host prints the text of a status, spelled as in its table"
NAME_OF_STATUS = "the line has the name of the status, which every release uses for this meaning"
OF_LINUX = "Linux defines this error number"
NOT_PRESENTED = "the line does not present this number as a status, so it may be something else"
DIFFERS = "Its code depends on the release."
ITS_CODE = "Its code is {code} = {decimal}."
UNKNOWN = "{code}: no table has this code. Import the host's own table: vmkops vmkerr import FILE --release NAME"


class _Settled(NamedTuple):
    rows: list[Row]
    by: SettledBy
    reason: str
    certainty: Certainty
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=1024)
def errno_meaning(number: int) -> Meaning | None:
    """Return the meaning of a Linux errno, or None for a number that Linux does not define."""
    error = linux_errno.by_number(number)
    if error is None:
        return None
    return Meaning(kind="errno", summary=f"Linux errno {error.number} {error.name}: {error.text}", reason=OF_LINUX)


@lru_cache(maxsize=4096)
def code_meaning(code: int, text: str, errno: int, origin: Origin, tables: Tables) -> Meaning:
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
    of_text = rows_of(text, tables) if text else []
    if of_text and not {row.name for row in of_text} & {row.name for row in settled.rows}:
        notes.append(OTHER_TEXT.format(text=ascii(of_text[-1].description), code=f"{code:#x}"))
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


@lru_cache(maxsize=4096)
def doubtful(meaning: Meaning) -> Meaning:
    """Return the meaning of a number that may be a code; it has no advice, because it may as well be a quantity."""
    return replace(
        meaning,
        certainty="open",
        reason=NOT_PRESENTED,
        release="",
        settled_by="",
        where="",
        class_="",
        next="",
        procedures=(),
    )


@lru_cache(maxsize=1024)
def text_meaning(description: str, origin: Origin, tables: Tables) -> Meaning:
    """Return the meaning of a status text without a code, spelled as in its table."""
    rows = rows_of(description, tables)
    names = list(dict.fromkeys(row.name for row in _of_release(rows, origin)))
    summary = f"{description} ({' or '.join(names)})"
    return _uncoded_meaning(summary, rows, "certain" if len(names) == 1 else "open", TEXT_OF_STATUS, origin, tables)


@lru_cache(maxsize=1024)
def name_meaning(name: str, origin: Origin, tables: Tables) -> Meaning:
    """Return the meaning of the name of a status (``VMK_TIMEOUT``) that some table has."""
    rows = tables.by_name[name]
    summary = f"{_of_release(rows, origin)[-1].description} ({name})"
    return _uncoded_meaning(summary, rows, "certain", NAME_OF_STATUS, origin, tables)


def _of_release(rows: list[Row], origin: Origin) -> list[Row]:
    """Return the rows of the release that wrote the line; all rows when it is not known or has none of them."""
    return [row for row in rows if row.release in origin.tables] or rows


def _uncoded_meaning(
    summary: str, rows: list[Row], certainty: Certainty, reason: str, origin: Origin, tables: Tables
) -> Meaning:
    """Return the meaning of a text or name without a code; ``reason`` is why it is one, when no release is known."""
    matches = matches_of(_of_release(rows, origin), tables)
    settled: SettledBy = ""
    if any(row.release in origin.tables for row in rows):
        settled = "given" if origin.given else "format"
    codes = {(match.code, match.decimal) for match in matches}
    of_unknown_table = bool(origin.release) and not settled
    its_code = tuple(ITS_CODE.format(code=code, decimal=decimal) for code, decimal in codes)
    notes = (DIFFERS,) if len(codes) > 1 else () if of_unknown_table else its_code
    meaning = Meaning(
        kind="vmkernel",
        summary=summary,
        certainty=certainty,
        matches=matches,
        release=origin.release if settled else "",
        settled_by=settled,
        reason=origin.reason if settled else reason,
        notes=notes,
    )
    return advised(meaning)


def _by_text(
    code: int, text: str, known: list[Row], of_origin: list[Row], origin: Origin, tables: Tables
) -> _Settled | None:
    """Choose the rows by the status text next to the code; None when the text does not help."""
    rows = rows_of(text, tables) if text else []
    meanings = {(row.name, row.errno) for row in rows}
    if not rows or (_same_everywhere(known) and (known[0].name, known[0].errno) in meanings):
        return None
    candidates = [row for row in of_origin or known if (row.name, row.errno) in meanings]
    if candidates:
        return _Settled(candidates, "text", _for_format(BY_TEXT, rows[0].description), "certain")
    if of_origin:
        elsewhere = [row for row in known if (row.name, row.errno) in meanings]
        reason = CONTRADICTED.format(release=origin.release, text=ascii(rows[0].description))
        return _Settled([*elsewhere, *of_origin], "", reason, "open") if elsewhere else None
    first, last = origin.majors
    if code >= GENERIC_LINUX_ERROR or not first <= 4 <= last or (_same_everywhere(known) and not first == last == 4):
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
    """Return whether a code that is known means the same from ESX 3.5 to the newest table."""
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
