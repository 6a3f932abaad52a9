"""`vmkops token`: creates a token for the HTTP API in the database of this installation."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vmkops.commands import SERVICE
from vmkops.commands._errors import CANNOT_START
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
    words = "make the data directory for a service that is not started yet; otherwise it must be there"
    create.add_argument("--init", action="store_true", help=words)
    return made


def run(argv: Sequence[str]) -> int:
    """Run `vmkops token create NAME --scope S`, which prints the token and nothing else."""
    options = parser().parse_args(argv)

    from service.api.settings import read_settings
    from service.store.database import has_database, open_database
    from service.store.tokens import Tokens

    settings = read_settings()
    if not options.init and not has_database(settings):
        return _explain(settings.data_dir)
    write_privately()
    engine = open_database(settings, make_dir=options.init)
    try:
        print(Tokens(engine, frozenset()).create(options.name, options.scope))
    finally:
        engine.dispose()
    return 0


def _explain(data_dir: Path) -> int:
    """Print that no service uses this data directory, so that it would not know the token, and what to do."""
    where = data_dir.absolute()
    what = "has no database of vmkops" if where.exists() else "does not exist"
    print(
        f"vmkops token: the data directory {where} {what}, so no service would know the token. Run this command with "
        "the VMKOPS_DATA_DIR of the service, in the folder where it runs. The first start of the service makes the "
        "directory; to make it before that, add --init.",
        file=sys.stderr,
    )
    return CANNOT_START
