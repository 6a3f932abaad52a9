"""Pages of a list that is in memory: so many at a time, and a cursor for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pydantic import Field

from service.api.models import Value
from service.http._route import Query

MOST = 100_000
T = TypeVar("T")


class PageQuery(Query):
    """Which part of a list to answer with."""

    limit: int = Field(default=MOST, ge=1, le=MOST, description="At most so many.")
    cursor: int = Field(default=0, ge=0, le=2**31 - 1, description="`next` of the answer before.")


class Page(Value):
    """A part of a list."""

    next: int | None = None
    """The cursor for what comes after it; null at the end of the list."""


def page_of(every: Sequence[T], query: PageQuery) -> tuple[list[T], int | None]:
    """The part of the list that the query asks for, and the cursor for the rest."""
    end = query.cursor + query.limit
    return list(every[query.cursor : end]), end if end < len(every) else None
