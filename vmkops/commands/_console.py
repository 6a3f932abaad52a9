"""Host actions and jobs on a terminal, over HTTP: what `action`, `backup` and `jobs` share."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from service.api.client import ActionClass, ActionPreview, Job, JobState, Progress, ServiceClient, StepState
from service.api.typed_settings import ClientSettings
from vmkops.commands._ask import ask_first, print_preview


def client() -> ServiceClient:
    """The client for VMKOPS_SERVICE_URL with VMKOPS_TOKEN; raises SettingError."""
    settings = ClientSettings.read()
    return ServiceClient(settings.service_url, settings.token, ca_file=settings.service_ca_file)


def carry_out(options: argparse.Namespace, action: str, target: str | None, params: Mapping[str, str]) -> int:
    """Check or start an action, as the options of `add_job_options` say. Exit 0 when it may go ahead or ended well.

    `target` goes to the first parameter of the action. An action that can do harm waits for a yes, unless the option
    `--yes` is given; exit 1 without the yes, and 2 without a terminal. Raises ServiceError when the service refuses.
    """
    request = asyncio.run(_read(action, target, params))
    if options.dry_run:
        return print_preview(asyncio.run(_check(request)), as_json=options.json)
    if request.may_ask and not getattr(options, "yes", False):
        # The question is outside of the event loop, so that Ctrl-C ends it.
        status, typed = ask_first(lambda more: asyncio.run(_check(request.with_params(more))))
        if status != 0:
            return status
        request = request.with_params(typed)
    return asyncio.run(_start(request, wait=not options.no_wait, as_json=options.json))


async def watch(service: ServiceClient, job_id: str) -> Job:
    """Follow a job to its end, with its steps on standard error and a progress bar when that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"))
    shown: dict[str, tuple[StepState, str]] = {}
    last: Job | None = None
    with Bar(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("queued", total=None, amount="")
        async for last in service.follow(job_id):
            for step in last.steps:
                now_shown = step.state, step.detail if step.state is StepState.RUNNING else ""
                if now_shown != shown.get(step.name) and step.state is not StepState.PENDING:
                    shown[step.name] = now_shown
                    detail = f": {step.detail}" if step.detail else ""
                    console.print(f"{step.state:<10} {step.name}{detail}", soft_wrap=True)
                if step.state is StepState.RUNNING:
                    bar.update(task, description=step.name)
            if last.progress:
                now = last.progress
                bar.update(task, completed=now.done, total=now.total, amount=amount(now))
    assert last is not None
    return last


def amount(now: Progress) -> str:
    """How far a job is, as the bar shows it: `1.8 GB of 4.2 GB, 85.2 MB/s, 28 s left`, or `42 %`."""
    if now.unit == "bytes":
        parts = [decimal(now.done) + (f" of {decimal(now.total)}" if now.total else "")]
        parts += [f"{decimal(int(now.rate))}/s"] if now.rate else []
    else:
        parts = [f"{now.percent:.0f} %" if now.percent is not None else f"{now.done} {now.unit}"]
    parts += [f"{now.eta_seconds:.0f} s left"] if now.eta_seconds is not None else []
    parts += [f"snapshot {decimal(now.delta)}"] if now.delta else []
    return ", ".join(parts)


def print_job(job: Job, *, as_json: bool) -> int:
    """Print a job with its result or its error. Exit 1 when it failed, was cancelled or is only partly done."""
    if as_json:
        print(job.model_dump_json())
    else:
        print(f"{job.action} of {job.target}: {job.state}")
        if job.error:
            print(job.error.detail, file=sys.stderr)
        for note in job.notes:
            print(f"Later: {note}", file=sys.stderr)
        if job.result and job.result.get("package"):
            print(f"{job.result['package']} ({job.result['size']} bytes, {job.result['consistency']})")
        elif job.result:
            for name, value in job.result.items():
                print(f"{name.replace('_', ' ')}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return 1 if job.state in {JobState.FAILED, JobState.CANCELLED, JobState.PARTIAL} else 0


class _Request(NamedTuple):
    """The action, its parameters, and how much harm it can do."""

    action: str
    params: dict[str, Any]
    action_class: ActionClass
    depends: bool
    """Whether the class depends on the parameters, so that the dry run tells it."""

    @property
    def may_ask(self) -> bool:
        """Whether the action may need a yes."""
        return self.action_class.asks_first or self.depends

    def with_params(self, more: Mapping[str, str]) -> _Request:
        """The same with further parameters."""
        return self._replace(params={**self.params, **more})


async def _read(action: str, target: str | None, params: Mapping[str, str]) -> _Request:
    """The request, with the target under the name of the action's first parameter.

    The service refuses an action that it does not list, when it is checked or started.
    """
    async with client() as service:
        listed = (await service.get("/actions"))["actions"]
    found: dict[str, Any] = next((each for each in listed if each["name"] == action), {})
    first = next(iter(found.get("parameters", {}).get("properties", {})), "target")
    given = {first: target, **params} if target is not None else dict(params)
    action_class = ActionClass(found.get("class", ActionClass.DESTRUCTIVE))
    hint = found.get("type_again")
    if hint and given.get(hint["when"]):
        action_class = ActionClass.DESTRUCTIVE
    return _Request(action, given, action_class, bool(found.get("may_ask")))


async def _start(request: _Request, *, wait: bool, as_json: bool) -> int:
    async with client() as service:
        job = await service.act(request.action, request.params)
        print(f"job {job.id}: {job.action} of {job.target}", file=sys.stderr)
        if not wait:
            print(job.model_dump_json() if as_json else job.id)
            return 0
        return print_job(await watch(service, job.id), as_json=as_json)


async def _check(request: _Request) -> ActionPreview:
    async with client() as service:
        return await service.check(request.action, request.params)
