"""What the commands of the live inventory share: ask the service, and print what it answers."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from urllib.parse import quote


def run_lookup(argv: Sequence[str], *, command: str, summary: str, path: str, what: str) -> int:
    """Run `vmkops COMMAND NAME`: print the object at `path`, whose `{}` becomes the name; or all at its parent.

    `what` is the help of NAME. Raises ServiceError when the service does not answer or there is no such object.
    """
    parser = argparse.ArgumentParser(prog=f"vmkops {command}", description=summary)
    parser.add_argument("name", nargs="?", metavar="NAME", help=what)
    parser.add_argument("--json", action="store_true", help="print the fields of the HTTP API")
    options = parser.parse_args(argv)
    asked = path.format(quote(options.name, safe="")) if options.name else path.rpartition("/")[0]
    return asyncio.run(print_answer(asked, {}, as_json=options.json))


async def print_answer(path: str, query: dict[str, str], *, as_json: bool) -> int:
    """Print the answer of GET `path` as text or as JSON, and return 0."""
    from vmkops.commands._console import client

    async with client() as service:
        if as_json:
            print(json.dumps(await service.get(path, **query)))
        else:
            print(await service.get_text(path, **query), end="")
    return 0
