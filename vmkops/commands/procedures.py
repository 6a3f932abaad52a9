"""`vmkops procedures`: the procedures that the service has, also those of the team."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from vmkops.commands import EXIT_DONE, SERVICE
from vmkops.commands._kinds import PROCEDURES
from vmkops.commands._lists import list_parser, print_one_or_list, query_of, without_list

SUMMARY = "list the procedures of the service, or show one"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return list_parser(PROCEDURES, "procedures", SUMMARY, "the name of a procedure")


def run(argv: Sequence[str]) -> int:
    """Print one as `vmkops kb show` does, or all; raises ServiceError when the service does not answer or find it."""
    made = parser()
    options = made.parse_args(without_list(argv))
    if options.one is None or options.json or options.watch or query_of(PROCEDURES, options):
        return print_one_or_list(PROCEDURES, made, options)
    import asyncio

    from vmkops.commands._of_service import page_from
    from vmkops.commands.kb import print_page

    slug = options.one.removesuffix(".md")
    print_page(page_from(asyncio.run(_page(slug)), f"/procedures/{slug}"))
    return EXIT_DONE


async def _page(slug: str) -> dict[str, Any]:
    from vmkops.commands._console import client

    async with client() as service:
        return await service.get(f"/procedures/{quote(slug, safe='')}")
