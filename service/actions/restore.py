"""Restores a kept backup as a new VM, powered off; an existing VM is never overwritten."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from service.actions._deploy import CONFIRM, PACKAGE, REMOVE, SEND, Identity
from service.actions._from_backup import BackupDeployment, FromBackup, check_restore
from service.actions._placement import LONGEST_NAME, NAME
from service.api.models import ActionClass
from service.jobs.action import Action, Context, JobControl, Target

SUFFIX = "-restored"


class RestoreBackup(FromBackup):
    """Which backup, under which name, and where."""

    name: str = Field(
        default="",
        max_length=LONGEST_NAME,
        pattern=NAME,
        description="The new VM's name; by default the old one with -restored- and the beginning of the job's id.",
    )
    identity: Identity = Field(
        default="",
        description="UUIDs and MAC addresses: keep those of the old VM, or get new ones; by default new ones while the "
        "old VM exists.",
    )


class Restore(Action):
    """Makes a VM of a package by ImportVApp."""

    name = "restore"
    summary = "Make a new VM of a kept backup, powered off; its checksums are compared while it is sent."
    action_class = ActionClass.SAFE  # makes a new VM under a free name, powered off
    steps = (PACKAGE, SEND, CONFIRM, REMOVE)
    params = RestoreBackup

    async def target(self, context: Context, params: RestoreBackup) -> Target:
        """Where it goes; refused when the backup is damaged, a network has no counterpart, or the name is taken."""
        return await check_restore(context, params, params.name, SUFFIX, params.identity)

    async def run(self, context: Context, job: JobControl, params: RestoreBackup) -> dict[str, Any]:
        """Send and check; the last step runs only after a failure."""
        made = BackupDeployment(context, job, params, params.name, SUFFIX, params.identity, tagged=True)
        return await made.deploy()


ACTION = Restore()
