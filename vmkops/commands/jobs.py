"""`vmkops jobs`: the jobs of the service."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence

from vmkops.commands import SERVICE

SUMMARY = "list jobs, or show, watch or cancel one"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = argparse.ArgumentParser(prog="vmkops jobs", description=SUMMARY)
    made.add_argument("id", nargs="?", metavar="ID", help="the job to show; without it all are listed, newest first")
    made.add_argument("--watch", action="store_true", help="follow the job until it has ended")
    made.add_argument("--cancel", action="store_true", help="ask the job to stop and clean up")
    made.add_argument("--json", action="store_true", help="print the fields of the HTTP API")
    return made


def run(argv: Sequence[str]) -> int:
    """List jobs, or show, watch or cancel one; 1 when that one failed, was cancelled or is only partly done."""
    options = parser().parse_args(argv)
    if options.id is None and (options.cancel or options.watch):
        parser().error(f"name the job: vmkops jobs ID {'--cancel' if options.cancel else '--watch'}")
    if options.id is None:
        return asyncio.run(_list(as_json=options.json))
    if options.cancel:
        return asyncio.run(_cancel(options.id))
    return asyncio.run(_show(options.id, follow=options.watch, as_json=options.json))


async def _list(*, as_json: bool) -> int:
    from vmkops.commands._console import client

    async with client() as service:
        jobs = await service.jobs()
    if as_json:
        print(json.dumps([job.model_dump(mode="json") for job in jobs]))
        return 0
    for job in jobs:
        print(f"{job.id}  {job.state:<10} {job.action} {job.target}  {job.created_at[:19]}")
    return 0


async def _cancel(job_id: str) -> int:
    from vmkops.commands._console import client, watch

    async with client() as service:
        await service.cancel(job_id)
        job = await watch(service, job_id)
    print(f"job {job.id} {job.state}")
    return 0


async def _show(job_id: str, *, follow: bool, as_json: bool) -> int:
    from vmkops.commands._console import client, print_job, watch

    async with client() as service:
        job = await watch(service, job_id) if follow else await service.job(job_id)
    return print_job(job, as_json=as_json)
