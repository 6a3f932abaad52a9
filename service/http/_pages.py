"""Pages of a list that is in memory: so many at a time, and a cursor for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BeforeValidator, Field

from service.api.models import Value
from service.http._route import Query

MOST = 100_000
T = TypeVar("T")


def _not_a_number(value: Any) -> Any:
    """Refuse a number, which would be taken for seconds since 1970; raises ValueError."""
    if isinstance(value, str) and "-" not in value[1:]:
        raise ValueError("must be a time with its zone, such as 2026-11-26T18:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_not_a_number)]
"""A time of RFC 3339."""


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
