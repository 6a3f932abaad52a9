"""`vmkops logout`: forgets the token that `vmkops login` kept."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from vmkops.commands import EXIT_DONE, SERVICE
from vmkops.commands._parser import Parser

SUMMARY = "forget the token that login kept for a service"
GROUP = SERVICE
EPILOG = "The token itself goes on to be valid; `vmkops token` ends it. VMKOPS_PROFILE chooses another service."


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return Parser(prog="vmkops logout", description=SUMMARY, epilog=EPILOG)


def run(argv: Sequence[str]) -> int:
    """Remove the file; 0 also when there is none. Raises SettingError."""
    parser().parse_args(argv)
    from vmkops.commands._logins import forget_login
    from vmkops.commands._service import chosen

    url = chosen().url
    if forget_login(url):
        print(f"The token for {url} is no longer kept here.")
    else:
        print(f"No token for {url} is kept here.", file=sys.stderr)
    return EXIT_DONE
