"""Restores a kept backup as a new VM, powered off, never over an existing one."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from service.actions._deploy import CONFIRM, LONGEST_NAME, NAME, PACKAGE, REMOVE, SEND
from service.actions._from_backup import FromBackup, Restoring, preflight
from service.jobs.action import Action, Context, JobControl, Target

SUFFIX = "-restored"


class RestoreBackup(FromBackup):
    """Which backup, under which name, and where."""

    name: str = Field(
        default="",
        max_length=LONGEST_NAME,
        pattern=NAME,
        description="The new VM's name; the old one with -restored- and the beginning of the job's id.",
    )


class Restore(Action):
    """Make a VM of a package by ImportVApp."""

    name = "restore"
    summary = "Make a new VM of a kept backup, powered off; its checksums are compared while it is sent."
    steps = (PACKAGE, SEND, CONFIRM, REMOVE)
    params = RestoreBackup

    async def target(self, context: Context, params: RestoreBackup) -> Target:
        """Where it would go; refused when the backup is no good, a network has no counterpart, or the name is taken."""
        return await preflight(context, params, params.name, SUFFIX)

    async def run(self, context: Context, job: JobControl, params: RestoreBackup) -> dict[str, Any]:
        """Send and look; the last step runs only when something went wrong."""
        return await Restoring(context, job, params, params.name, SUFFIX).make()


ACTION = Restore()
