"""The console command ``vmkops``: finds who answers a subcommand, and reads only that part of the program.

Offline lookups (``knowledge/commands``) start in a few milliseconds; the service, its clients and the bot are read
when they are asked for.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from vmkops.commands import _lookup as lookups

USAGE = "usage: vmkops COMMAND [...]\n       vmkops --help | --version"

SERVICE_COMMANDS = {
    "serve": "start the HTTP service, the jobs, and the Slack bot if it is configured",
    "worker": "run jobs for a service on another machine",
    "backup": "back up a VM and follow the job",
    "backups": "list the kept backups, show one, or name the VMs that lack a fresh one",
    "action": "start any host action and follow the job, or only check it (--dry-run)",
    "actions": "list the host actions and their parameters",
    "jobs": "list, follow, cancel, approve and reject jobs",
    "token": "create and revoke API tokens",
    "doctor": "check every setting and connection and say what to do",
}
BOT_COMMANDS = {"bot": "start the Slack bot alone"}

START_OBJECTS = 50_000
"""How many new objects make the interpreter look for garbage; its own 700 would have it look all through the start."""

INTERRUPTED = 130
"""128 + SIGINT, what shells expect of a command stopped with Ctrl-C."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one ``vmkops`` command line and give its exit status: 0 good, 1 not found or failed, 2 wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        status = _run(words)
        sys.stdout.flush()
        gc.freeze()  # the end is faster when it does not look for garbage once more
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return lookups.FOUND
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _run(words: list[str]) -> int:
    if words[:1] in (["--help"], ["-h"]):
        print(_help())
        return 0
    if words[:1] == ["--version"]:
        from importlib.metadata import version

        print(f"vmkops {version('vmkops')}")
        return 0
    if words and words[0] in lookups.names():
        return lookups.run(words[0], words[1:])
    gc.set_threshold(START_OBJECTS)
    if words[:1] == ["serve"]:
        from vmkops.serve import main as serve_main

        return serve_main(words[1:])
    if words and words[0] in SERVICE_COMMANDS:
        from service.cli import main as service_main

        return service_main(words)
    if words and words[0] in BOT_COMMANDS:
        from bot.__main__ import main as bot_main

        return bot_main(words[1:])
    return _wrong_usage(words)


def _help() -> str:
    parts = [USAGE]
    for title, commands in (
        ("Offline lookups", {name: lookups.summary(name) for name in lookups.names()}),
        ("The service", SERVICE_COMMANDS),
        ("Slack", BOT_COMMANDS),
    ):
        parts.append(f"{title}:")
        parts.extend(f"  {name:<10} {summary}" for name, summary in commands.items())
    parts.append(
        "vmkops COMMAND --help tells more. Exit status: 0 found or done, 1 not found or failed, 2 wrong usage."
    )
    return "\n".join(parts)


def _wrong_usage(words: list[str]) -> int:
    if words:
        print(f"vmkops: there is no command {words[0][:40]!a}", file=sys.stderr)
    print(USAGE, file=sys.stderr)
    known = [*lookups.names(), *SERVICE_COMMANDS, *BOT_COMMANDS]
    print(f"commands: {', '.join(known)}", file=sys.stderr)
    return lookups.WRONG_USAGE


if __name__ == "__main__":
    sys.exit(main())
