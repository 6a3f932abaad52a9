"""How values cross the HTTP API: pydantic reads and writes the frozen values of `knowledge` as they are declared."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")

_made: dict[type[Any], TypeAdapter[Any]] = {}


def adapter(kind: type[T]) -> TypeAdapter[T]:
    """What reads and writes values of this type as JSON; made on first use and kept."""
    if kind not in _made:
        _made[kind] = TypeAdapter(kind)
    return _made[kind]
