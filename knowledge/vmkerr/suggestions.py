"""The error message and the suggestions for a vmkernel code, name or words about which nothing is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from knowledge.errors import NotFound, shown
from knowledge.releases import Choice
from knowledge.vmkerr.query import Query
from knowledge.vmkerr.table import GENERIC_LINUX_ERROR, LAST_ERROR, Row, Tables, as_words

NEWER = 0x100
"""How far above the highest known code one of a newer release may be."""
ABOVE_THE_HIGHEST = (
    "{code} is above {highest}, the highest known code. ESXi only appends codes, so it belongs to a newer release. "
    "Import the output of `vmkerrcode -l` on the host with vmkops vmkerr import FILE --release NAME."
)
FAR_ABOVE = (
    "{code} is outside of every known range: the codes of VMware are 0xbad0001 to {highest}. No known release has so "
    "many, so the code is probably mistyped or cut off."
)
ONE_DIGIT = "One digit of it differs in the codes suggested."
NOT_IN_RELEASE = "{code} is not in the table of {release}. In other releases it means: {meaning} ({where})."
NO_ERRNO = "{code} would be Linux errno {number}, but Linux has no error with that number."
NO_STATUS = "{code} is not a vmkernel status. Those are 0x0, 0xbad0001 to {highest}, and 0x2bad0000 plus a Linux errno."
NO_ERRNO_NUMBER = "{number} is neither a vmkernel status nor a Linux errno."
END_MARKER = "VMK_LAST_ERR marks the end of VMware's list. Its number changes with each release, so it has no meaning."
A_LINE = "It looks like a part of a log line; `vmkops decode FILE` explains those, as /vmkerr does in Slack."
NO_WORDS = "No vmkernel status has {typed} as its name, as part of its name or in its text."

_MAX_SUGGESTIONS = 5


def not_found(query: Query, choice: Choice, tables: Tables) -> NotFound:
    """Return the error that says why the chosen release, or every release, has no match, with near misses."""
    rows = tables.by_release[choice.release] if choice.release else tables.rows
    if query.kind == "errno":
        message, near = NO_ERRNO_NUMBER.format(number=query.number), list[str]()
    elif query.kind == "code":
        message, near = _why_unknown(query, choice.release, tables), _near_codes(query, rows)
        message += f" {ONE_DIGIT}" if near and _differ_in_one_digit(query, near) else ""
    elif as_words(query.text).removeprefix("vmk ") == as_words(LAST_ERROR).removeprefix("vmk "):
        message, near = END_MARKER, []
    else:
        message, near = NO_WORDS.format(typed=shown(query.text)), _near_words(query.text, rows)
        if _is_for_decode(query.text):
            message += f" {A_LINE}"
    return NotFound(f"{message} {choice.note}".rstrip(), near)


def _is_for_decode(text: str) -> bool:
    """Return whether decode finds something in a text."""
    from knowledge.vmklog import decode_line  # vmklog imports this package

    return bool(decode_line(text))


def _why_unknown(query: Query, release: str, tables: Tables) -> str:
    code = f"{query.number:#x}"
    if elsewhere := tables.meanings(query.number):
        newest = elsewhere[-1]
        where = ", ".join(row.release for row in elsewhere if row.name == newest.name)
        return NOT_IN_RELEASE.format(code=code, release=release, meaning=newest.description, where=where)
    written = f"{query.text} ({code})" if query.text.isdecimal() else code
    highest = max(row.code for row in tables.rows if row.code < GENERIC_LINUX_ERROR)
    if highest + NEWER < query.number <= 0xBADFFFF:
        return FAR_ABOVE.format(code=written, highest=f"{highest:#x}")
    if highest < query.number <= 0xBADFFFF:
        return ABOVE_THE_HIGHEST.format(code=written, highest=f"{highest:#x}")
    if GENERIC_LINUX_ERROR < query.number <= GENERIC_LINUX_ERROR + 0xFFFF:
        return NO_ERRNO.format(code=written, number=query.number - GENERIC_LINUX_ERROR)
    return NO_STATUS.format(code=written, highest=f"{highest:#x}")


def _near_codes(query: Query, rows: Sequence[Row]) -> list[str]:
    """Return the codes that begin with the typed digits, or else those of which one digit was typed wrong, missed out
    or typed twice, decimal or hex as typed."""
    typed = _written(query.number, query)
    known = dict.fromkeys(_written(row.code, query) for row in rows)
    longer = [other for other in known if query.number and other.startswith(typed) and other != typed]
    return (longer or [other for other in known if _one_digit_apart(typed, other)])[:_MAX_SUGGESTIONS]


def _written(code: int, query: Query) -> str:
    """A code in decimal or in hex, as the query has it."""
    return str(code) if query.text.isdecimal() else f"{code:#x}"


def _differ_in_one_digit(query: Query, near: Sequence[str]) -> bool:
    return all(_one_digit_apart(_written(query.number, query), each) for each in near)


def _one_digit_apart(typed: str, known: str) -> bool:
    """Whether one digit of the two differs, or one of them has one digit more."""
    if len(typed) == len(known):
        return sum(map(str.__ne__, typed, known)) == 1
    shorter, longer = sorted((typed, known), key=len)
    return len(longer) == len(shorter) + 1 and any(
        longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer))
    )


def _near_words(typed: str, rows: Sequence[Row]) -> list[str]:
    """Return the names, the errnos and, for more than one word, the texts that are closest to the typed text."""
    words = as_words(typed)
    known = {as_words(row.name.removeprefix("VMK_")): row.name for row in rows}
    known |= {row.errno.lower(): row.errno for row in rows}
    if " " in words:
        known |= {as_words(row.description): row.description for row in rows}
    return _closest(words.removeprefix("vmk "), known)


def _closest(typed: str, known: Mapping[str, str]) -> list[str]:
    """Return the values of ``known`` whose keys are closest to the typed text, closest first."""
    return [known[key] for key in get_close_matches(typed, known, n=_MAX_SUGGESTIONS, cutoff=0.65)]
