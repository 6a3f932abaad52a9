"""The form of the engine's records: JSON, so that what is read from the database never becomes code.

Records are the inputs and outputs of workflows, the results and errors of steps, events, and the contexts of schedules.
They hold plain JSON values. Two kinds of values more have an object with one key that begins with `$`: a time
(`$datetime`) and an error (`$error`: `name`, `detail`, `suggestions`). A dictionary that has such a key itself is the
value of `$object`. `$unreadable` stands for a record of an earlier version that could not be read.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from dbos import Serializer
from dbos._serialization import DefaultSerializer

from service.errors import RecordUnreadable
from service.jobs import pickled
from service.jobs.recorded_errors import known_error, name_of, text_of

NAME = "vmkops_json"
"""The name of this form in each row of the engine."""
PICKLE = "py_pickle"
"""The engine's name for its own form."""
DATETIME, ERROR, OBJECT, UNREADABLE = "$datetime", "$error", "$object", "$unreadable"


class RecordSerializer(Serializer):
    """Writes and reads the records of the engine."""

    def name(self) -> str:
        """The name that the engine stores with each record."""
        return NAME

    def serialize(self, data: Any) -> str:
        """The text of a record; raises TypeError or ValueError for a value that is not plain."""
        return _dump(data)

    def deserialize(cls, serialized_data: str) -> Any:  # noqa: N805 - as the engine names it
        """The value of a record of this version or, for plain values and known errors, of an earlier one.

        Raises RecordUnreadable for any other text.
        """
        return _load(serialized_data)


def use_json_only() -> None:
    """Let every row of the engine be read and written as `RecordSerializer` does, whatever form the row names.

    The engine unpickles a row that names its own form even when it is given another serializer. Whoever can write a
    row could so run code in the service.
    """
    for method in ("serialize", "deserialize"):
        setattr(DefaultSerializer, method, getattr(RecordSerializer, method))


def unreadable() -> str:
    """The record that replaces one of an earlier version that cannot be read."""
    return _dump_plain({UNREADABLE: True})


def _dump(data: Any) -> str:
    if isinstance(data, dict) and isinstance(data.get("args"), tuple):  # the engine's form of a workflow's inputs
        data = data | {"args": list(data["args"])}
    return _dump_plain(_encode(data, "value"))


def _dump_plain(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _load(text: str) -> Any:
    try:
        if text.startswith(pickled.START):
            return pickled.read(text)
        return _decode(json.loads(text))
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise RecordUnreadable from error


def _encode(value: Any, where: str) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list):
        return [_encode(each, f"{where}[{number}]") for number, each in enumerate(value)]
    if isinstance(value, dict):
        if wrong := [key for key in value if not isinstance(key, str)]:
            raise TypeError(f"A job can record only text as a key, not {type(wrong[0]).__name__} ({where}).")
        items = {key: _encode(each, f"{where}.{key}") for key, each in value.items()}
        return {OBJECT: items} if any(key.startswith("$") for key in value) else items
    if isinstance(value, datetime):
        return {DATETIME: value.isoformat()}
    if isinstance(value, Exception):
        suggestions = [str(each) for each in getattr(value, "suggestions", None) or []]
        return {ERROR: {"name": name_of(value), "detail": text_of(value), "suggestions": suggestions}}
    raise TypeError(f"A job can record plain JSON values, times and errors, not {type(value).__name__} ({where}).")


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(each) for each in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1 or not (tag := next(iter(value))).startswith("$"):
        return {key: _decode(each) for key, each in value.items()}
    content = value[tag]
    match tag:
        case "$datetime":
            return datetime.fromisoformat(content)
        case "$error":
            return known_error(content["name"], [content["detail"]], content["suggestions"])
        case "$object":
            return {key: _decode(each) for key, each in content.items()}
    raise ValueError(f"the kind {tag[:20]!r} of a value is unknown")
