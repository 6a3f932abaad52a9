"""What is wrong with values that somebody gave, in words, for HTTP, the shell, Slack and settings alike; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from knowledge.ovf.quoting import quoted
from knowledge.spelling import nearest_name
from service.api.config_file import TABLE_KEYS

VERBS = ("must ", "is ", "has ", "needs ", "does ")
"""How a message begins that continues the name of a value."""
MOST = 5
"""How many mistakes one message names."""

WORDS: Mapping[str, str] = {
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
    "frozen_set_type": "must be a list",
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
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "path_type": "must be a path",
    "string_pattern_mismatch": "is not in the form that it needs",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "string_type": "must be text",
    "timezone_aware": "needs a zone, such as 2026-11-26T18:00:00Z",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
    "tuple_type": "must be a list",
}
"""What each kind of mistake of pydantic means, after the name of the value; without the final period."""
_OF_SETTINGS: Mapping[str, str] = {
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be a table"),
    **dict.fromkeys(("frozen_set_type", "tuple_type"), "must be a list, or text with spaces between the values"),
    "missing": "is missing. Add it",
    "path_type": "must be a path, in quotes",
    "string_pattern_mismatch": "is not a name: it must begin with a letter or a digit, and then have only letters, "
    "digits, dots, dashes and underscores, at most 63 in all",
    "string_too_short": "must not be empty",
    "string_type": "must be text, in quotes",
    "value_error": "{error}",
}
"""The words that a setting has instead, which somebody writes in TOML."""
NETWORK = "must be addresses or networks, such as 10.0.0.5 or 10.0.0.0/24."
UNKNOWN_TYPE = "has a value that cannot be used. `vmkops help settings` shows what it may be."
_EXPLAINED = {"missing", "string_pattern_mismatch"}
"""The kinds for which the description of the value is the way out."""
_ONE_OF = {"enum", "literal_error", "value_error"}
"""The kinds for which an entry of a list needs no number: the message names what each may be."""


def explain(error: ValidationError, model: type[BaseModel], what: str = "This call") -> str:
    """What is wrong with each value, as sentences; the values themselves are not repeated, as they may be secret.

    `what` takes the values: the name of an action, or `This call`.
    """
    found = error.errors(include_url=False, include_input=False)
    found.sort(key=lambda each: each["type"] != "extra_forbidden")  # a misspelt name explains why another is missing
    return " ".join(dict.fromkeys(_sentence(each, model, what) for each in found[:MOST]))


def explain_setting(error: ErrorDetails) -> str:
    """What is wrong with a setting and what to do, without its name; never the value that was given."""
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown_key(str(error["loc"][0]), str(error["loc"][-1]).lower())
    if kind.startswith("ip_"):
        return NETWORK
    words = _OF_SETTINGS.get(kind) or WORDS.get(kind)
    return _ended(_filled(words, error.get("ctx", {}))) if words else UNKNOWN_TYPE


def no_such_table(value: str, what: str, table: str, known: Iterable[str]) -> str:
    """That the value of a setting names no table `[TABLE.NAME]`, with the name that was probably meant."""
    names = sorted(known)
    if not names:
        return f"is {quoted(value)}, but there is no {what}. Add a table [{table}.{value[:63]}]."
    near = nearest_name(value, names)
    hint = f"Did you mean {near}? " if near else ""
    return f"is {quoted(value)}, which is no {what}. {hint}There are: {', '.join(names)}."


def _unknown_key(table: str, name: str) -> str:
    """That a table of the file has no such key."""
    what, keys = TABLE_KEYS[table]
    near = nearest_name(name, keys)
    hint = f"; did you mean {near}?" if near else f". Remove it; there are {', '.join(keys)}."
    return f"is not a setting of a {what}{hint}"


def _filled(words: str, limits: Mapping[str, Any]) -> str:
    """These words with the limits that pydantic names; numbers are short, and text has no quotes around it."""
    shown = {name: f"{value:.15g}" if isinstance(value, float) else value for name, value in limits.items()}
    if "expected" in shown:
        # The empty value is that of a parameter that is left out.
        shown["expected"] = str(shown["expected"]).replace("'', ", "").replace("'' or ", "").replace("'", "")
    return words.format_map(shown)


def _sentence(item: Mapping[str, Any], model: type[BaseModel], what: str) -> str:
    kind, place = item["type"], [str(part) for part in item["loc"]]
    name = _name(item["loc"], kind)
    if kind == "extra_forbidden":
        return _unknown(name, model, what)
    if kind == "json_invalid":
        return f"The body is not JSON: {item['ctx']['error']}."
    if not name:
        return f"{_ended(str(item['msg']).removeprefix('Value error, '))}"
    if kind not in WORDS:
        said = _ended(str(item["msg"]).removeprefix("Value error, "))
        return f"{name} {said}" if said.startswith(VERBS) else f"{name}: {said}"
    words = _form(model, place[0]) if kind == "string_pattern_mismatch" else ""
    words = words or _filled(WORDS[kind], item.get("ctx", {}))
    described = _description(model, place[0]) if kind in _EXPLAINED else ""
    prefix = f"{what}: " if kind == "missing" and what != "This call" else ""
    return f"{prefix}{name} {words}{f': {described}' if described else '.'}"


def _name(place: Sequence[int | str], kind: str) -> str:
    """What people call a value: an entry of a list has the name of the list, with its number where that helps."""
    name = ".".join(str(part) for part in place)
    if len(place) < 2 or not isinstance(place[-1], int):
        return name
    name = name.rpartition(".")[0]
    return name if kind in _ONE_OF else f"Entry {place[-1] + 1} of {name}"


def _unknown(name: str, model: type[BaseModel], what: str) -> str:
    known = [field.alias or key for key, field in model.model_fields.items()]
    near = nearest_name(name, known)
    takes = f"It takes: {', '.join(known)}." if known else "It takes none."
    hint = f" Did you mean {near}?" if near else ""
    return f"{what} has no parameter {name[:60]}.{hint} {takes}"


def _form(model: type[BaseModel], name: str) -> str:
    """How a value of this field is written, by the examples of the field; empty without examples."""
    field = _fields(model).get(name)
    *most, last = map(str, field.examples) if field and field.examples else [""]
    return f"must be written like {', '.join(most)} or {last}" if most else ""


def _description(model: type[BaseModel], name: str) -> str:
    field = _fields(model).get(name)
    return _ended(field.description) if field and field.description else ""


def _fields(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """The fields of a model by the names that callers give them."""
    return {field.alias or key: field for key, field in model.model_fields.items()}


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
