"""Finds the links of a page that lead nowhere: those to missing pages, and those that no browser can open."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from knowledge.procedure_store.body import body_lines

_INLINE_CODE = re.compile(r"(?<!`)(`++).*?(?<!`)\1(?!`)")
_LINK = re.compile(r"!?\[[^\[\]]*\]\([ \t]*<?([^()\s<>]+)")
_PAGE = re.compile(r"([^:/#?]+)\.md(?:#.*)?")
MOST_DEAD_LINKS = 20
"""How many links of a page that lead nowhere are named."""

SCHEMES = ("http", "https", "mailto")
"""The schemes of links that are shown as links."""


class _Link(NamedTuple):
    """A link outside of code: its line number from 1, and what it leads to, as written."""

    line: int
    target: str

    @property
    def slug(self) -> str:
        """The slug of the page that it leads to; empty for any other link."""
        found = _PAGE.fullmatch(self.target)
        return found[1] if found else ""


def dead_links(lines: list[str], slugs: Container[str]) -> Iterator[tuple[int, str]]:
    """Yield the first line and the explanation of each link that leads nowhere; ``slugs`` has the pages that exist.

    A link that is there several times is named once, and at most MOST_DEAD_LINKS are. Whether an address on the network
    answers is not tried.
    """
    places: dict[str, list[int]] = {}
    for link in _links(lines):
        if message := _fault(link, slugs):
            places.setdefault(message, []).append(link.line)
    for message, at in list(places.items())[:MOST_DEAD_LINKS]:
        again = f" ({len(at)} times in this page)" if len(at) > 1 else ""
        yield at[0], f"{message}{again}"
    if (more := len(places) - MOST_DEAD_LINKS) > 0:
        yield (
            list(places.values())[MOST_DEAD_LINKS][0],
            f"and {more} more {'link leads' if more == 1 else 'links lead'} nowhere",
        )


def _links(lines: list[str]) -> list[_Link]:
    return [
        _Link(line.number, found[1])
        for line in body_lines(lines, 0)
        if line.kind == "text" and "](" in line.text
        for found in _LINK.finditer(_INLINE_CODE.sub("", line.text))
    ]


def _fault(link: _Link, slugs: Container[str]) -> str:
    target = link.target
    if link.slug:
        return "" if link.slug in slugs else f"links to {link.slug}.md, which does not exist"
    if target.startswith(("#", "/")) and not target.startswith("//"):
        return ""
    try:
        parts = urlsplit(target)
    except ValueError:
        return f"links to {target[:80]}, which is not an address"
    if parts.scheme in SCHEMES:
        whole = parts.path if parts.scheme == "mailto" else parts.hostname
        return "" if whole else f"links to {target[:80]}, which has no host: write https://HOST/..."
    if parts.scheme:
        return f"links to {target[:80]}: browsers open only addresses with http, https or mailto"
    return f"links to {target[:80]}, which vmkops cannot show: link to a page as slug.md, or write the whole address"
