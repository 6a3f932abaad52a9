"""The messages between the service and a parser process: a JSON object, and bytes that belong to it.

A frame is the length of the JSON text and the length of the bytes (two big-endian 32-bit numbers), then both.

A process first sends ``{"ready": true}``. A request has ``function``, ``arguments`` (an object), and ``cpu_seconds``;
its bytes are the file. An answer is ``{"ok": true}`` with the value as JSON in its bytes, or an object with ``error``
(one of the kinds below), ``detail``, ``suggestions`` and, for ``service``, ``name``. ``retire`` is true when the
process ends after this answer.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

LENGTHS = struct.Struct(">II")
LARGEST_HEADER = 1 << 20
"""Bytes of JSON in a frame."""

UNREADABLE, NOT_FOUND, SERVICE, MEMORY, DEPTH, UNEXPECTED = (
    "unreadable",
    "not-found",
    "service",
    "memory",
    "depth",
    "unexpected",
)
"""Kinds of errors: the two of `knowledge.errors`, one of `service.errors`, a limit of the process, a defect of ours."""


def frame(header: dict[str, Any], body: bytes = b"") -> tuple[bytes, bytes]:
    """The two parts of a frame, to be written one after the other."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return LENGTHS.pack(len(text), len(body)) + text, body


def read_frame(read: Callable[[int], bytes]) -> tuple[dict[str, Any], bytes] | None:
    """The next frame of a stream whose `read` returns as many bytes as asked, and fewer only at the end.

    None at the end.
    """
    start = read(LENGTHS.size)
    if len(start) < LENGTHS.size:
        return None
    header, body = LENGTHS.unpack(start)
    text, content = read(header), read(body)
    return (json.loads(text), content) if len(text) == header and len(content) == body else None
