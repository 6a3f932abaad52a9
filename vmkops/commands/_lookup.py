"""What the offline lookups share: exit statuses, the tables, whether a service has more, and how a failure is printed.

Answers go to standard output, with `--json` as JSON with the names of the HTTP API; everything else goes to standard
error.
Keep imports light: a lookup starts in at most 2.5 times the time of `python -c pass` (benchmarks/cold_start.py).
"""

from __future__ import annotations

import os
import sys
from _json import encode_basestring_ascii

from knowledge.errors import NotFound, Unreadable
from service.api.settings_source import DEFAULT_DATA_DIR, read_setting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from knowledge.vmkerr.table import Tables

LOCAL = "VMKOPS_LOCAL"
"""In the environment, as `--local` sets it: no lookup asks a service."""

FOUND = 0
NOT_FOUND = 1
WRONG_USAGE = 2


def data_dir() -> str:
    """The folder of this installation's own data, such as imported tables; raises SettingError."""
    return read_setting("VMKOPS_DATA_DIR") or DEFAULT_DATA_DIR


def service_is_named() -> bool:
    """Whether lookups ask a service: somebody named one, and did not ask for local lookups. Raises SettingError."""
    if os.environ.get(LOCAL, "").strip().lower() in ("1", "true", "yes", "on"):
        return False
    return any(map(read_setting, ("VMKOPS_PROFILE", "VMKOPS_SERVICE_URL")))


def tables(command: str) -> Tables:
    """The tables of codes: the built-in ones, those imported here, and those imported into the named service.

    What is wrong with a table, and a service that does not answer, is printed. Raises SettingError and ServiceError.
    """
    from knowledge.vmkerr.table import tables_in

    found = tables_in(data_dir())
    for problem in found.problems:
        print(f"warning: {problem}", file=sys.stderr)
    if not service_is_named():
        return found
    from vmkops.commands._of_service import with_imported

    return with_imported(command, found)


def failed(failure: NotFound | Unreadable, as_json: bool = False) -> int:
    """Print why a lookup failed and what to type instead, as an RFC 9457 problem if asked; return the exit status."""
    if as_json:
        missing = isinstance(failure, NotFound)
        print_json(
            {
                "type": "about:blank",
                "title": "Not found" if missing else "Bad request",
                "status": 404 if missing else 400,
                "detail": failure.message,
                "suggestions": failure.suggestions,
            }
        )
        return NOT_FOUND
    print(failure.message, file=sys.stderr)
    if isinstance(failure, NotFound) and failure.suggestions:
        print(f"Did you mean: {', '.join(failure.suggestions)}", file=sys.stderr)
    return NOT_FOUND


def print_json(value: object) -> None:
    """Print a value as JSON on standard output, as `json.dumps(value, indent=2)` does.

    The module json imports re, which takes a quarter of the time of a lookup.
    """
    print(_as_json(value, "\n"))


def _as_json(value: object, start: str) -> str:
    """The value as JSON; `start` is a line feed and the indentation of the line where it begins."""
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return repr(value)
    inner = f"{start}  "
    if isinstance(value, dict):
        items = (f"{encode_basestring_ascii(key)}: {_as_json(each, inner)}" for key, each in value.items())
        return f"{{{inner}{f',{inner}'.join(items)}{start}}}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{inner}{f',{inner}'.join(_as_json(each, inner) for each in value)}{start}]" if value else "[]"
    raise TypeError(f"{type(value).__name__} is not JSON")
