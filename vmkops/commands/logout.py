"""`vmkops logout`: forgets the token that `vmkops login` kept."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from vmkops.commands import EXIT_DONE, SERVICE
from vmkops.commands._general import choose
from vmkops.commands._parser import Parser

SUMMARY = "forget the token that login kept for a service"
GROUP = SERVICE
EPILOG = (
    "The token itself goes on to be valid; `vmkops token` ends it. Without SERVICE, VMKOPS_PROFILE or "
    "VMKOPS_SERVICE_URL chooses it."
)


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(prog="vmkops logout", description=SUMMARY, epilog=EPILOG)
    made.add_argument("service", nargs="?", metavar="SERVICE", help="its URL, or the name of its table in vmkops.toml")
    return made


def run(argv: Sequence[str]) -> int:
    """Remove the file; 0 also when there is none. Raises SettingError."""
    options = parser().parse_args(argv)
    if options.service:
        choose(options.service)
    from vmkops.commands._logins import forget_login
    from vmkops.commands._service import chosen

    url = chosen().url
    if forget_login(url):
        print(f"The token for {url} is no longer kept here.")
    else:
        print(f"No token for {url} is kept here.", file=sys.stderr)
    return EXIT_DONE
