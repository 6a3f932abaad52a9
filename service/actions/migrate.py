"""Moves a VM to another host, another datastore, or both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from pydantic import Field, model_validator

from service.actions._targeted import CHECK, Changed, CheckContext, info, refuse, undo, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import ActionClass, Check
from service.errors import InvalidParams
from service.jobs.action import JobControl
from service.vsphere.datastores import DATASTORES
from service.vsphere.hosts import find_host
from service.vsphere.moves import Destination, check_move, move_vm
from service.vsphere.selectors import Located, exact_selector, read_exact
from service.vsphere.vcenters import VCenters
from service.vsphere.vms import VmState

MOVE = "move"


class MigrateVm(VmParams):
    """Which VM, and where it goes."""

    host: str = Field(
        default="", max_length=260, description="The host to move it to: its name, or name: or moref: and the value."
    )
    datastore: str = Field(default="", max_length=260, description="The datastore to move all its disks to.")

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.host and not self.datastore:
            raise ValueError("Give `host`, `datastore`, or both.")
        return self


class Migrate(VmAction[MigrateVm]):
    """vSphere checks the move before it begins, and undoes one that is cancelled."""

    name = "migrate"
    summary = "Move a VM to another host, another datastore, or both; a running one keeps running."
    action_class = ActionClass.DISRUPTIVE  # the VM pauses for a moment, and its datastores and network are loaded
    label = "Move {target}"
    steps = (CHECK, MOVE)
    params = MigrateVm

    async def exact(self, vcenters: VCenters, params: MigrateVm) -> MigrateVm:
        """The host and the datastore by moref; both must be of the VM's vCenter."""
        vcenter = read_exact(params.vm).vcenter
        found: dict[str, Located] = {}
        if params.host:
            found["host"] = await find_host(vcenters, params.host)
        if params.datastore:
            datastore = await vcenters.find(DATASTORES, params.datastore, "datastore")
            found["datastore"] = datastore
        for field, each in found.items():
            if each.vcenter != vcenter:
                raise InvalidParams(f"The {field} {each.name} belongs to {each.vcenter}, but the VM to {vcenter}.")
        return params.model_copy(update={field: each.selector for field, each in found.items()})

    async def checks(self, context: CheckContext[VmState, MigrateVm]) -> Iterable[Check]:
        """What vSphere has against the move."""
        vm, to = context.state, _destination(context.params)
        found = list(vm_checks(vm))
        if to.host in ("", vm.host) and (not to.datastore or vm.datastores == (to.datastore,)):
            return [*found, info("there", f"{vm.name} is already there.")]
        if any(check.severity == "refuse" for check in found):
            return found
        compatible = await check_move(context.session, vm.moref, to)
        found += [refuse("incompatible", f"vSphere cannot move {vm.name} there: {each}") for each in compatible.errors]
        found += [warn("compatibility", f"vSphere warns: {each}") for each in compatible.warnings]
        if to.datastore and vm.allocated:
            found.append(info("bytes", f"Up to {vm.allocated} bytes are copied to the datastore."))
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, MigrateVm]) -> dict[str, Any]:
        """One vSphere task. When it is cancelled, vSphere leaves the VM where it was."""
        vm, to = context.state, _destination(context.params)

        async def move() -> Changed:
            changed = await move_vm(context.session, vm.moref, to, job.percent)
            back = [f"host={exact_selector(vm.vcenter, vm.host)}"] if to.host else []
            if to.datastore and len(vm.datastores) == 1:
                back.append(f"datastore={exact_selector(vm.vcenter, vm.datastores[0])}")
            words = " ".join([f"action migrate {exact_selector(vm.vcenter, vm.moref)}", *back])
            hint = f" {undo(words)}" if back else ""
            return Changed(changed=changed, detail=f"Moved.{hint}" if changed else "It was already there.")

        done = await job.step_as(Changed, MOVE, move, interruptible=True)
        return {"changed": done.changed, "host": to.host, "datastore": to.datastore}


ACTION = Migrate()


def _destination(params: MigrateVm) -> Destination:
    """The morefs of exact parameters."""
    host, datastore = (read_exact(each).moref if each else "" for each in (params.host, params.datastore))
    return Destination(host=host, datastore=datastore)
