"""The console command `vmkops`: finds the module of a command and imports only that part of the program."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from vmkops import commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

USAGE = "usage: vmkops COMMAND [...]\n       vmkops --help | --version"

GLOBAL = ("--help", "--version", "--service", "--local", "--color", "--no-pager")
"""The options that may stand before the command."""

START_OBJECTS = 50_000
"""New objects before the interpreter looks for garbage; with its default of 700 it would look all through the start."""

DONE, WRONG_USAGE, INTERRUPTED = commands.EXIT_DONE, commands.EXIT_WRONG_USAGE, commands.EXIT_INTERRUPTED


def main(argv: Sequence[str] | None = None) -> int:
    """Run one `vmkops` command line and return its exit status, one of those in `vmkops.commands`."""
    words = list(sys.argv[1:] if argv is None else argv)
    gc.set_threshold(START_OBJECTS)
    try:
        status = _run(words)
        sys.stdout.flush()
        gc.freeze()  # without one more look for garbage the process ends faster
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        from vmkops.commands._errors import report

        return report(words[0] if words else "", error)
    return status


def _run(words: list[str]) -> int:
    if words and words[0].startswith("--"):
        from vmkops.commands._general import take_leading

        if mistake := take_leading(words):
            from vmkops.commands._misuse import wrong_usage

            return wrong_usage("vmkops", mistake)
    if words[:1] in (["--help"], ["-h"]):
        print(_help())
        return DONE
    if words[:1] == ["--version"]:
        from importlib.metadata import version

        print(f"vmkops {version('vmkops')}")
        return DONE
    if not words or words[0] not in commands.names():
        return _wrong_usage(words)
    command = import_module(f"vmkops.commands.{words[0]}")
    if command.GROUP == commands.SERVICE or _has_general(command, words):
        from vmkops.commands._general import take_all

        if mistake := take_all(words):
            from vmkops.commands._misuse import wrong_usage

            return wrong_usage(f"vmkops {words[0]}", mistake)
    run = command.run
    if words[1:] not in (["--help"], ["-h"]):
        return int(run(words[1:]))
    try:
        return int(run(words[1:]))
    finally:
        _print_procedures(words[0])


def _has_general(command: ModuleType, words: list[str]) -> bool:
    """Whether there may be a general option after a lookup that can use a service."""
    return getattr(command, "USES_SERVICE", False) and any(word.startswith(GLOBAL[2:]) for word in words)


def _print_procedures(command: str) -> None:
    """Print, below the help of a command, how to read the procedures about it."""
    from knowledge.procedure_store.entry_points import procedures_of_command

    if slugs := procedures_of_command(command):
        print("\nProcedures (vmkops kb show NAME): " + ", ".join(slugs))


def _help() -> str:
    """The usage, and below it every command with its summary, under the heading of its group."""
    headings: dict[str, list[str]] = {group: [] for group in commands.GROUPS}
    for name in commands.names():
        module = import_module(f"vmkops.commands.{name}")
        headings.setdefault(module.GROUP, []).append(f"  {name:<10} {module.SUMMARY}")
    parts = [USAGE, *(line for group, lines in headings.items() for line in (f"{group}:", *lines))]
    from vmkops.commands._general import HELP

    parts.append(f"{HELP}\nSee vmkops COMMAND --help. {commands.EXITS}")
    return "\n".join(parts)


def _wrong_usage(words: list[str]) -> int:
    if not words:
        print(_help(), file=sys.stderr)
        return WRONG_USAGE
    from vmkops.commands._near import did_you_mean, shown

    if words[0].startswith("-"):
        mistake = f"there is no option {shown(words[0])}.{did_you_mean(words[0], GLOBAL)}"
    else:
        from vmkops.commands._misplaced import what_was_meant

        mistake = f"there is no command {shown(words[0])}.{what_was_meant(words)}"
    print(f"vmkops: {mistake} vmkops --help lists the commands.", file=sys.stderr)
    return WRONG_USAGE


if __name__ == "__main__":
    sys.exit(main())
