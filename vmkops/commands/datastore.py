"""`vmkops datastore`: the same as `vmkops datastores`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._kinds import DATASTORES
from vmkops.commands._lists import list_parser, run_list

SUMMARY = "show how full a datastore is, or list all, as datastores does"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return list_parser(
        DATASTORES,
        "datastore",
        SUMMARY,
        "a name, or name: or moref: and the value; prod/ before it means the one in the vCenter prod",
    )


def run(argv: Sequence[str]) -> int:
    """Print one or all; raises ServiceError when the service does not answer or does not find it."""
    return run_list(DATASTORES, parser(), argv)
