"""How a command says that it was typed wrongly: in one line, with the mend; or with its subcommands when none is."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from vmkops.commands import EXIT_WRONG_USAGE


def wrong_usage(program: str, mistake: str) -> int:
    """Print what is wrong on standard error, and where the right usage is; return the exit status.

    `program` is `vmkops` and the words of the command, such as `vmkops iscsi build`.
    """
    ended = mistake if mistake.endswith((".", "?", "!")) else f"{mistake}."
    print(f"{program}: {ended} See {program} --help.", file=sys.stderr)
    return EXIT_WRONG_USAGE


def subcommand_missing(program: str, subcommands: Mapping[str, str]) -> int:
    """Print the subcommands of a command on standard error, with what each does; return the exit status."""
    width = max(map(len, subcommands))
    print(f"{program}: choose a command:", file=sys.stderr)
    for name, summary in subcommands.items():
        print(f"  {program} {name:<{width}}  {summary}".rstrip(), file=sys.stderr)
    print(f"See {program} COMMAND --help.", file=sys.stderr)
    return EXIT_WRONG_USAGE
