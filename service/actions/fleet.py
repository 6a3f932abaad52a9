"""Runs one action on each VM of a selection: a parent job that starts a job for each VM, a few at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from re import fullmatch
from typing import Any, cast

from pydantic import Field, ValidationError, field_validator

from knowledge.spelling import nearest_name
from service.actions._fleet_preview import (
    checks_of_vms,
    nothing_selected,
    refusal_of_vms,
    selection_checks,
    sentence,
)
from service.actions._fleet_run import Fleet, FleetVm, Moved
from service.actions._targeted import info, refuse
from service.api.mistakes import explain
from service.api.models import ActionClass, Check, JobState
from service.api.settings import Settings
from service.api.words import counted
from service.backups.chosen_files import read_paths
from service.backups.retention import Series, read_policy, series_of
from service.backups.window import read_window
from service.errors import Conflict, InvalidParams
from service.jobs.action import Action, Context, JobControl, Params, StepResult, Target
from service.store.reports import Report
from service.vsphere.selecting import select

SELECT, RUN = "select", "run"
CANCEL = "cancel"
"""The part of the step `run` that cancels the jobs of the VMs."""
TARGETS = {"vm": "{}", "backup": "newest:{}"}
"""The parameter of the inner action that gets the VM, and what it gets."""
CHANNEL_ID = "[CG][A-Z0-9]{2,30}"


class FleetParams(Params):
    """Which VMs, what to do with each of them, and when."""

    vms: str = Field(
        min_length=1,
        max_length=4000,
        description="The VMs: terms, separated by commas, such as tag:gold, folder:/DC0/prod/*, name:web-*, host:, "
        "datastore:, vcenter:, power:on, a selector or all; a term after ! excludes.",
    )
    action: str = Field(default="backup", max_length=60, description="The action to run on each VM.")
    params: dict[str, Any] = Field(
        default_factory=dict,
        description="The other parameters of that action, as an object or as words such as quiesce=none.",
    )
    window: str = Field(
        default="",
        max_length=80,
        description="The hours in which jobs may start, such as 22:00-06:00 Europe/Berlin; without a time zone, in "
        "UTC.",
    )
    max_parallel: int = Field(default=4, ge=1, le=64, description="How many VMs have a job at the same time.")
    keep: str = Field(
        default="",
        max_length=60,
        description="After the good backup of a VM, remove those of its backups that this does not keep, such as "
        "7d,4w,6m: the newest of 7 days, 4 weeks and 6 months. The last verified one always stays.",
    )
    until: str = Field(
        default="",
        max_length=40,
        description="No job starts after this time, such as 2026-03-01T06:00:00Z. With `window`, vmkops computes it.",
    )

    report_to: str = Field(
        default="",
        max_length=120,
        description="The Slack channel that gets a report at the end, such as '#ops', or its ID. vmkops must be a "
        "member of the channel.",
    )

    @field_validator("report_to")
    @classmethod
    def _channel(cls, value: str) -> str:
        if not value or fullmatch(CHANNEL_ID, value):
            return value
        if mention := fullmatch(rf"<#({CHANNEL_ID})(\|[^>]*)?>", value):  # as Slack may write a channel
            return mention[1]
        name = value.removeprefix("#")
        if not fullmatch(r"[\w-]{1,80}", name) or name != name.lower():
            raise ValueError(f"{value!r} is not a Slack channel. Write its name, such as '#ops', or its ID.")
        return f"#{name}"

    @field_validator("until")
    @classmethod
    def _time(cls, value: str) -> str:
        if value and datetime.fromisoformat(value).tzinfo is None:
            raise ValueError("must have a time zone, such as 2026-03-01T06:00:00Z")
        return value

    @field_validator("params", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [word.partition("=") for word in value.split()]
        if wrong := [name for name, equals, _ in pairs if not equals]:
            raise ValueError(f"{wrong[0][:40]!r} is not NAME=VALUE")
        return {name: given for name, _, given in pairs}


class Selection(StepResult):
    """The VMs that the job is about: for each, its exact selector and its name; and what else the selection found."""

    vms: list[tuple[str, str]]
    unmatched: list[str] = Field(default_factory=list)
    unread: list[str] = Field(default_factory=list)


class FleetAction(Action):
    """Selects VMs, and runs an action on each."""

    name = "fleet"
    summary = "Run an action, such as a backup, on each VM of a selection, a few at a time."
    action_class = ActionClass.DESTRUCTIVE  # it can run any action; `class_for` knows better
    class_depends = (
        "a fleet has the class of the action that it runs on each VM, so backups start at once; with keep=... it "
        "removes old backups, is destructive, and waits for your yes"
    )
    label = "Run {action} on {target}"
    steps = (SELECT, RUN)
    params = FleetParams
    parent = True

    def class_for(self, target: Target) -> ActionClass:
        """That of the inner action; destructive when backups are removed.

        An inner action that may ask is at least disruptive here: what makes it ask, such as a backup that goes to
        another vCenter, differs from VM to VM, and this looks at none of them.
        """
        if target.params["keep"]:
            return ActionClass.DESTRUCTIVE
        inner = inner_action(target.params["action"])
        found = inner.class_for(Target(key=target.key, name=target.name, params=target.params["params"]))
        return ActionClass.DISRUPTIVE if inner.may_ask and not found.asks_first else found

    async def target(self, context: Context, params: FleetParams) -> Target:
        """How many VMs are selected now, and what prevents the start; raises NotFound when there are none."""
        inner = inner_action(params.action)
        inner.check_names(context.settings, check_params(params))
        selected = await select(context.vcenters, params.vms)
        if not selected.vms:
            raise nothing_selected(selected, params.vms)
        checks = list(selection_checks(selected, context.vcenters))
        until = params.until
        if params.window:
            end = read_window(params.window).end(datetime.now(UTC))
            until = end.astimezone(UTC).isoformat() if end else ""
            if end is None:
                checks.append(refuse("window", f"The window {read_window(params.window)} is closed now."))
        if params.keep and params.action == "backup":
            checks.append(info("keep", KEEP_NEEDS_VERIFIED))
        if params.report_to:
            checks.append(info("report", REPORT_NEEDS_BOT.format(params.report_to)))
        return Target(
            key=f"fleet:{params.action}:{params.vms}",
            name=_title(params.vms),
            params=params.model_copy(update={"until": until}).model_dump(mode="json"),
            checks=tuple(checks),
        )

    def forbidden(self, settings: Settings, params: FleetParams) -> str:
        """See `Action.forbidden`: a channel that the settings do not allow."""
        if not params.report_to or settings.takes_report(params.report_to):
            return ""
        return (
            f"A report may not go to {params.report_to}: VMKOPS_REPORT_CHANNELS allows "
            f"{', '.join(sorted(settings.report_channels))} only. Name one of these, or ask the administrator of "
            "vmkops to add the channel."
        )

    async def why_refused(self, context: Context, params: FleetParams, target: Target) -> str:  # noqa: ARG002
        """See `Action.why_refused`: why each of the VMs is refused; empty when a run can do something."""
        selected = await select(context.vcenters, params.vms)
        inner = inner_action(params.action)
        undated = params.model_copy(update={"until": ""})
        return await refusal_of_vms(context, inner, selected.vms, partial(_inner_params, inner, undated))

    async def more_checks(self, context: Context, params: FleetParams, target: Target) -> list[Check]:
        """See `Action.more_checks`: what the inner action finds for each VM."""
        selected = await select(context.vcenters, params.vms)
        dated = params.model_copy(update={"until": target.params["until"]})
        inner = inner_action(params.action)
        return await checks_of_vms(context, inner, selected.vms, partial(_inner_params, inner, dated))

    async def run(self, context: Context, job: JobControl, params: FleetParams) -> dict[str, Any]:
        """Select the VMs, then start their jobs and wait for them, in recorded slices of half a minute."""

        async def choose() -> Selection:
            found = await select(context.vcenters, params.vms)
            detail = " ".join([f"{counted(len(found.vms), 'VM')} selected", *map(sentence, found.unread)])
            vms = [(vm.selector, vm.name) for vm in found.vms]
            return Selection(vms=vms, unmatched=found.unmatched, unread=found.unread, detail=detail)

        async def expect_report() -> StepResult:
            if not context.settings.takes_report(params.report_to):
                return StepResult(detail=f"No report: VMKOPS_REPORT_CHANNELS does not allow {params.report_to}.")
            maker, _, schedule = job.requested_by.partition(":")
            schedule = schedule if maker == "schedule" else ""
            await context.reports.expect(Report(job.job_id, params.report_to, schedule, problem=""))
            return StepResult(detail=f"The report goes to {params.report_to}.")

        if params.report_to:  # a fleet that is cancelled before it has begun is reported too
            await job.step_as(StepResult, SELECT, expect_report, part="report", cleanup=True)
        selection = await job.step_as(Selection, SELECT, choose)
        inner = inner_action(params.action)
        fleet = Fleet(
            context,
            job,
            vms=[FleetVm(*each) for each in selection.vms],
            action=inner.name,
            params_for=partial(_inner_params, inner, params),
            closes=datetime.fromisoformat(params.until) if params.until else None,
            at_once=params.max_parallel,
            policy=read_policy(params.keep) if params.keep else None,
            series=series_in(params),
        )
        try:
            number = 0
            while not fleet.over:
                fleet.take(await job.step_as(Moved, RUN, fleet.move, part=str(number)))
                number += 1
        except Exception:
            await job.step_as(StepResult, RUN, partial(_cancel, job), part=CANCEL, cleanup=True)
            raise
        return {"action": inner.name, "selected": len(selection.vms), **_report(fleet, selection)}


ACTION = FleetAction()

KEEP_NEEDS_VERIFIED = (
    "An old backup is removed only when a newer one of its VM was verified and has all its disks, or, of files, all "
    "its volumes and paths. Add a schedule with the action verify-backup for the same VMs."
)

REPORT_NEEDS_BOT = (
    "The report goes to {} in Slack when the fleet has ended. Invite the bot there if it is not a member: "
    "/invite @vmkops."
)


def inner_action(name: str) -> Action:
    """The action to run on each VM; raises InvalidParams when there is none of this name that acts on a VM."""
    from service.actions import all_actions

    known = {each.name: each for each in all_actions().values() if not each.parent and _field(each)}
    if name not in known:
        near = nearest_name(name, known)
        guess = f"Did you mean {near}?" if near else f"These do: {', '.join(sorted(known))}."
        raise InvalidParams(f"There is no action {name[:60]!r} that acts on one VM. {guess}", [near] if near else None)
    return known[name]


def _inner_params(inner: Action, params: FleetParams, selector: str) -> dict[str, Any]:
    """The parameters of the inner action for the VM with this exact selector."""
    given = dict(params.params)
    if params.until and "until" in inner.params.model_fields and "within" not in given:
        given.setdefault("until", params.until)
    field = _field(inner)
    return {**given, field: TARGETS[field].format(selector)}


def check_params(params: FleetParams) -> Params:
    """The parameters of the inner action, for a VM that stands for all.

    Raises InvalidParams for what could never work: the inner action, its parameters, the window or the policy.
    """
    inner = inner_action(params.action)
    field = _field(inner)
    if field in params.params:
        raise InvalidParams(f"Give the VMs as `vms`; `{field}` of {inner.name} is set for each of them.")
    try:
        read = inner.params.model_validate({**params.params, field: TARGETS[field].format("moref:vm-1")})
    except ValidationError as error:
        raise InvalidParams(explain(error, inner.params, inner.name)) from None
    if params.window:
        read_window(params.window)
    if params.keep:
        if inner.name not in ("backup", "verify-backup"):
            raise InvalidParams(f"keep belongs to backup and verify-backup, not to {inner.name}.")
        read_policy(params.keep)
        series_in(params)
    return read


def series_in(params: FleetParams) -> Series:
    """Which of the backups of a VM the fleet makes, so that `keep` is about no others; raises InvalidParams."""
    inner = params.params
    return series_of(inner.get("type", "fullvm"), read_paths(inner.get("paths", "")))


def _field(action: Action) -> str:
    """The parameter of an action that gets the VM; empty when it has none."""
    return next((name for name in TARGETS if name in action.params.model_fields), "")


def _title(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


async def _cancel(job: JobControl) -> StepResult:
    stopped = await job.children.cancel()
    return StepResult(detail=f"{counted(stopped, 'job')} cancelled")


def _report(fleet: Fleet, selection: Selection) -> dict[str, Any]:
    groups = fleet.report()
    counts = {name: len(found) for name, found in groups.items()}
    whole = counts["done"] == len(selection.vms) and not fleet.partly and not selection.unread
    state = JobState.SUCCEEDED if whole else JobState.PARTIAL
    result = {"counts": counts, "pruned": fleet.pruned, **groups}
    result |= {"unmatched": selection.unmatched, "unread": selection.unread}
    if not counts["done"] and not counts["too_slow"]:
        words = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count)
        first = next((each["why"] for found in groups.values() for each in found if each["why"]), "")
        error = Conflict(f"No VM is done ({words or 'none was selected'}). {first}".strip())
        return result | {"state": JobState.FAILED.value, "error": error.problem().model_dump()}
    return cast(dict[str, Any], result | {"state": state.value})
