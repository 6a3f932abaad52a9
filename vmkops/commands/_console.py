"""Host actions on a terminal, over HTTP: what `action`, `backup` and `jobs` share."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from service.api.client import ActionClass, ActionPreview, Job, ServiceClient
from service.api.units import when
from vmkops.commands._ask import ask_first, print_preview, stopped_before
from vmkops.commands._color import painted
from vmkops.commands._errors import WrongUsage
from vmkops.commands._near import did_you_mean, shown
from vmkops.commands._service import chosen
from vmkops.commands._shown import for_people


def client() -> ServiceClient:
    """The client for the service that the settings or `--service` choose; raises SettingError."""
    service = chosen()
    return ServiceClient(service.url, service.token, ca_file=service.ca_file)


def carry_out(options: argparse.Namespace, action: str, target: str | None, params: Mapping[str, str]) -> int:
    """Check or start an action, as the options of `add_job_options` say. Exit 0 when it may go ahead or ended well.

    `target` goes to the first parameter of the action. An action that can do harm waits for a yes, unless the option
    `--yes` is given; exit 1 without the yes, and 2 without a terminal. Raises ServiceError when the service refuses.
    """
    request = asyncio.run(_read(action, target, params))
    named = [target] if target is not None else []
    typed = ["action", action, *named, *(f"{name}={value}" for name, value in params.items())]
    if options.dry_run:
        return print_preview(asyncio.run(_check(request)), as_json=options.json, typed=typed)
    seen = False
    if request.may_ask and not getattr(options, "yes", False):
        # The question is outside of the event loop, so that Ctrl-C ends it.
        with stopped_before("Nothing was started."):
            status, again = ask_first(lambda more: asyncio.run(_check(request.with_params(more))), typed)
        if status != 0:
            return status
        request, seen = request.with_params(again), not request.depends
    job = asyncio.run(_start(request))
    print_start(job, warnings=not seen)
    if options.no_wait:
        print(job.model_dump_json() if options.json else for_people(job.id))
        return 0
    from vmkops.commands._follow import follow_to_end

    return follow_to_end(job, patience=options.patience, as_json=options.json)


def print_start(job: Job, *, warnings: bool = True) -> None:
    """Print what the start of an action came to, and what the checks before it warned of, on standard error."""
    print(for_people(_start_words(job)), file=sys.stderr)
    for each in job.warnings if warnings else ():
        print(f"{painted('warn  ', sys.stderr)}  {for_people(each)}", file=sys.stderr)


def _start_words(job: Job) -> str:
    """What the start of an action came to: a new job, or the one that was there."""
    if not job.joined:
        return f"job {job.id}: {job.action} of {job.target}"
    return (
        f"Nothing was started: job {job.id}, which {job.requester} asked for at {when(job.created_at, None)}, does the "
        f"{job.action} of {job.target} already."
    )


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

    Raises WrongUsage for an action or a parameter that the service does not list.
    """
    async with client() as service:
        listed = (await service.get("/actions"))["actions"]
    found: dict[str, Any] | None = next((each for each in listed if each["name"] == action), None)
    if found is None:
        near = did_you_mean(action, [each["name"] for each in listed])
        raise WrongUsage(f"there is no action {shown(action)}.{near} `vmkops actions` lists the actions.")
    first = next(iter(found.get("parameters", {}).get("properties", {})), "target")
    given = {first: target, **params} if target is not None else dict(params)
    takes = found["parameters"].get("properties", {})
    for name in params:
        if name not in takes:
            lists = f"it takes: {', '.join(takes)}" if takes else "it takes none"
            near = did_you_mean(name, takes)
            more = f" Explained by: vmkops action {action} --help" if takes else ""
            raise WrongUsage(f"{action} has no parameter {shown(name)}; {lists}.{near}{more}")
    action_class = ActionClass(found.get("class", ActionClass.DESTRUCTIVE))
    hint = found.get("type_again")
    if hint and given.get(hint["when"]):
        action_class = ActionClass.DESTRUCTIVE
    return _Request(action, given, action_class, bool(found.get("may_ask")))


async def _start(request: _Request) -> Job:
    async with client() as service:
        return await service.act(request.action, request.params)


async def _check(request: _Request) -> ActionPreview:
    async with client() as service:
        return await service.check(request.action, request.params)
