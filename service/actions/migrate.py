"""Moves a VM to another host, another datastore, or both."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Self

from pydantic import Field, model_validator

from service.actions._targeted import CHECK, Changed, CheckContext, info, refuse, undo_command, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import ActionClass, Check
from service.api.units import amount
from service.errors import InvalidParams
from service.jobs.action import JobControl
from service.vsphere.datastores import DATASTORES
from service.vsphere.hosts import HOSTS, find_host
from service.vsphere.live import Kind
from service.vsphere.moves import Destination, check_move, move_vm
from service.vsphere.selectors import Located, read_exact
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
            found["host"] = await find_host(vcenters, vcenters.pinned(params.host, vcenter))
        if params.datastore:
            datastore = await vcenters.find(DATASTORES, vcenters.pinned(params.datastore, vcenter), "datastore")
            found["datastore"] = datastore
        for field, each in found.items():
            if each.vcenter != vcenter:
                raise InvalidParams(f"The {field} {each.name} belongs to {each.vcenter}, but the VM to {vcenter}.")
        return params.model_copy(update={field: each.selector for field, each in found.items()})

    async def checks(self, context: CheckContext[VmState, MigrateVm]) -> Iterable[Check]:
        """What vSphere has against the move."""
        vm, to = context.state, _destination(context.params)
        found = list(vm_checks(vm))
        found.append(info("from-to", _from_to(context, to)))
        if to.host in ("", vm.host) and (not to.datastore or vm.datastores == (to.datastore,)):
            return [*found, info("there", f"{vm.name} is already there.")]
        if any(check.severity == "refuse" for check in found):
            return found
        compatible = await check_move(context.session, vm.moref, to)
        found += [refuse("incompatible", f"vSphere cannot move {vm.name} there: {each}") for each in compatible.errors]
        found += [warn("compatibility", f"vSphere warns: {each}") for each in compatible.warnings]
        if to.datastore and vm.allocated:
            found.append(info("bytes", f"Up to {amount(vm.allocated)} are copied to the datastore."))
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, MigrateVm]) -> dict[str, Any]:
        """One vSphere task. When it is cancelled, vSphere leaves the VM where it was."""
        vm, to = context.state, _destination(context.params)

        async def move() -> Changed:
            changed = await move_vm(context.session, vm.moref, to, job.percent)
            typed = partial(context.vcenters.typed, vcenter=vm.vcenter)
            back = [f"host={typed(HOSTS, moref=vm.host)}"] if to.host else []
            if to.datastore and len(vm.datastores) == 1:
                back.append(f"datastore={typed(DATASTORES, moref=vm.datastores[0])}")
            hint = f" {undo_command('migrate', context.typed, *back)}" if back else ""
            return Changed(changed=changed, detail=f"Moved.{hint}" if changed else "It was already there.")

        done = await job.step_as(Changed, MOVE, move, interruptible=True)
        return {"changed": done.changed, "host": to.host, "datastore": to.datastore}


ACTION = Migrate()


def _from_to(context: CheckContext[VmState, MigrateVm], to: Destination) -> str:
    """From which host and datastores the VM moves to which, by the names that people see."""
    vm, vcenters = context.state, context.vcenters
    link = vcenters.link(vm.vcenter)

    def names(kind: Kind[Any], *morefs: str) -> str:
        found = [link.inventory.find(kind, "moref", moref) for moref in morefs]
        each = [items[0].name if items else moref for items, moref in zip(found, morefs, strict=True)]
        return " and ".join(vcenters.shown(vm.vcenter, name) for name in sorted(each)) or "an unknown place"

    moves = []
    if to.host:
        moves.append(f"from the host {names(HOSTS, vm.host)} to {names(HOSTS, to.host)}")
    if to.datastore:
        moves.append(f"from the datastore {names(DATASTORES, *vm.datastores)} to {names(DATASTORES, to.datastore)}")
    words = f"{vm.name} moves {', and '.join(moves)}."
    return words if to.host else f"{words} It stays on the host {names(HOSTS, vm.host)}."


def _destination(params: MigrateVm) -> Destination:
    """The morefs of exact parameters."""
    host, datastore = (read_exact(each).moref if each else "" for each in (params.host, params.datastore))
    return Destination(host=host, datastore=datastore)
