"""Reads the pickles that version 0.1.0 recorded, without unpickling: no name in a record is looked up or called.

That version left the form of its records to the engine, which pickles them. `read` interprets the few instructions
that a pickle of plain values, times and errors consists of, and builds such values itself. It refuses anything else.
"""

from __future__ import annotations

import base64
import builtins
import pickletools
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from service.errors import VmkopsError
from service.jobs.recorded_errors import MODULE, known_error, other_error

START = "gA"
"""The Base64 of each pickle of protocol 2 or newer begins with it, and no JSON text does."""
MAX_VALUES = 500_000
"""The most values in one record. A few bytes can name one list many times over, and so stand for a huge value."""
MAX_DEPTH = 200
"""The deepest nesting of lists and dictionaries."""


@dataclass(frozen=True, slots=True)
class _Name:
    """A name in a module: a class or a function, not looked up."""

    module: str
    name: str


@dataclass(slots=True)
class _Call:
    """A call that a pickle asks for, not made; `state` is what the new object is to be filled with."""

    function: Any
    arguments: Any
    state: dict[Any, Any] = field(default_factory=dict)


DATETIME, TIMEDELTA = _Name("datetime", "datetime"), _Name("datetime", "timedelta")
TIMEZONE, ZONE = _Name("datetime", "timezone"), _Name("zoneinfo", "ZoneInfo")
GETATTR = _Name("builtins", "getattr")

_PUSHES = {
    *("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINBYTES"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_SKIPPED = {"PROTO", "FRAME"}
_REFUSED = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RecursionError, TypeError, ValueError)
"""What Python raises for a pickle that is damaged or made to do harm."""


def read(text: str) -> Any:
    """The value of a record: plain values, `datetime`, tuples as lists, or an error of `service.errors`.

    Another exception becomes a VmkopsError with its text. Raises ValueError for everything else.
    """
    try:
        return _Reader().value(_load(base64.b64decode(text, validate=True)))
    except _REFUSED as error:
        raise ValueError(f"not a record of plain values and known errors ({error})") from error


def _load(data: bytes) -> Any:
    """What is on the stack when the pickle ends; names and calls are not resolved."""
    stack: list[Any] = []
    marks: list[int] = []  # where in the stack the items of a list, tuple or dictionary begin
    memo: list[Any] = []
    for instruction, argument, _ in pickletools.genops(data):
        match instruction.name:
            case name if name in _SKIPPED:
                pass
            case name if name in _PUSHES:
                stack.append(argument)
            case name if name in _CONSTANTS:
                stack.append(_CONSTANTS[name])
            case name if name in _EMPTY:
                stack.append(_EMPTY[name]())
            case name if name in _TUPLES:
                stack[-_TUPLES[name] :] = [tuple(stack[-_TUPLES[name] :])]
            case "MARK":
                marks.append(len(stack))
            case "TUPLE":
                stack.append(tuple(_pop_from(stack, marks.pop())))
            case "APPEND":
                item = stack.pop()
                stack[-1].append(item)
            case "APPENDS":
                items = _pop_from(stack, marks.pop())
                stack[-1].extend(items)
            case "SETITEM":
                item, key = stack.pop(), stack.pop()
                stack[-1][_text(key)] = item
            case "SETITEMS":
                items = _pop_from(stack, marks.pop())
                stack[-1].update(zip(map(_text, items[::2]), items[1::2], strict=True))
            case "MEMOIZE":
                memo.append(stack[-1])
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument or 0])
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(_Name(module, name))
            case "REDUCE":
                arguments, function = stack.pop(), stack.pop()
                stack.append(_Call(function, arguments))
            case "BUILD":
                state = stack.pop()
                stack[-1].state.update(state)
            case "STOP":
                return stack.pop()
            case name:
                raise ValueError(f"instruction {name}")
    raise ValueError("no end")


def _pop_from(stack: list[Any], start: int) -> list[Any]:
    items = stack[start:]
    del stack[start:]
    return items


class _Reader:
    """Builds the values of one record."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def value(self, item: Any, depth: int = 0) -> Any:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise ValueError("too many values")
        if item is None or type(item) in (bool, int, float, str):
            return item
        if type(item) in (list, tuple):
            return [self.value(each, depth + 1) for each in item]
        if type(item) is dict:
            return {key: self.value(each, depth + 1) for key, each in item.items()}
        if type(item) is _Call and item.function == DATETIME:
            return _datetime(*item.arguments)
        if type(item) is _Call and type(item.function) is _Name:
            return self._error(item, item.function, depth)
        raise ValueError(f"a {type(item).__name__}")

    def _error(self, call: _Call, name: _Name, depth: int) -> VmkopsError:
        arguments = [self.value(each, depth + 1) for each in call.arguments]
        if name.module == MODULE:
            return known_error(_text(name.name), arguments, self.value(call.state.get("suggestions") or [], depth + 1))
        if name.module == "dbos._error" or (name.module == "builtins" and name.name in _EXCEPTIONS):
            return other_error(_text(name.name), ", ".join(map(str, arguments)))
        raise ValueError(f"{name.module}.{name.name}")


_EXCEPTIONS = {
    name for name, each in vars(builtins).items() if isinstance(each, type) and issubclass(each, BaseException)
}


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("a key or a name that is not text")
    return value


def _datetime(packed: bytes, zone: Any = None) -> datetime:
    """A time as `datetime` packs it: year, month with the fold, day, hour, minute, second and microseconds."""
    high, low, month, day, hour, minute, second, *micro = packed
    return datetime(
        *(high << 8 | low, month & 0x7F, day, hour, minute, second),
        int.from_bytes(bytes(micro)),
        tzinfo=None if zone is None else _zone(zone),
        fold=month >> 7,
    )


def _zone(zone: _Call) -> tzinfo:
    if zone.function == TIMEZONE:
        (offset,) = zone.arguments
        if offset.function == TIMEDELTA:
            return timezone(timedelta(*offset.arguments))
    elif zone.function.function == GETATTR and zone.function.arguments == (ZONE, "_unpickle"):
        return ZoneInfo(_text(zone.arguments[0]))
    raise ValueError("a time zone of another kind")
