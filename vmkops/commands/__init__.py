"""The command line: one module for each command, `vmkops/commands/NAME.py`, found by its name.

There is no list of commands. Such a module has

- `SUMMARY`: what the command does, in one line, for `vmkops --help` and for its own help,
- `GROUP`: the heading for it in `vmkops --help`, one of `GROUPS`,
- `USES_SERVICE = True` for a lookup that also uses the tables or pages of a service that somebody named,
- `parser()`: its arguments as an argparse parser, from which the man page, the completion of shells and
  docs/commands.md are made, and
- `run(argv) -> int`: runs the command with the words after its name and returns the exit status, one of those below.
  Wrong usage prints the usage on standard error and exits with 2, as argparse does. StartError ends the command with
  its message and status 2, ServiceAway with status 3, any other VmkopsError and ServiceError with status 1.

Modules whose name begins with `_` are not commands. `vmkops --help` imports every module, so import what takes long,
such as pydantic or aiohttp, inside `run`.
"""

from __future__ import annotations

import os

EXIT_DONE = 0
"""Found, valid or done; also for an empty list."""
EXIT_FAILED = 1
"""Not found, invalid, refused or failed."""
EXIT_WRONG_USAGE = 2
"""Wrong usage, or a setting keeps the command from starting."""
EXIT_AWAY = 3
"""The service does not answer."""
EXIT_INTERRUPTED = 130
"""Stopped with Ctrl-C: 128 + SIGINT, what shells expect."""
EXITS = (
    "Exit status: 0 found or done, 1 not found or failed, 2 wrong usage, 3 the service does not answer, 130 stopped "
    "with Ctrl-C."
)

OFFLINE = "Offline lookups"
SERVICE = "The service"
SLACK = "Slack"
GROUPS = (OFFLINE, SERVICE, SLACK)
"""The headings of `vmkops --help` in their order."""


def names() -> list[str]:
    """The names of all commands in alphabetical order."""
    found = []
    for folder in __path__:
        with os.scandir(folder) as files:
            found += [file.name.removesuffix(".py") for file in files if file.name.endswith(".py")]
    return sorted(name for name in set(found) if not name.startswith("_"))
