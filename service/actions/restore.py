"""Restores a kept backup as a new VM, powered off, or onto an existing VM whose disks it replaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from service.actions._deploy import CONFIRM, PACKAGE, REMOVE, SEND, Identity
from service.actions._disks import TEMPORARY
from service.actions._from_backup import BackupDeployment, FromBackup, check_restore, class_of_restore, read_backup
from service.actions._onto import ONTO_STEPS, OntoRun, onto_checks
from service.actions._placement import LONGEST_NAME, NAME
from service.api.models import ActionClass
from service.errors import InvalidParams
from service.jobs.action import Action, Context, JobControl, Target, TypeAgain
from service.vsphere.inventory import find_vm
from service.vsphere.selectors import lock_key

SUFFIX = "-restored"
FROM = " from "
FOR_A_NEW_VM = ("name", "identity", "pool", "host", "datastore", "folder", "vcenter", "networks", "connect_networks")
"""Parameters that say what becomes of a new VM."""


class RestoreBackup(FromBackup):
    """Which backup, under which name, and where; or onto which VM."""

    name: str = Field(
        default="",
        max_length=LONGEST_NAME,
        pattern=NAME,
        description="The new VM's name; by default the old one with -restored- and the beginning of the job's id.",
    )
    identity: Identity = Field(
        default="",
        description="Whether the new VM keeps the UUIDs and MAC addresses of the old VM, or gets new ones; by "
        "default, it gets new ones while the old VM exists.",
    )
    onto: str = Field(
        default="",
        max_length=260,
        description="An existing VM that is powered off: its disks are replaced with those of the backup, and it "
        "keeps its identity and its place. Excludes all parameters of a new VM.",
    )
    overwrite: str = Field(
        default="", max_length=260, description="With onto: the name of the VM whose disks are replaced, typed again."
    )


class Restore(Action):
    """Makes a VM of a package by ImportVApp, or replaces the disks of one."""

    name = "restore"
    summary = "Make a new VM of a kept backup, powered off, or replace the disks of a VM that is off (onto)."
    action_class = ActionClass.SAFE  # makes a new VM under a free name, powered off
    may_ask = True  # a VM for another vCenter than that of the backup
    type_again = TypeAgain(when="onto", parameter="overwrite", what="the name of the VM whose disks are replaced")
    steps = (PACKAGE, SEND, CONFIRM, REMOVE)
    params = RestoreBackup

    def class_for(self, target: Target) -> ActionClass:
        """Replacing disks, and another vCenter, need a yes."""
        return class_of_restore(super().class_for(target), target)

    def steps_of(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of a new VM, or of one whose disks are replaced."""
        return ONTO_STEPS if params.get("onto") else self.steps

    def step_words(self, params: Mapping[str, Any]) -> Mapping[str, str]:
        """See `Action.step_words`: with `onto`, the VM that is removed is the temporary one."""
        return TEMPORARY if params.get("onto") else {}

    def plan_of(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """See `Action.plan_of`: a new VM is removed only after a failure."""
        return super().plan_of(params) if params.get("onto") else self.steps[:-1]

    def label_for(self, target: Target) -> str:
        """Which VM loses its disks, if one does."""
        if not target.params.get("onto"):
            return super().label_for(target)
        return f"Replace the disks of {' with '.join(target.name.split(FROM, 1))}"

    async def pinned(self, context: Context, params: RestoreBackup) -> RestoreBackup:
        """See `Action.pinned`."""
        return await params.pinned(context)

    async def target(self, context: Context, params: RestoreBackup) -> Target:
        """Where it goes; refused when the backup is damaged, a network has no counterpart, or the name is taken."""
        if params.onto:
            return await self._onto(context, params)
        if params.overwrite:
            raise InvalidParams("overwrite is only for onto=VM, which replaces the disks of a VM.")
        return await check_restore(context, params, params.name, SUFFIX, params.identity)

    async def run(self, context: Context, job: JobControl, params: RestoreBackup) -> dict[str, Any]:
        """Send and check; the last step runs only after a failure, or removes the temporary VM."""
        if params.onto:
            return await OntoRun(context, job, params, params.onto).run()
        made = BackupDeployment(context, job, params, params.name, SUFFIX, params.identity, tagged=True)
        return await made.deploy()

    async def _onto(self, context: Context, params: RestoreBackup) -> Target:
        new = RestoreBackup(backup=params.backup)
        if wrong := [name for name in FOR_A_NEW_VM if getattr(params, name) != getattr(new, name)]:
            raise InvalidParams(f"With onto, the VM keeps its name, place and identity: leave {', '.join(wrong)} out.")
        kept = await read_backup(context, params.backup)
        found = await find_vm(context.vcenters, params.onto)
        vm, checks = await onto_checks(context, context.vcenters.link(found.vcenter).session, found.moref, kept)
        exact = {**params.model_dump(), "backup": kept.id, "onto": found.selector}
        again = self.type_again.check(params, vm.name)
        return Target(
            key=lock_key("vm", found.vcenter, found.moref),
            name=f"{context.vcenters.shown(found.vcenter, vm.name)}{FROM}the backup {kept.id}",
            vcenter=found.vcenter,
            params=exact,
            checks=(*checks, again) if again else tuple(checks),
            name_again=vm.name,
        )


ACTION = Restore()
