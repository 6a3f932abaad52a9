"""`vmkops jobs`: the jobs of the service."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vmkops.commands import EXIT_DONE, EXITS, SERVICE
from vmkops.commands._kinds import JOBS
from vmkops.commands._lists import add_list_options, print_list, query_of, without_list
from vmkops.commands._parser import Parser

if TYPE_CHECKING:
    from service.api.client import Job

SUMMARY = "list jobs, or show, watch or cancel one"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(prog="vmkops jobs", description=SUMMARY, epilog=EXITS)
    made.add_argument(
        "id",
        nargs="?",
        metavar="ID",
        help="the job to show, by its id or the beginning of it; without it all are listed, newest first",
    )
    made.add_argument("--cancel", action="store_true", help="ask the job to stop and clean up")
    under_way = made.add_mutually_exclusive_group()
    under_way.add_argument("--live", action="store_const", const="true", help="list only those under way")
    under_way.add_argument(
        "--ended", dest="live", action="store_const", const="false", help="list only those that have ended"
    )
    add_list_options(made, JOBS)
    return made


def run(argv: Sequence[str]) -> int:
    """List jobs, or show, watch or cancel one; 1 when that one failed, was cancelled or is only partly done."""
    import asyncio

    options = parser().parse_args(without_list(argv))
    if options.id is None:
        if options.cancel:
            parser().error("name the job: vmkops jobs ID --cancel")
        return print_list(replace(JOBS, fixed=(("live", options.live),)) if options.live else JOBS, options)
    if options.live or query_of(JOBS, options):
        parser().error("ID shows one job; filters are for the list")

    from vmkops.commands._follow import follow_to_end, print_job

    job = asyncio.run(_read(options.id, cancel=options.cancel))
    if options.cancel or options.watch:
        status = follow_to_end(job, patience=options.patience, as_json=options.json)
        return EXIT_DONE if options.cancel and status == 1 else status
    return print_job(job, as_json=options.json)


async def _read(job_id: str, *, cancel: bool) -> Job:
    from vmkops.commands._console import client

    async with client() as service:
        return await service.cancel(job_id) if cancel else await service.job(job_id)
