"""What the commands of the live inventory share: ask the service, and print what it answers."""

from __future__ import annotations

import argparse
import asyncio
import json
from urllib.parse import quote


def lookup_parser(command: str, summary: str, what: str) -> argparse.ArgumentParser:
    """The arguments of `vmkops COMMAND [NAME]`; `what` is the help of NAME."""
    made = argparse.ArgumentParser(prog=f"vmkops {command}", description=summary)
    made.add_argument("name", nargs="?", metavar="NAME", help=what)
    made.add_argument("--json", action="store_true", help="print the fields of the HTTP API")
    return made


def run_lookup(options: argparse.Namespace, path: str) -> int:
    """Print the object at `path`, whose `{}` becomes the name in `options`; without a name, all at the path's parent.

    Raises ServiceError when the service does not answer or there is no such object.
    """
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
