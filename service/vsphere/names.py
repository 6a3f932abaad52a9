"""Names as vCenter writes them: `/`, `\\` and `%` in the name of an object are `%2f`, `%5c` and `%25`.

vCenter's path names have slashes, so its API escapes these three characters in the `name` of each managed entity and
expects them escaped (vSphere API, `ManagedEntity.name`). People see and type the plain characters.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

ESCAPES = {"%": "%25", "/": "%2f", "\\": "%5c"}


def unescaped(name: str, value: Any) -> Any:
    """The value of the property `name` as people know it: a managed entity's own name without escapes."""
    return unescape(value) if name == "name" and isinstance(value, str) else value


def unescape(name: str) -> str:
    """A name as people know it, such as `web/1` for `web%2f1`; a `%` that begins no escape stays."""
    return re.sub(r"%(25|2f|5c)", lambda found: unquote(found[0]), name, flags=re.IGNORECASE)


def escape(name: str) -> str:
    """A name as vCenter's calls expect it."""
    return re.sub(r"[%/\\]", lambda found: ESCAPES[found[0]], name)
