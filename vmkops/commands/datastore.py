"""`vmkops datastore`: a datastore of the live inventory, or all of them."""

from __future__ import annotations

from collections.abc import Sequence

from vmkops.commands import SERVICE

SUMMARY = "show how full a datastore is, or list all"
GROUP = SERVICE

NAME = "a name, or name: or moref: and the value; without it all are listed"


def run(argv: Sequence[str]) -> int:
    """Print one or all; raises ServiceError when the service does not answer or does not find it."""
    from vmkops.commands._inventory import run_lookup

    return run_lookup(argv, command="datastore", summary=SUMMARY, path="/datastores/{}", what=NAME)
