"""Takes the messages out of logs that are exported as JSON, one object on each line.

Journald, container runtimes, log collectors and search engines export logs in this form. The message replaces its line,
so positions in findings refer to the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from knowledge.loginput.looked_at import LookedAt
from knowledge.vmklog.stream import LONGEST_LINE

JOURNALD = "journald entries as JSON lines; positions refer to MESSAGE"
JSON_LINES = "JSON lines; positions refer to {field}"

FIELDS = (
    "MESSAGE",
    "message",
    "msg",
    "log",
    "line",
    "text",
    "_raw",
    "event.original",
    "_source.message",
    "result._raw",
)
"""Where the message is: in journald, and in exports of log collectors; a dot leads into an object."""

_BETWEEN_LINES = ";"
"""What replaces a line feed in a message: no finding extends over it, and a status text may end there."""


def messages(blocks: Iterable[bytes], looked: LookedAt) -> Iterator[bytes]:
    """Replace each line by its message when the first line is a JSON object that has one; else yield all as it is."""
    blocks = iter(blocks)
    head = b""
    for block in blocks:
        head += block
        if not _may_be_object(head) or b"\n" in head.lstrip() or len(head) > LONGEST_LINE:
            break
    field = message_field(head.lstrip().partition(b"\n")[0]) if _may_be_object(head) else ""
    if not field:
        yield head
        yield from blocks
        return
    looked.add_format(JOURNALD if field == "MESSAGE" else JSON_LINES.format(field=field))
    yield from _messages(chain([head], blocks))


def message_field(line: bytes) -> str:
    """Return the name of the field that holds the message in a JSON object on one line; empty when there is none."""
    value = _parsed(line)
    return next((field for field in FIELDS if _text_in(value, field) is not None), "")


def _may_be_object(head: bytes) -> bool:
    start = head.lstrip(b" \t\r\n\x1e")
    return not start or start.startswith(b"{")


def _messages(blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        if lines:
            yield b"\n".join(map(_message, lines)) + b"\n"
        if len(rest) > LONGEST_LINE:  # too long to wait for its end
            yield rest
            rest = b""
    if rest:
        yield _message(rest)


def _message(line: bytes) -> bytes:
    value = _parsed(line)
    for field in FIELDS:
        text = _text_in(value, field)
        if text is not None:
            text = text.rstrip("\r\n").replace("\r\n", "\n").replace("\n", _BETWEEN_LINES)
            return text.encode("utf-8", "replace")
    return line


def _parsed(line: bytes) -> object:
    import json  # imported only for such exports

    try:
        return json.loads(line.strip(b" \t\r\x1e"))
    except (ValueError, RecursionError):
        return None


def _text_in(value: object, field: str) -> str | None:
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, list) and field == "MESSAGE":  # journald exports a message that is not UTF-8 as bytes
        try:
            return bytes(value).decode("utf-8", "replace")
        except (TypeError, ValueError):
            return None
    return value if isinstance(value, str) else None
