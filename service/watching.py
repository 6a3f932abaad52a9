"""Jobs in the terminal: starting one, watching it with a progress bar, listing them; all over HTTP."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from service.client import Job, JobState, ServiceClient, ServiceError, StepState

DEFAULT_URL = "http://127.0.0.1:8080"


def client(environ: Mapping[str, str] = os.environ) -> ServiceClient:
    """The client for VMKOPS_SERVICE_URL with VMKOPS_TOKEN (or the file that VMKOPS_TOKEN_FILE names)."""
    token = environ.get("VMKOPS_TOKEN")
    if not token and (path := environ.get("VMKOPS_TOKEN_FILE")):
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  # a path from a person
            token = file.read().strip()
    return ServiceClient(environ.get("VMKOPS_SERVICE_URL") or DEFAULT_URL, token or None)


async def start_and_watch(action: str, params: dict[str, Any], *, wait: bool, as_json: bool) -> int:
    """Start an action and watch its job. Exit 0 when it ended well (or was only started), 1 otherwise."""
    async with client() as service:
        try:
            job = await service.act(action, params)
            print(f"job {job.id}: {job.action} of {job.target}", file=sys.stderr)
            if not wait:
                print(job.model_dump_json() if as_json else job.id)
                return 0
            return _ended(await _watch(service, job.id), as_json)
        except ServiceError as error:
            return _refused(error)


async def show_jobs(job_id: str | None, *, cancel: bool, watch: bool, as_json: bool) -> int:
    """List jobs, or show, watch or cancel one."""
    async with client() as service:
        try:
            if job_id is None:
                jobs = await service.jobs()
                if as_json:
                    print(json.dumps([job.model_dump(mode="json") for job in jobs]))
                for job in [] if as_json else jobs:
                    print(f"{job.id}  {job.state:<10} {job.action} {job.target}  {job.created_at[:19]}")
                return 0
            if cancel:
                await service.cancel(job_id)
            job = await _watch(service, job_id) if watch or cancel else await service.job(job_id)
            if cancel:
                print(f"job {job.id} {job.state}")
                return 0
            return _ended(job, as_json)
        except ServiceError as error:
            return _refused(error)


async def _watch(service: ServiceClient, job_id: str) -> Job:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    shown: dict[str, StepState] = {}
    last: Job | None = None
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("queued", total=None)
        async for last in service.follow(job_id):
            for step in last.steps:
                if step.state is not shown.get(step.name) and step.state is not StepState.PENDING:
                    shown[step.name] = step.state
                    console.print(
                        f"{step.state:<10} {step.name}" + (f": {step.detail}" if step.detail else ""), soft_wrap=True
                    )
                if step.state is StepState.RUNNING:
                    bar.update(task, description=step.name)
            if last.progress:
                bar.update(task, completed=last.progress.done, total=last.progress.total)
    assert last is not None
    return last


def _ended(job: Job, as_json: bool) -> int:
    if as_json:
        print(job.model_dump_json())
    else:
        print(f"{job.action} of {job.target}: {job.state}")
        if job.error:
            print(job.error.detail, file=sys.stderr)
        if job.result and job.result.get("package"):
            print(f"{job.result['package']} ({job.result['size']} bytes, {job.result['consistency']})")
    return 1 if job.state in {JobState.FAILED, JobState.CANCELLED, JobState.PARTIAL} else 0


def _refused(error: ServiceError) -> int:
    lines = [
        f"vmkops: {error.problem.detail or error.problem.title}",
        *(f"  {each}" for each in error.problem.suggestions),
    ]
    print("\n".join(lines), file=sys.stderr)
    return 1
