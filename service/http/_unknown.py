"""What a call says of names that it does not know: the nearest known name, and all of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from aiohttp import web
from pydantic import BaseModel

from knowledge.spelling import nearest_name
from service.errors import InvalidParams

ALWAYS = frozenset({"format"})
"""The query parameters of every call."""
TRACKERS = re.compile(r"(utm_.*|fbclid|gclid|msclkid|dclid|mc_[ce]id|_ga|_gl|igshid)$")
"""Parameters that browsers and trackers add to the links of pages."""
LONGEST = 40
"""How much of an unknown name is repeated."""


def field_names(model: type[BaseModel]) -> set[str]:
    """The names under which callers send the fields of a model."""
    return {field.alias or name for name, field in model.model_fields.items()}


def is_open(model: type[BaseModel]) -> bool:
    """Whether a model takes any name, such as the parameters of an action."""
    return model.model_config.get("extra") == "allow"


def check_query(request: web.Request, known: Collection[str], *, page: bool) -> None:
    """Raise InvalidParams for a query parameter that the call does not have.

    `page`: the answer is a page, whose links may have the parameters of trackers.
    """
    unknown = [name for name in request.query if name not in known and name not in ALWAYS]
    if page:
        unknown = [name for name in unknown if not TRACKERS.match(name)]
    if unknown:
        raise unknown_name("query parameter", unknown[0], known)


def check_body(body: object, known: Collection[str]) -> None:
    """Raise InvalidParams for a field of a JSON object that the call does not have."""
    if isinstance(body, dict) and (unknown := [str(name) for name in body if name not in known]):
        raise unknown_name("field", unknown[0], known)


def unknown_name(kind: str, name: str, known: Iterable[str]) -> InvalidParams:
    """The error for an unknown `name`; `kind` is what it is the name of."""
    names = sorted(known)
    near = nearest_name(name, names)
    guess = f" Did you mean {near!r}?" if near else ""
    have = f"It has: {', '.join(names)}." if names else f"It has no {kind}s."
    return InvalidParams(f"This call has no {kind} {name[:LONGEST]!r}.{guess} {have}", [near] if near else [])
