"""The log: one structured line for each event, with the request, the job and the person that it is about.

Write events with `logging` as everywhere: fields go into `extra`. This module adds the fields of the context, redacts
secrets, and writes JSON lines, or text for a terminal.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import IO, Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from service.api.redaction import redact, redact_json
from service.api.typed_settings import LogSettings
from service.api.words import printable

NOISY = ("slack_bolt", "slack_sdk", "aiohttp.access", "sqlalchemy")
"""Libraries of which only warnings are logged."""
ENGINE = "dbos"
"""The logger of the job engine."""
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""A request id that a caller may choose."""
_PROCESS = secrets.token_hex(4)
_NUMBERS = itertools.count(1)
"""Together the id of a request. Random bytes for each would cost a fiftieth of a lookup."""
_CONTEXT: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default=MappingProxyType({}))
"""The fields of the context: one variable, as each lookup sets it, and structlog's own take 20 microseconds."""


def set_up_log(settings: LogSettings, to: IO[str] | None = None) -> None:
    """Log to standard error, or to the stream `to`, as these settings say."""
    stream = sys.stderr if to is None else to
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not stream.isatty())
    handler = log_handler(stream, as_json=as_json)
    for logger in (logging.getLogger(), logging.getLogger(ENGINE)):  # the engine adds a handler unless it has one
        logger.handlers[:] = [handler]
    logging.getLogger(ENGINE).propagate = False
    logging.getLogger().setLevel(settings.log_level)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)


def log_handler(stream: IO[str], *, as_json: bool) -> logging.Handler:
    """A handler that writes one line for each event to the stream, as JSON or as text."""
    before: list[Processor] = [
        _with_context,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    as_message = structlog.processors.EventRenamer("message")
    last: list[Processor] = [as_message, structlog.processors.JSONRenderer()] if as_json else [_text]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _redacted,
                *last,
            ],
        )
    )
    return handler


def begin_request(sent: str | None) -> str:
    """Start the context of a request, and return its id: the one that the caller sent when it is short and plain."""
    request = sent if sent is not None and REQUEST_ID.fullmatch(sent) else f"{_PROCESS}{next(_NUMBERS):08x}"
    _CONTEXT.set({"request": request})
    return request


def current_request() -> str:
    """The id of the request that this code answers; empty outside of requests."""
    return _CONTEXT.get().get("request", "")


def add_log_fields(**fields: str) -> None:
    """Add fields to each further line of this context: of this request, and of the threads that it starts."""
    _CONTEXT.set({**_CONTEXT.get(), **fields})


@contextlib.contextmanager
def log_fields(**fields: str) -> Iterator[None]:
    """Add the fields that are not empty to each line that is logged while the block runs."""
    before = _CONTEXT.set({**_CONTEXT.get(), **{name: value for name, value in fields.items() if value}})
    try:
        yield
    finally:
        _CONTEXT.reset(before)


def _with_context(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The fields of the context, and those of the event, which count more."""
    return {**_CONTEXT.get(), **event}


def _redacted(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The fields as plain values, without secrets."""
    return {name: _plain(value) for name, value in event.items()}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact_json(value) if isinstance(value, str | dict | list | tuple) else redact(str(value))


def _text(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """The line for a terminal: time, level, logger and message, then the other fields as name=value."""
    head = f"{event.pop('timestamp')} {event.pop('level').upper()} {event.pop('logger')}: {event.pop('event')}"
    trace = event.pop("exception", None)
    fields = "".join(f" {name}={_quoted(value)}" for name, value in event.items())
    return printable(f"{head}{fields}") + (f"\n{trace}" if trace else "")


def _quoted(value: Any) -> str:
    text = str(value)
    return text if re.fullmatch(r"[^\s\"=]+", text) else repr(text)
