"""A command with several subcommands, read with argparse."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from vmkops.commands._parser import Parser

Handler = Callable[[argparse.Namespace], int]


class Subcommands:
    """Collects the subcommands of `vmkops NAME`, each with --json, and runs the one that was typed."""

    def __init__(self, name: str, summary: str, examples: str) -> None:
        self.parser: argparse.ArgumentParser = Parser(
            prog=f"vmkops {name}",
            description=summary,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._commands = self.parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(self, name: str, handler: Handler, summary: str, *, json: bool = True) -> argparse.ArgumentParser:
        """Add a subcommand, with --json unless it brings its own; add its arguments to the returned parser."""
        command = self._commands.add_parser(name, help=summary, description=summary)
        if json:
            command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(handler=handler)
        return command

    @property
    def names(self) -> list[str]:
        """The names of the subcommands."""
        return list(self._commands.choices or ())

    def run(self, argv: Sequence[str]) -> int:
        """Run what was typed and return its exit status; 2 for wrong usage."""
        try:
            options = self.parser.parse_args(list(argv))
        except SystemExit as stop:
            return int(stop.code or 0)
        handler: Handler = options.handler
        return handler(options)
