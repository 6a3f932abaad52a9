"""Removes secrets from everything that people see: tokens, and what a URL keeps secret.

That is its user name, password, query and fragment.

A signed URL is a key: whoever reads it can fetch the file. Jobs and schedules keep such a URL, so that they can
continue after a restart. Every view of them, every error and every log line goes through this module.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

REDACTED = "REDACTED"
"""Stands in place of what was removed."""

_URL_IN_TEXT = re.compile(r"(?:[a-z][a-z0-9+.-]{0,40}:/+|//)[^\s\"<>]+", re.IGNORECASE)
"""The scheme is bounded, so that the time grows with the length of the text and not with its square."""
_PARTS = re.compile(r"(\s*(?:[a-z][a-z0-9+.-]*:/+|//))([^?#]*)(?:([?#]).*)?", re.IGNORECASE | re.DOTALL)
"""The parts of a URL: scheme with slashes, host with path, and the mark before the query or fragment."""
_AFTER_A_URL = "'`.,;:)]}"
"""Punctuation that follows a URL in a text."""
_PORT = re.compile(r"\[.*|[^:]*(?::\d+)?")
"""A host with or without a port; anything else before the first slash is a user name and password."""
_SIGNED = re.compile(
    r"(?<![\w-])((?:X-(?:Amz|Goog|Ms|Oss|Cos)-[\w-]+|AWSAccessKeyId|sig|signature|(?:access_|auth_|id_)?token|api_?key"
    r"|password|secret)=)[^\s&\"'<>]+",
    re.IGNORECASE,
)
"""A parameter that signs a request, outside of a whole URL."""
_TOKEN = re.compile(
    r"\b(?:vmkops_[\w-]{40,}|xox[a-z]-[\w-]{8,}|xapp-[\w-]{8,})|(?:(?<=\bBearer )|(?<=\bBasic ))[\w~+/.=-]{8,}"
)
"""A token of vmkops or of Slack, and whatever an Authorization header has for one."""


def redact(text: str) -> str:
    """The text with tokens, and user name, password, query and fragment of each URL in it, replaced by REDACTED."""
    return _TOKEN.sub(REDACTED, _SIGNED.sub(rf"\1{REDACTED}", _URL_IN_TEXT.sub(_without, text)))


def redact_url(url: str) -> str:
    """A text that is a URL as a whole, redacted to its end, also where white space is in it."""
    parts = _PARTS.fullmatch(url)
    if parts is None:
        return redact(url)
    scheme, place, mark = parts.groups()
    user, at, host = _split_user(place)
    shown_user = REDACTED if user else ""
    return f"{scheme}{shown_user}{at}{host}{mark + REDACTED if mark else ''}"


def redact_json(value: Any, text: Callable[[str], str] = redact) -> Any:
    """A JSON value with the function `text` applied to each text in it; the keys of mappings stay."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return {key: redact_json(each, text) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redact_json(each, text) for each in value]
    return value


def redact_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an action as they are shown. A parameter is a URL as a whole, or has none."""
    return {key: redact_json(value, redact_url) for key, value in params.items()}


def without_secrets(url: str) -> str:
    """A URL as a title: without user name, password, query and fragment, and 200 characters at most."""
    bare = re.split(r"[?#]", url.strip(), maxsplit=1)[0]
    return redact_url(bare).replace(f"{REDACTED}@", "", 1)[:200]


def is_redacted(url: str) -> bool:
    """Whether this is a URL as it was shown, so that a part of it is missing."""
    return any(mark in url for mark in (f"{REDACTED}@", f"?{REDACTED}", f"#{REDACTED}"))


def _without(found: re.Match[str]) -> str:
    url = found[0].rstrip(_AFTER_A_URL)
    return redact_url(url) + found[0][len(url) :]


def _split_user(place: str) -> tuple[str, str, str]:
    """User name with password, the `@` after it, and the rest.

    A password may contain an unquoted `/` or `@`. So where there is one, it is taken to end at the last `@`.
    """
    host = place.partition("/")[0]
    has_user = "@" in host or not _PORT.fullmatch(host)
    return place.rpartition("@") if has_user else ("", "", place)
