"""Explains the codes among the words of a search, which no page can do for every code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from unicodedata import normalize

from knowledge.procedure_store.typed_codes import as_logged, may_have_code

if TYPE_CHECKING:
    from knowledge.vmkerr.match import Match
    from knowledge.vmkerr.table import Tables
    from knowledge.vmklog.finding import Finding

MAX_LOOKUPS = 3
"""The most lookups that one search suggests."""

_MAX_CHARACTERS = 1000
_STATUS_NAME = re.compile(r"\bVMK_\w{1,80}\b", re.IGNORECASE | re.ASCII)
_ERRNO_NAME = re.compile(r"(?<![\w.-])E[A-Z0-9]{2,15}(?![\w-])", re.ASCII)
_GENERAL_PAGE = {
    "vmkernel": "vmkernel-status-codes",
    "errno": "vmkernel-status-codes",
    "scsi-status": "scsi-sense",
    "scsi-sense": "scsi-sense",
    "nvme-status": "nvme-errors",
    "psod": "purple-screen",
}
"""The page that explains all codes of a kind, for those whose meaning names none."""
_WHOLE = frozenset({"event", "vim-fault", "scsi-status", "scsi-sense"})
"""The kinds whose text alone shows what it is."""
_MOST_NAMES = 3
"""A status with more meanings than these does not lead to the pages that are named after them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lookup:
    """A lookup that explains a part of the words of a search."""

    command: Literal["vmkerr", "decode"]
    """The lookup: ``vmkerr`` takes the query as its argument, ``decode`` as the text of a log."""
    query: str
    meaning: str
    """What the lookup answers, in one line."""
    procedures: tuple[str, ...] = ()
    """Slugs of the pages that help, the best first."""


def lookups(
    words: str, tables: Tables | None = None, named: Callable[[str], str | None] = lambda _: None
) -> tuple[Lookup, ...]:
    """Return a lookup for each code, event, fault and log excerpt in ``words``, at most three.

    ``tables`` are those of the vmkernel lookup; without them, the built-in ones are used. ``named`` returns the slug of
    the page that has a status, such as ``VMK_BUSY``, as its name.
    """
    found: dict[str, Lookup] = {}
    for lookup in _lookups(normalize("NFKC", words[:_MAX_CHARACTERS]), tables, named):
        found.setdefault(lookup.query.lower(), lookup)
    by_meaning = {lookup.meaning: lookup for lookup in reversed(found.values())}
    return tuple(reversed(by_meaning.values()))[:MAX_LOOKUPS]


def named_pages(found: Iterable[Lookup]) -> tuple[str, ...]:
    """Return the slugs of the pages that some lookups name, each once."""
    return tuple(dict.fromkeys(slug for lookup in found for slug in lookup.procedures))


def _lookups(words: str, tables: Tables | None, named: Callable[[str], str | None]) -> Iterator[Lookup]:
    for name in (*_STATUS_NAME.findall(words), *_ERRNO_NAME.findall(words)):
        yield from _by_name(name, tables, named)
    if not may_have_code(words):
        return
    from knowledge.vmklog.decoding import decode_line  # imported here because most searches contain no code

    texts = (words, *as_logged(words))
    found = [(finding, text) for text in texts for finding in decode_line(text, tables=tables)]
    found.sort(key=lambda each: each[0].kind == "event" and each[0].meaning.certainty == "open")
    for finding, text in found:
        yield _lookup(finding, text, named)


def _lookup(finding: Finding, text: str, named: Callable[[str], str | None]) -> Lookup:
    kind = finding.kind
    pages = [*finding.meaning.procedures, *_pages_named(finding.meaning.matches, named)]
    if not pages and kind in _GENERAL_PAGE:
        pages = [_GENERAL_PAGE[kind]]
    procedures = tuple(dict.fromkeys(pages))
    if kind in ("vmkernel", "errno"):
        return Lookup(command="vmkerr", query=finding.text, meaning=finding.summary, procedures=procedures)
    query = finding.text if kind in _WHOLE else text
    return Lookup(command="decode", query=query, meaning=finding.summary, procedures=procedures)


def _pages_named(matches: Iterable[Match], named: Callable[[str], str | None]) -> list[str]:
    names = list(dict.fromkeys(match.name for match in matches))
    return [slug for name in names if (slug := named(name))] if len(names) <= _MOST_NAMES else []


def _by_name(name: str, tables: Tables | None, named: Callable[[str], str | None]) -> Iterator[Lookup]:
    """Yield the lookup of a status by its name, or of a Linux error by its name."""
    from knowledge.errors import NotFound, Unreadable
    from knowledge.linux_errno import by_name
    from knowledge.vmkerr.lookup import find

    errno = None if "_" in name else by_name(name)
    if "_" not in name and errno is None:
        return
    try:
        answer = find(name, tables=tables)
    except (NotFound, Unreadable):
        return
    matches = answer.matches
    general = () if errno else (_GENERAL_PAGE["vmkernel"],)
    pages = (*_pages_named(matches, named), *answer.procedures)
    procedures = tuple(dict.fromkeys(pages or general))
    if errno:
        meaning = f"Linux errno {errno.number}, {errno.text}"
        yield Lookup(command="vmkerr", query=name, meaning=meaning, procedures=procedures)
    elif matches[0].name == name.upper():
        releases = [f" ({', '.join(match.releases)})" if matches[1:] else "" for match in matches]
        texts = [f"{match.hex} {match.description}{valid}" for match, valid in zip(matches, releases, strict=True)]
        yield Lookup(command="vmkerr", query=name, meaning=", or ".join(texts), procedures=procedures)
