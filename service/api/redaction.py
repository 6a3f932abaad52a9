"""Removes what a URL keeps secret from everything that people see: user name, password, query and fragment.

A signed URL is a key: whoever reads it can fetch the file. Jobs and schedules keep such a URL to continue after a
restart. Every view, message and log line goes through this module.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

REDACTED = "REDACTED"
"""Stands in place of what was removed."""

_USER = r"[^\s/?#\"<>]*@|[^\s/?#@:]*:(?!\d*(?:[/?#]|$))[^\s?#]*@"
"""A user name and password, also one with an unquoted slash."""
_END = r"(?=['.,;:)\]]*(?:[\s\"<>]|$))"
"""The end of a URL in a text, without the punctuation that follows it."""
_URL = re.compile(rf"([a-z][a-z0-9+.-]*:/+)({_USER})?([^\s?#\"<>]*)(?:([?#])[^\s\"<>]*?{_END})?", re.IGNORECASE)
_SIGNED = re.compile(
    r"(?<![\w-])((?:X-(?:Amz|Goog|Ms|Oss|Cos)-[\w-]+|AWSAccessKeyId|sig|signature|(?:access_|auth_|id_)?token|api_?key"
    r"|password|secret)=)[^\s&\"'<>]+",
    re.IGNORECASE,
)
"""A parameter that signs a request, outside of a whole URL."""
_WHOLE_URL = re.compile(r"\s*[a-z][a-z0-9+.-]*:/+", re.IGNORECASE)


def redact(text: str) -> str:
    """The text with each user name, password, query and fragment of a URL in it replaced by REDACTED."""
    return _SIGNED.sub(rf"\1{REDACTED}", _URL.sub(_without, text))


def redact_all(value: Any) -> Any:
    """A JSON value with every text in it redacted, at any depth; the names of objects stay.

    A text that is a URL as a whole is redacted to its end, also where white space is in its query.
    """
    if isinstance(value, str):
        head, mark, query = value.partition("?") if _WHOLE_URL.match(value) else (value, "", "")
        return redact(head) + (f"{mark}{REDACTED}" if query else mark)
    if isinstance(value, Mapping):
        return {key: redact_all(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redact_all(each) for each in value]
    return value


def without_secrets(url: str) -> str:
    """A URL as a title: without user name, password, query and fragment, and 200 characters at most."""
    bare = re.split(r"[?#]", url.strip(), maxsplit=1)[0]
    return redact(bare).replace(f"{REDACTED}@", "", 1)[:200]


class RedactingFormatter(logging.Formatter):
    """Formats log records without secrets, in the message, its arguments and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        return redact(super().format(record))


def _without(found: re.Match[str]) -> str:
    scheme, user, path, mark = found.groups()
    return f"{scheme}{f'{REDACTED}@' if user else ''}{path}{f'{mark}{REDACTED}' if mark else ''}"
