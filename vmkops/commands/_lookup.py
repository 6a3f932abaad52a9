"""The offline lookups on a terminal: ``vmkops vmkerr``, ``vmkops decode`` and so on.

Each command is a module of its own, ``vmkops/commands/NAME.py``, found by its name and read only when it is
asked for; there is no list to edit. Such a module has

- ``SUMMARY``: what the command does, in one line for ``vmkops --help``, and
- ``run(argv) -> int``: does it, given the words after the command's name, and gives the exit status: ``FOUND`` when
  something was found or is valid, ``NOT_FOUND`` when not; wrong usage prints the usage on standard error and
  exits with ``WRONG_USAGE``, as argparse does by itself.

Answers go to standard output, with ``--json`` as JSON in the names of the HTTP API; everything else goes to standard
error. Modules whose name begins with ``_`` are no commands. Keep imports light: starting takes at most three times
as long as ``python -c pass`` (benchmarks/cold_start.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from knowledge.errors import NotFound, Unreadable
from vmkops import commands

FOUND = 0
NOT_FOUND = 1
WRONG_USAGE = 2


def names() -> list[str]:
    """Give the names of all offline lookups in alphabetical order."""
    with os.scandir(commands.__path__[0]) as files:
        modules = [file.name.removesuffix(".py") for file in files if file.name.endswith(".py")]
    return sorted(name for name in modules if not name.startswith("_"))


def run(name: str, argv: Sequence[str]) -> int:
    """Run the lookup of this name with the words after it and give its exit status."""
    return int(import_module(f"vmkops.commands.{name}").run(argv))


def summary(name: str) -> str:
    """Give what the lookup of this name does, in one line."""
    return str(import_module(f"vmkops.commands.{name}").SUMMARY)


def data_dir() -> str:
    """Give the folder of this installation's own data: ``VMKOPS_DATA_DIR``, or ``data`` where we stand."""
    return os.environ.get("VMKOPS_DATA_DIR") or "data"


def failed(failure: NotFound | Unreadable, as_json: bool = False) -> int:
    """Print why a lookup failed and what to type instead, as an RFC 9457 problem if asked; give the exit status."""
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
    """Print a value as JSON on standard output."""
    import json  # read only when asked for

    print(json.dumps(value, indent=2))
