"""What to say, and what to suggest, when nothing is known about a vmkernel code, name or words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from knowledge.errors import NotFound, shown
from knowledge.releases import Choice
from knowledge.vmkerr.query import Query
from knowledge.vmkerr.table import GENERIC_LINUX_ERROR, LAST_ERROR, Row, Tables, as_words

ABOVE_THE_HIGHEST = (
    "{code} is above {highest}, the highest code known. ESXi only appends codes, so it belongs to a newer release: "
    "import a host's own `vmkerrcode -l` with vmkops vmkerr import FILE --release NAME."
)
NOT_IN_RELEASE = "{code} is not in the table of {release}. Elsewhere it means: {meaning} ({where})."
NO_ERRNO = "{code} would be Linux errno {number}, and Linux has none of that number."
NO_STATUS = "{code} is no vmkernel status. Those are 0x0, 0xbad0001 to {highest}, and 0x2bad0000 plus a Linux errno."
NO_ERRNO_NUMBER = "{number} is neither a vmkernel status nor a Linux errno."
END_MARKER = "VMK_LAST_ERR marks the end of VMware's list; its number moves with each release, so it has no meaning."
NO_WORDS = "No vmkernel status has {typed} as its name, as part of its name or in its text."

_AT_MOST = 5


def nothing_found(asked: Query, choice: Choice, tables: Tables) -> NotFound:
    """Say why nothing is known about what was asked in the chosen release, or in any, and suggest near misses."""
    rows = tables.by_release[choice.release] if choice.release else tables.rows
    if asked.kind == "errno":
        message, near = NO_ERRNO_NUMBER.format(number=asked.number), list[str]()
    elif asked.kind == "code":
        message, near = _why_unknown(asked, choice.release, tables), _near_codes(asked, rows)
    elif as_words(asked.text).removeprefix("vmk ") == as_words(LAST_ERROR).removeprefix("vmk "):
        message, near = END_MARKER, []
    else:
        message, near = NO_WORDS.format(typed=shown(asked.text)), _near_words(asked.text, rows)
    return NotFound(f"{message} {choice.note}".rstrip(), near)


def _why_unknown(asked: Query, release: str, tables: Tables) -> str:
    code = f"{asked.number:#x}"
    if elsewhere := tables.meanings(asked.number):
        newest = elsewhere[-1]
        where = ", ".join(row.release for row in elsewhere if row.name == newest.name)
        return NOT_IN_RELEASE.format(code=code, release=release, meaning=newest.description, where=where)
    written = f"{asked.text} ({code})" if asked.text.isdecimal() else code
    highest = max(row.code for row in tables.rows if row.code < GENERIC_LINUX_ERROR)
    if highest < asked.number <= 0xBADFFFF:
        return ABOVE_THE_HIGHEST.format(code=written, highest=f"{highest:#x}")
    if GENERIC_LINUX_ERROR < asked.number <= GENERIC_LINUX_ERROR + 0xFFFF:
        return NO_ERRNO.format(code=written, number=asked.number - GENERIC_LINUX_ERROR)
    return NO_STATUS.format(code=written, highest=f"{highest:#x}")


def _near_codes(asked: Query, rows: Sequence[Row]) -> list[str]:
    """Find the codes that begin as the typed one does, or else are closest to it, written as it was."""
    if asked.text.isdecimal():
        return _closest(asked.text, {str(row.code): str(row.code) for row in rows})
    typed = f"{asked.number:#x}"
    known = {f"{row.code:#x}": f"{row.code:#x}" for row in rows}
    longer = [other for other in known if asked.number and other.startswith(typed) and other != typed]
    return longer[:_AT_MOST] or _closest(typed, known)


def _near_words(typed: str, rows: Sequence[Row]) -> list[str]:
    """Find the names, errnos and, for more than one word, the texts closest to what was typed."""
    words = as_words(typed)
    known = {as_words(row.name.removeprefix("VMK_")): row.name for row in rows}
    known |= {row.errno.lower(): row.errno for row in rows}
    if " " in words:
        known |= {as_words(row.description): row.description for row in rows}
    return _closest(words.removeprefix("vmk "), known)


def _closest(typed: str, known: Mapping[str, str]) -> list[str]:
    """Give what ``known`` shows for its keys closest to what was typed, closest first."""
    return [known[key] for key in get_close_matches(typed, known, n=_AT_MOST, cutoff=0.65)]
