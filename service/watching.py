"""Actions and jobs in the terminal: checking, starting, watching with a progress bar, listing; all over HTTP."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from service.api.client import Job, JobState, Progress, ServiceClient, ServiceError, StepState

DEFAULT_URL = "http://127.0.0.1:8080"


def client(environ: Mapping[str, str] = os.environ) -> ServiceClient:
    """The client for VMKOPS_SERVICE_URL with VMKOPS_TOKEN (or the file that VMKOPS_TOKEN_FILE names)."""
    token = environ.get("VMKOPS_TOKEN")
    if not token and (path := environ.get("VMKOPS_TOKEN_FILE")):
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  # a path from a person
            token = file.read().strip()
    return ServiceClient(environ.get("VMKOPS_SERVICE_URL") or DEFAULT_URL, token or None)


async def start_and_watch(
    action: str, target: str | None, params: Mapping[str, str], *, wait: bool, as_json: bool
) -> int:
    """Start an action and watch its job. Exit 0 when it ended well (or was only started), 1 otherwise."""
    async with client() as service:
        try:
            job = await service.act(action, await _with_target(service, action, target, params))
            print(f"job {job.id}: {job.action} of {job.target}", file=sys.stderr)
            if not wait:
                print(job.model_dump_json() if as_json else job.id)
                return 0
            return _ended(await _watch(service, job.id), as_json)
        except ServiceError as error:
            return refused(error)


async def check_only(action: str, target: str | None, params: Mapping[str, str], *, as_json: bool) -> int:
    """Say what an action would do and what speaks against it, touching nothing. Exit 0 when it may, 1 otherwise."""
    async with client() as service:
        try:
            preview = await service.check(action, await _with_target(service, action, target, params))
        except ServiceError as error:
            return refused(error)
    if as_json:
        print(preview.model_dump_json())
    else:
        print(f"{preview.action} of {preview.target}: {'may go ahead' if preview.allowed else 'is refused'}")
        for check in preview.checks:
            print(f"{check.severity:<6}  {check.message}")
        print(f"steps   {', '.join(preview.steps)}")
    return 0 if preview.allowed else 1


async def show_actions(*, as_json: bool) -> int:
    """List the host actions with their parameters."""
    async with client() as service:
        try:
            found = await service.get("/actions")
        except ServiceError as error:
            return refused(error)
    if as_json:
        print(json.dumps(found))
        return 0
    for action in found["actions"]:
        print(f"{action['name']}: {action['summary']}")
        needed = action["parameters"].get("required", [])
        for name, schema in action["parameters"].get("properties", {}).items():
            mark = (
                ""
                if name in needed
                else f" [{schema['default']}]"
                if schema.get("default") not in (None, "")
                else " []"
            )
            print(f"    {name}{mark}: {schema.get('description', '')}")
    return 0


async def _with_target(
    service: ServiceClient, action: str, target: str | None, params: Mapping[str, str]
) -> dict[str, Any]:
    """The parameters with the target under the name of the action's first one."""
    if target is None:
        return dict(params)
    listed = (await service.get("/actions"))["actions"]
    schema: dict[str, Any] = next((each["parameters"] for each in listed if each["name"] == action), {})
    first = next(iter(schema.get("properties", {})), "target")
    return {first: target, **params}


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
            return refused(error)


async def _watch(service: ServiceClient, job_id: str) -> Job:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"))
    shown: dict[str, StepState] = {}
    last: Job | None = None
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("queued", total=None, amount="")
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
                now = last.progress
                bar.update(task, completed=now.done, total=now.total, amount=amount(now))
    assert last is not None
    return last


def amount(now: Progress) -> str:
    """How far a job is, as it stands beside the bar: `1.8 GB of 4.2 GB, 85.2 MB/s, 28 s left`, or `42 %`."""
    if now.unit == "bytes":
        parts = [decimal(now.done) + (f" of {decimal(now.total)}" if now.total else "")]
        parts += [f"{decimal(int(now.rate))}/s"] if now.rate else []
    else:
        parts = [f"{now.percent:.0f} %" if now.percent is not None else f"{now.done} {now.unit}"]
    parts += [f"{now.eta_seconds:.0f} s left"] if now.eta_seconds is not None else []
    return ", ".join(parts)


def _ended(job: Job, as_json: bool) -> int:
    if as_json:
        print(job.model_dump_json())
    else:
        print(f"{job.action} of {job.target}: {job.state}")
        if job.error:
            print(job.error.detail, file=sys.stderr)
        if job.result and job.result.get("package"):
            print(f"{job.result['package']} ({job.result['size']} bytes, {job.result['consistency']})")
        elif job.result:
            for name, value in job.result.items():
                print(f"{name.replace('_', ' ')}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return 1 if job.state in {JobState.FAILED, JobState.CANCELLED, JobState.PARTIAL} else 0


def refused(error: ServiceError) -> int:
    """Say why the service refused, and what to do. Exit 1."""
    lines = [
        f"vmkops: {error.problem.detail or error.problem.title}",
        *(f"  {each}" for each in error.problem.suggestions),
    ]
    print("\n".join(lines), file=sys.stderr)
    return 1
