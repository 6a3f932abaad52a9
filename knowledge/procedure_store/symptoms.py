"""What people type who do not know the name of a page: the phrases of ``symptoms.tsv``, each with its page.

A symptom is found like an alias of the page, but no reader of the page sees it.
"""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path

from knowledge.data_files import data_lines

TABLES = ("symptoms.tsv", "search_synonyms.tsv")
"""The tables that decide under which words a page is stored."""

_DATA = Path(__file__).parents[1] / "data"


def symptoms(slug: str) -> tuple[str, ...]:
    """Return the phrases that lead to the page with this slug."""
    return _by_page().get(slug, ())


def fingerprint() -> int:
    """Return a number that changes when one of the tables does."""
    return zlib.crc32(b"".join((_DATA / name).read_bytes() for name in TABLES))


@cache
def _by_page() -> dict[str, tuple[str, ...]]:
    pages: dict[str, list[str]] = {}
    for line in data_lines("symptoms.tsv"):
        words, page = line.split("\t")
        pages.setdefault(page, []).append(words)
    return {page: tuple(words) for page, words in pages.items()}
