"""Checks the parameters that a user gives for a snippet; errors say what is allowed."""

import re
from collections.abc import Mapping
from typing import NoReturn

from knowledge.vmx.catalogue import InvalidParameterError, Parameter, Snippet
from knowledge.vmx.excerpt import excerpt
from knowledge.vmx.syntax import UnsafeValueError, check_value

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_OUTER_CURLY = "“”„‟"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,252}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]")
_SHOWN_CHOICES = 12


def checked(snippet: Snippet, given: Mapping[str, str]) -> dict[str, str]:
    """Return the checked values of the parameters of `snippet`, by name, with defaults for those not given.

    Raises `InvalidParameterError` for an unknown, missing or wrong parameter.
    """
    names = [parameter.name for parameter in snippet.parameters]
    for name in given:
        if name not in names:
            raise InvalidParameterError(
                f"{snippet.name} has no parameter {excerpt(name)!r}. Its parameters: {', '.join(names) or 'none'}.",
                _close(name, names),
            )
    missing = [p for p in snippet.parameters if p.required and not given.get(p.name)]
    if missing:
        needs = "; ".join(f"{p.name}=... ({p.meaning})" for p in missing)
        raise InvalidParameterError(f"{snippet.name} needs {needs}", tuple(p.name for p in missing))
    values = {}
    for parameter in snippet.parameters:
        value = given.get(parameter.name, parameter.default)
        if value is not None:
            values[parameter.name] = _checked_value(parameter, value)
    return values


def allowed(parameter: Parameter) -> str:
    """Return what values `parameter` allows, as text for people."""
    choices = parameter.choices
    if parameter.type == "integer":
        return f"a whole number from {parameter.minimum} to {parameter.maximum}"
    if parameter.type == "boolean":
        return "true or false"
    if parameter.type == "host":
        return "a host name, an IPv4 address or an IPv6 address in brackets"
    if len(choices) > _SHOWN_CHOICES:
        words = f"one of {', '.join(choices[:3])} to {choices[-1]}"
    else:
        words = f"one of {', '.join(choices)}" if choices else "text on one line"
    return f"a comma-separated list, each {words}" if parameter.type == "list" else words


def _checked_value(parameter: Parameter, value: str) -> str:
    try:
        check_value(value)
    except UnsafeValueError as problem:
        raise InvalidParameterError(f"{parameter.name}: {problem}") from problem
    match parameter.type:
        case "integer":
            return _integer(parameter, value)
        case "boolean":
            return _boolean(parameter, value)
        case "choice":
            return _choice(parameter, value)
        case "list":
            return _list(parameter, value)
        case "host":
            return value if not value or _HOST.fullmatch(value) else _refuse(parameter, value)
        case "path":
            return _path(parameter, value)
        case _:
            return value


def _integer(parameter: Parameter, value: str) -> str:
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        _refuse(parameter, value)
    number = int(value)
    if not parameter.minimum <= number <= parameter.maximum:
        _refuse(parameter, value)
    return str(number)


def _boolean(parameter: Parameter, value: str) -> str:
    word = value.strip().lower()
    if word in _TRUE:
        return "true"
    return "false" if word in _FALSE else _refuse(parameter, value)


def _choice(parameter: Parameter, value: str) -> str:
    by_name = {choice.lower(): choice for choice in parameter.choices}
    return by_name.get(value.strip().lower()) or _refuse(parameter, value)


def _list(parameter: Parameter, value: str) -> str:
    items = [_choice(parameter, item) for item in value.split(",")]
    if len(set(items)) != len(items):
        raise InvalidParameterError(f"{parameter.name} has a duplicate item: {excerpt(value)}.")
    return ",".join(items)


def _path(parameter: Parameter, value: str) -> str:
    if not value.strip():
        _refuse(parameter, value)
    if value[0] in _OUTER_CURLY or value[-1] in _OUTER_CURLY:
        bare = value.strip(_OUTER_CURLY)
        message = f"{parameter.name} is in curly quotes; give it without quotes: {excerpt(bare)}"
        raise InvalidParameterError(message, (bare,))
    return value


def _refuse(parameter: Parameter, value: str) -> NoReturn:
    raise InvalidParameterError(
        f"{parameter.name} cannot be {excerpt(value)!r}; it must be {allowed(parameter)}.",
        _close(value, list(parameter.choices)),
    )


def _close(word: str, words: list[str]) -> tuple[str, ...]:
    from difflib import get_close_matches

    return tuple(get_close_matches(word[:60].lower(), words))
