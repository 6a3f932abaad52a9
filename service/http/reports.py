"""Reports for a Slack channel: the bot takes those that are due, and says which ones it has posted."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiohttp import web
from pydantic import Field

from service.api.models import Job, Report, ReportGroup, ReportVm, Value
from service.api.schedules import ReportsWaiting
from service.errors import NotAllowed, NotFound
from service.http._route import AnyCall, Call, Query, Route, Services
from service.jobs.late_reports import late_reports
from service.store import reports
from service.store.tokens import Scope
from service.vsphere.inventory import VMS
from service.vsphere.selection import ALL
from service.vsphere.selectors import Located, read_exact, typed_selector
from service.vsphere.vcenters import VCenters

log = logging.getLogger(__name__)

MOST = 10
"""How many reports are taken at a time."""
NAMED = 10
"""How many VMs of each group a report names."""
SENTENCES = 5
"""How many sentences about what could not be read a report has."""
GROUPS = ("failed", "skipped", "too_slow", "done")
"""The groups of a fleet's result, the worst first."""


class Reports(Value):
    """Reports that are due, and that the caller now has to post."""

    reports: list[Report]


class Posted(Value):
    """What came of a report."""

    trouble: str = Field(
        default="", max_length=300, description="Why Slack will never accept it, as sentences; empty when it is posted."
    )


class Waiting(Value):
    """The reports that are due and that no bot takes; None when all is well."""

    waiting: ReportsWaiting | None


async def _waiting(call: Call[Query, None]) -> Waiting:
    return Waiting(waiting=await late_reports(call.services.context.reports))


async def _take(call: Call[Query, None]) -> Reports:
    _only_the_bot(call)
    store = call.services.context.reports
    found: list[Report] = []
    for waiting in await store.waiting():
        if len(found) == MOST:
            break
        job = None if waiting.problem else await _ended(call.services, waiting.id)
        if not job and not waiting.problem:
            continue
        report = _report(call.services, waiting, job)  # before it is taken: a report that cannot be made is not lost
        if await store.take(waiting.id):
            found.append(report)
    return Reports(reports=found)


async def _posted(call: Call[Query, Posted]) -> web.StreamResponse:
    _only_the_bot(call)
    report = await call.services.context.reports.settle(call.path("id"))
    if trouble := call.body.trouble:
        words = f"Its report could not be posted to {report.channel}. {trouble}"
        log.error("a report for Slack: %s", words, extra={"report": report.id, "schedule": report.schedule})
        if not report.problem:
            await call.services.jobs.note(report.id, words)
    return web.Response(status=204)


def _only_the_bot(call: AnyCall) -> None:
    actor = call.known_actor()
    if not actor.delegate:
        raise NotAllowed(
            f"The token {actor.token!r} may not post reports. Only the Slack bot may, whose token can act for people."
        )


async def _ended(services: Services, job_id: str) -> Job | None:
    """The job, once it has ended; a job whose record is gone is reported no more."""
    try:
        job = await services.jobs.get(job_id)
    except NotFound:
        await services.context.reports.settle(job_id)
        return None
    return job if job.state.final else None


def _report(services: Services, waiting: reports.Report, job: Job | None) -> Report:
    result: Mapping[str, Any] = (job.result if job else None) or {}
    left = [vm for group in ("failed", "skipped") for vm in result.get(group, [])]
    return Report(
        id=waiting.id,
        channel=waiting.channel,
        schedule=waiting.schedule,
        problem=waiting.problem,
        job=job and job.model_copy(update={"result": None, "children": []}),
        groups=[_group(name, result.get(name, [])) for name in GROUPS if result.get(name)],
        unread=result.get("unread", [])[:SENTENCES],
        again=",".join(_terms(services.context.vcenters, left)) if 0 < len(left) <= NAMED else "",
    )


def _group(name: str, vms: Sequence[Mapping[str, str]]) -> ReportGroup:
    shown = [ReportVm(vm=each["vm"], job=each["job"], why=each["why"]) for each in vms[:NAMED]]
    return ReportGroup(name=name, count=len(vms), vms=shown)


def _terms(vcenters: VCenters, vms: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """A term of a selection for each VM, which fits this VM alone."""
    for each in vms:
        yield _term(vcenters, *read_exact(each["selector"]))


def _term(vcenters: VCenters, vcenter: str, moref: str) -> str:
    """The name of a VM where it can stand in a selection and no other VM has it, in any case; else its moref.

    The settings may no longer have its vCenter: the term has its name then, so that it fits no VM of another vCenter.
    """
    names = vcenters.names()
    item, unique = Located(vcenter=vcenter, moref=moref, name=""), False
    if vcenter in names:
        inventory = vcenters.link(vcenter).inventory
        item = next(iter(inventory.find(VMS, "moref", moref)), item)
        unique = item.name.lower() != ALL and len(inventory.find(VMS, "name", item.name)) == 1
    return typed_selector(item, unique=unique, several=len({*names, vcenter}) > 1)


ROUTES = (
    Route(
        method="GET",
        path="/reports/waiting",
        summary="How many reports for Slack are due and taken by no bot, and since when",
        handle=_waiting,
        answer=Waiting,
        scope=Scope.READ,
    ),
    Route(
        method="POST",
        path="/reports/take",
        summary="The reports that are due, which the Slack bot then posts",
        handle=_take,
        answer=Reports,
        scope=Scope.OPERATE,
    ),
    Route(
        method="POST",
        path="/reports/{id}/posted",
        summary="Note that the Slack bot has posted a report, or why it never can",
        handle=_posted,
        scope=Scope.OPERATE,
        body=Posted,
        status=204,
        media="text/plain",
        errors=(404,),
    ),
)
