"""The schedules that back VMs up, with what their last runs left out: what the freshness of backups is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.api.schedules import Schedule
from service.backups.freshness import Plan
from service.errors import NotFound, VmkopsError
from service.http._route import Services
from service.vsphere.selecting import select
from service.vsphere.selectors import read_exact

Key = tuple[str, str]


async def backup_plans(services: Services) -> list[Plan]:
    """Each schedule that backs up VMs, by name. One whose selection cannot be read now selects no VM."""
    return [await _plan(services, each) for each in await services.schedules.all() if _selection(each)]


def _selection(schedule: Schedule) -> str:
    """The VMs that a schedule backs up; empty when it does something else, such as to back up only files of them."""
    if schedule.action == "backup" and _whole(schedule.params):
        return str(schedule.params.get("vm", ""))
    if schedule.action == "fleet" and schedule.params.get("action", "backup") == "backup":
        return str(schedule.params.get("vms", "")) if _whole(schedule.params.get("params", {})) else ""
    return ""


def _whole(params: Mapping[str, Any]) -> bool:
    return bool(params.get("type", "fullvm") == "fullvm")


async def _plan(services: Services, schedule: Schedule) -> Plan:
    try:
        selected = await select(services.context.vcenters, _selection(schedule))
        vms = frozenset((vm.vcenter, vm.moref) for vm in selected.vms)
    except VmkopsError:
        vms = frozenset()
    trouble = schedule.last_problem.detail if schedule.last_problem else ""
    failed: dict[Key, str] = {}
    if schedule.last_job and not trouble:
        trouble, failed = await _last_run(services, schedule.last_job)
    return Plan(schedule.name, vms, schedule.due_before, schedule.last_at, trouble, failed)


async def _last_run(services: Services, job_id: str) -> tuple[str, dict[Key, str]]:
    """Why the job backed up nothing, or why it did not back up some VMs."""
    try:
        job = await services.jobs.get(job_id)
    except NotFound:
        return "", {}
    result: dict[str, Any] = job.result or {}
    left = [each for group in ("failed", "skipped", "too_slow") for each in result.get(group, [])]
    failed = {tuple(read_exact(each["selector"])): f"{each['why']}" for each in left}
    whole = job.error.detail if job.error and not left else ""
    return whole, {(vcenter, moref): why for (vcenter, moref), why in failed.items()}
