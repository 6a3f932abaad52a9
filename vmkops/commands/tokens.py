"""`vmkops tokens`: the tokens for the HTTP API, in the database of this installation."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from vmkops.commands import EXIT_DONE, EXIT_FAILED, SERVICE
from vmkops.commands._private import write_privately

SUMMARY = "list the API tokens, or show one"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = argparse.ArgumentParser(
        prog="vmkops tokens",
        description=SUMMARY,
        epilog="It reads the data directory of the service. `vmkops token` makes, changes and ends tokens.",
    )
    made.add_argument("one", nargs="?", metavar="NAME", help="the name of a token; without it all are listed")
    made.add_argument("--name", metavar="WORDS", default="", help="only those with these words in the name")
    made.add_argument("--scope", metavar="SCOPE", default="", help="only those with this scope")
    made.add_argument("--json", action="store_true", help="print all fields")
    return made


def run(argv: Sequence[str]) -> int:
    """Print one token or the list; 1 when there is no such token. Raises StartError without a database."""
    from vmkops.commands.token import print_tokens, stored_tokens

    options = parser().parse_args(argv)
    write_privately()
    every = stored_tokens()
    if options.one is None:
        wanted = options.name.lower()
        found = [each for each in every if wanted in each.name.lower() and options.scope in ("", each.scope)]
        print_tokens(found, as_json=options.json)
        return EXIT_DONE
    found = [each for each in every if each.name == options.one]
    found = found or [each for each in every if each.name.startswith(options.one)]
    if len(found) == 1:
        print_tokens(found, as_json=options.json)
        return EXIT_DONE
    what = "Several tokens have a name that begins with" if found else "There is no token"
    print(f"vmkops tokens: {what} {options.one[:100]!r}.", file=sys.stderr)
    print("".join(f"  {each.name}\n" for each in (found or every)[:5]), end="", file=sys.stderr)
    return EXIT_FAILED
