"""What the actions on a VM share: its selector, its state, and the checks before any change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, TypeVar

from pydantic import Field

from service.actions._targeted import TargetedAction, refuse, warn
from service.api.models import Check
from service.api.words import vsphere_words
from service.jobs.action import Params
from service.vsphere.inventory import VMS, find_vm
from service.vsphere.preflight import task_checks
from service.vsphere.selectors import Located
from service.vsphere.session import Session
from service.vsphere.vcenters import VCenters
from service.vsphere.vms import VmState, read_state


class VmParams(Params):
    """Which VM."""

    vm: str = Field(
        min_length=1,
        max_length=260,
        description="The VM: its name, or name:, ipaddr:, uuid: or moref: and the value; prod/ before it means the one "
        "in the vCenter prod.",
    )


P = TypeVar("P", bound=VmParams)


class VmAction(TargetedAction[VmState, P]):
    """An action on one VM."""

    kind = "vm"
    state = VmState
    things = VMS
    params: ClassVar[type[Params]] = VmParams

    async def find(self, vcenters: VCenters, params: P) -> Located:
        """The VM that the selector means."""
        return await find_vm(vcenters, params.vm)

    async def read(self, session: Session, moref: str) -> VmState:
        """The VM as it is now."""
        return await read_state(session, moref)


async def pinned_vm(vcenters: VCenters, params: VmParams) -> VmParams:
    """The parameters with the name of its vCenter before the VM's, as `Action.pinned` gives them."""
    found = await find_vm(vcenters, params.vm)
    return params.model_copy(update={"vm": vcenters.pinned(params.vm, found.vcenter)})


def vm_checks(vm: VmState, *, for_snapshot: bool = False) -> Iterator[Check]:
    """Findings before any change of a VM; `for_snapshot` is true where a running task prevents the change."""
    if vm.template:
        yield refuse("template", f"{vm.name} is a template, not a VM. Convert it, or deploy a VM from it.")
    if vm.connection_state != "connected":
        yield refuse("not-connected", f"{vm.name} is {vsphere_words(vm.connection_state)}. Reconnect its host first.")
    yield from task_checks(vm.name, vm.tasks, for_snapshot=for_snapshot)
    if vm.question:
        yield warn("question", f"{vm.name} waits for an answer (action answer-question): {vm.question.text}")
