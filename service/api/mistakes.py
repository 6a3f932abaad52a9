"""What is wrong with values that somebody gave, in words, for HTTP, the shell and Slack alike; pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

MOST = 5
"""How many mistakes one message names."""

_WORDS = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "date_from_datetime_parsing": "must be a date, such as 2026-11-26",
    "datetime_from_date_parsing": "must be a time with its zone, such as 2026-11-26T18:00:00Z",
    "datetime_parsing": "must be a time with its zone, such as 2026-11-26T18:00:00Z",
    "datetime_type": "must be a time with its zone, such as 2026-11-26T18:00:00Z",
    "dict_type": "must be an object",
    "enum": "must be {expected}",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "is too large",
    "int_type": "must be a whole number",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "model_type": "must be an object",
    "string_pattern_mismatch": "is not in the form that it needs",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_type": "must be text",
    "timezone_aware": "needs a zone, such as 2026-11-26T18:00:00Z",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
    "tuple_type": "must be a list",
}
"""What each kind of mistake of pydantic means, after the name of the value."""
_EXPLAINED = {"missing", "string_pattern_mismatch"}
"""The kinds for which the description of the value is the way out."""


def explain(error: ValidationError, model: type[BaseModel], what: str = "This call") -> str:
    """What is wrong with each value, as sentences; the values themselves are not repeated, as they may be secret.

    `what` takes the values: the name of an action, or `This call`.
    """
    found = error.errors(include_url=False, include_input=False)
    return " ".join(_sentence(each, model, what) for each in found[:MOST])


def _sentence(item: Mapping[str, Any], model: type[BaseModel], what: str) -> str:
    kind, place = item["type"], [str(part) for part in item["loc"]]
    name = ".".join(place)
    if kind == "extra_forbidden":
        return _unknown(name, model, what)
    if kind == "json_invalid":
        return f"The body is not JSON: {item['ctx']['error']}."
    if not name:
        return f"{_ended(str(item['msg']).removeprefix('Value error, '))}"
    if kind not in _WORDS:
        return f"{name}: {_ended(str(item['msg']).removeprefix('Value error, '))}"
    words = _WORDS[kind].format_map(item.get("ctx", {}))
    described = _description(model, place[0]) if kind in _EXPLAINED else ""
    prefix = f"{what}: " if kind == "missing" and what != "This call" else ""
    return f"{prefix}{name} {words}{f': {described}' if described else '.'}"


def _unknown(name: str, model: type[BaseModel], what: str) -> str:
    known = [field.alias or key for key, field in model.model_fields.items()]
    near = difflib.get_close_matches(name, known, 1, 0.6)
    takes = f"It takes: {', '.join(known)}." if known else "It takes none."
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{what} has no parameter {name[:60]}.{hint} {takes}"


def _description(model: type[BaseModel], name: str) -> str:
    fields = {field.alias or key: field for key, field in model.model_fields.items()}
    return _ended(fields[name].description or "") if name in fields and fields[name].description else ""


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
