"""`vmkops token`: creates a token for the HTTP API in the database of this installation."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._private import write_privately

SUMMARY = "create an API token"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = argparse.ArgumentParser(prog="vmkops token", description=SUMMARY)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    summary = "create a token and print it; it cannot be shown again"
    create = commands.add_parser("create", help=summary, description=summary)
    create.add_argument("name", metavar="NAME", help="the program or person that uses it")
    create.add_argument("--scope", required=True, help="read, operate, approve or admin")
    return made


def run(argv: Sequence[str]) -> int:
    """Run `vmkops token create NAME --scope S`, which prints the token and nothing else."""
    options = parser().parse_args(argv)

    from service.api.settings import read_settings
    from service.store.database import open_database
    from service.store.tokens import Tokens

    write_privately()
    engine = open_database(read_settings())
    try:
        print(Tokens(engine, frozenset()).create(options.name, options.scope))
    finally:
        engine.dispose()
    return 0
