"""The report of a fleet for a channel: what came of the VMs, how to see more, and what to do next. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.blocks import Block, Message, bold, bullets, code, context, escape, header, message, person, section, shortened
from bot.cards.job import STATES
from service.api.client import Job, JobState, Report, ReportGroup
from service.api.units import count, took

GROUPS = {
    "failed": ("❌", "failed"),
    "skipped": ("⏭️", "skipped"),
    "too_slow": ("🐢", "too slow"),
    "done": ("✅", "done"),
}
"""The sign and the words of each group."""
WHY_LENGTH = 160
"""Characters of the reason of one VM."""
WIDEN = "Widen the window, begin earlier, or raise `max_parallel`, so that all VMs get their turn."
MEND = "Mend the reasons above first."
MORE = "{0} says more about the first VM."
UNREAD = "Ask why a vCenter could not be read: {0}"
PARTLY = "Look at the VMs with a reason: their jobs say what is left."


def report_card(report: Report) -> Message:
    """What came of a fleet, or why a schedule started none."""
    return _fleet_card(report, report.job) if report.job else _not_started(report)


def _fleet_card(report: Report, job: Job) -> Message:
    icon, words = STATES[job.state]
    inner = str(job.params.get("action", job.action))
    title = f"{inner.replace('-', ' ').capitalize()} of {job.target}: {words}"
    groups = {group.name: group for group in report.groups}
    counts = "  ·  ".join(f"{sign} {groups[name].count} {of}" for name, (sign, of) in GROUPS.items() if name in groups)
    span = took(job.started_at or job.created_at, job.finished_at)
    blocks: list[Block] = [
        header(f"{icon} {title}"),
        section(counts, escape(job.error.detail) if job.error else ""),
    ]
    blocks += [section(*_group(groups[name])) for name in GROUPS if name in groups]
    if report.unread:
        blocks.append(section(*(f"⚠️ {escape(sentence)}" for sentence in report.unread)))
    if advice := list(_advice(report, job, groups)):
        blocks.append(section(bold("What to do next"), bullets(advice)))
    by = f"schedule {code(report.schedule)}" if report.schedule else f"requested by {person(job.requested_by)}"
    blocks.append(context(f"See it: {code(f'/jobs {job.id}')}", by, f"took {span}" if span else ""))
    plain = ", ".join(f"{groups[name].count} {of}" for name, (_, of) in GROUPS.items() if name in groups)
    return message(f"{icon} {title}" + (f" ({plain})" if plain else ""), blocks)


def _group(group: ReportGroup) -> Iterator[str]:
    """The lines of a group: each VM with its reason; VMs without one share a line."""
    sign, words = GROUPS[group.name]
    yield f"{sign} {bold(f'{words.capitalize()} ({group.count})')}"
    plain = [vm.vm for vm in group.vms if not vm.why]
    more = group.count - len(group.vms)
    if plain:
        yield escape(", ".join(plain)) + (f" and {more} more" if more else "")
    for vm in group.vms:
        if vm.why:
            job = f" ({code(f'/jobs {vm.job}')})" if vm.job else ""
            yield f"•  {bold(vm.vm)}: {escape(shortened(vm.why, WHY_LENGTH))}{job}"
    if more and not plain:
        yield f"•  …and {more} more"


def _advice(report: Report, job: Job, groups: dict[str, ReportGroup]) -> Iterator[str]:
    if "failed" in groups:
        child = next((vm.job for vm in groups["failed"].vms if vm.job), "")
        yield " ".join([MEND, *([MORE.format(code(f"/jobs {child}"))] if child else [])])
    if "too_slow" in groups or any("window" in vm.why for vm in _vms(groups.get("skipped"))):
        yield WIDEN
    if report.unread:
        yield UNREAD.format(code("vmkops doctor --vcenter NAME"))
    if job.state is JobState.PARTIAL and set(groups) == {"done"} and not report.unread:
        yield PARTLY
    if report.again and (again := _again(report, job)):
        yield f"Run it again for {count(_left(groups), 'VM')}: {code(again)}"
    elif job.state is not JobState.SUCCEEDED and report.schedule:
        yield f"Run all of it again: {code(f'vmkops schedules run {report.schedule} --any-time')}"


def _again(report: Report, job: Job) -> str:
    """The command of Slack that runs the fleet again for what is left; empty when its parameters do not fit there."""
    words = [f"/action fleet {report.again}", f"action={job.params.get('action', '')}"]
    given: dict[str, Any] = job.params.get("params") or {}
    pairs = [f"{name}={value}" for name, value in given.items()]
    if any(set(' "`') & set(pair) for pair in pairs):
        return ""
    return " ".join([*words, *([f'params="{" ".join(pairs)}"'] if pairs else [])])


def _left(groups: dict[str, ReportGroup]) -> int:
    return sum(groups[name].count for name in ("failed", "skipped") if name in groups)


def _vms(group: ReportGroup | None) -> list[Any]:
    return list(group.vms) if group else []


def _not_started(report: Report) -> Message:
    title = f"❌ Schedule {report.schedule} started nothing"
    show, run = f"vmkops schedules show {report.schedule}", f"vmkops schedules run {report.schedule} --any-time"
    advice = [f"Look at the schedule: {code(show)}", f"When the reason is mended, run it now: {code(run)}"]
    blocks = [header(title), section(escape(report.problem)), section(bold("What to do next"), bullets(advice))]
    return message(f"{title}: {report.problem}", blocks)
