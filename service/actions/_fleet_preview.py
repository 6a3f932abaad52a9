"""What a dry run of a fleet finds for its VMs: the checks of the inner action on each, summed up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from service.actions._targeted import info, warn
from service.api.models import Check
from service.api.words import counted
from service.errors import NotFound, VmkopsError, VSphereRefused
from service.jobs.action import Action, Context, lasting_refusals
from service.vsphere.inventory import Vm
from service.vsphere.selecting import Selected
from service.vsphere.vcenters import VCenters

MOST_CHECKED = 50
"""How many VMs a dry run looks at: each asks vCenter several questions."""
AT_ONCE = 8
SECONDS = 10.0
"""How long it looks at them altogether."""
NAMED = 10
"""How many VMs the line about the selection names."""
SHOWN = 5
"""How many VMs it names with what was found."""


async def checks_of_vms(
    context: Context, inner: Action, vms: Sequence[Vm], params_for: Callable[[str], Mapping[str, Any]]
) -> list[Check]:
    """What the inner action warns of, or refuses, for the VMs of a selection: how many, and the first few by name.

    `params_for` gives the parameters of the inner action for the selector of a VM. It asks vCenter, and raises nothing
    that vCenter answers.
    """
    looked_at = vms[:MOST_CHECKED]
    found: dict[int, list[str]] = {}
    slots = asyncio.Semaphore(AT_ONCE)

    async def look(number: int, vm: Vm) -> None:
        async with slots:
            found[number] = await _findings(context, inner, params_for(vm.selector))

    tasks = [asyncio.create_task(look(number, vm)) for number, vm in enumerate(looked_at)]
    try:
        if tasks:
            await asyncio.wait(tasks, timeout=SECONDS)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for each in ended:
        if isinstance(each, Exception):
            raise each
    named = [
        (context.vcenters.shown(vm.vcenter, vm.name), found[number])
        for number, vm in enumerate(looked_at)
        if found.get(number)
    ]
    return list(summed_up(named, len(found), len(vms)))


async def refusal_of_vms(
    context: Context, inner: Action, vms: Sequence[Vm], params_for: Callable[[str], Mapping[str, Any]]
) -> str:
    """Why the inner action refuses each of these VMs, as sentences with the first few names.

    Empty as soon as one VM is not refused, or cannot be looked at now. It looks at no more VMs, and for no longer, than
    a dry run. What passes by itself, such as a task that runs on the VM, does not count.
    """
    refused: list[str] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            for vm in vms[:MOST_CHECKED]:
                if not (why := await _why_refused(context, inner, params_for(vm.selector))):
                    return ""
                refused.append(f"{context.vcenters.shown(vm.vcenter, vm.name)}: {why}")
    if not refused:
        return ""
    checked = "the selected VM" if len(refused) == 1 else f"each of the {len(refused)} VMs that it looked at"
    more = f" And {counted(len(refused) - SHOWN, 'VM')} more." if len(refused) > SHOWN else ""
    return f"A dry run refuses {checked}. {' '.join(refused[:SHOWN])}{more}"


async def _why_refused(context: Context, inner: Action, params: Mapping[str, Any]) -> str:
    """Why the action is refused with these parameters; empty when it is not, or when vCenter does not answer."""
    try:
        target = await inner.target(context, inner.params.model_validate(params))
    except VmkopsError as error:
        return "" if error.retryable or isinstance(error, VSphereRefused) else sentence(str(error))
    return " ".join(map(sentence, lasting_refusals(target.checks)))


def summed_up(found: Sequence[tuple[str, Sequence[str]]], looked_at: int, selected: int) -> Iterator[Check]:
    """The checks of a dry run for the VMs with findings, each with its sentences, of so many that were looked at."""
    if looked_at < selected:
        yield warn(
            "vms-not-checked",
            f"Only {looked_at} of {counted(selected, 'VM')} were checked. The job of each VM runs all checks first.",
        )
    if not found:
        return
    verb = "has" if len(found) == 1 else "have"
    yield warn("vms", f"{len(found)} of {counted(looked_at, 'VM')} {verb} warnings:")
    yield from (warn("vm", f"{name}: {' '.join(sentences)}") for name, sentences in found[:SHOWN])
    if (more := len(found) - SHOWN) > 0:
        yield warn("vms-more", f"And {counted(more, 'VM')} more. A dry run of one VM shows its warnings.")


async def _findings(context: Context, inner: Action, params: Mapping[str, Any]) -> list[str]:
    try:
        target = await inner.target(context, inner.params.model_validate(params))
    except VmkopsError as error:
        return [f"Refused: {error}"]
    said = {"refuse": "Refused: ", "warn": ""}
    return [f"{said[check.severity]}{check.message}" for check in target.checks if check.severity in said]


def selection_checks(selected: Selected, vcenters: VCenters) -> Iterator[Check]:
    """What a preview says about the VMs of a selection."""
    names = ", ".join(vcenters.shown(vm.vcenter, vm.name) for vm in selected.vms[:NAMED])
    more = f" and {len(selected.vms) - NAMED} more" if len(selected.vms) > NAMED else ""
    yield info("selected", f"{counted(len(selected.vms), 'VM')} selected: {names}{more}.")
    yield from (warn("matches-nothing", f"The term {term!r} fits no VM now.") for term in selected.unmatched)
    yield from (warn("not-read", sentence(each)) for each in selected.unread)


def nothing_selected(selected: Selected, text: str) -> NotFound:
    """The error for a selection without VMs, with similar terms."""
    doubts = "".join(f" {sentence(each)}" for each in selected.unread)
    return NotFound(f"The selection {text[:80]!r} includes no VM now.{doubts}", selected.near)


def sentence(text: str) -> str:
    """The text with a full stop."""
    return text if text.endswith(".") else f"{text}."
