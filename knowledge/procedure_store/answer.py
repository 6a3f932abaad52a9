"""The whole answer to the words of a user: what the codes among them mean, and the pages, those for the codes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from knowledge.procedure_store.lookups import Lookup, lookups, named_pages
from knowledge.procedure_store.search import Hit, Searched
from knowledge.procedure_store.store import Store

if TYPE_CHECKING:
    from knowledge.vmkerr.table import Tables


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What was found: the lookups of codes, the pages, best first, and what was searched."""

    hits: tuple[Hit, ...]
    lookups: tuple[Lookup, ...]
    searched: Searched


def answer(store: Store, words: str, limit: int = 10, tables: Tables | None = None) -> Answer:
    """Search a store for words; ``tables`` are those of the vmkernel lookup, the built-in ones when it is None."""
    found = lookups(words, tables, store.named)
    hits = store.search(words, limit, first=named_pages(found))
    return Answer(hits=tuple(hits), lookups=found, searched=store.searched)
