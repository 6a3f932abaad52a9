"""The records of the job engine in a state file: plain JSON in place of a text with JSON in it."""

from __future__ import annotations

import json
from typing import Any

from service.jobs.serializer import RecordSerializer, unreadable


def plain(text: str | None) -> Any:
    """A record of the engine as JSON. One of another form, such as a pickle, becomes one that cannot be read."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return json.loads(unreadable())


def record(value: Any) -> str | None:
    """The text of a record with this value; None for none."""
    return None if value is None else json.dumps(value, allow_nan=False, separators=(",", ":"))


def read_value(value: Any) -> Any:
    """What the engine reads from a record; raises RecordUnreadable. The mark of an unreadable record is a text."""
    text = record(value)
    if text is None or text == unreadable():
        return text
    return RecordSerializer().deserialize(text)
