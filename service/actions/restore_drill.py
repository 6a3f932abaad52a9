"""Proves that a kept backup can be restored: makes a VM of it, looks at it, and removes it."""

from __future__ import annotations

from typing import Any

from service.actions._deploy import CONFIRM, PACKAGE, REMOVE, SEND
from service.actions._from_backup import FromBackup, Restoring, preflight
from service.errors import RestoreFailed, VmkopsError
from service.jobs.action import Action, Context, JobControl, Target

SUFFIX = "-drill"


class RestoreDrill(Action):
    """A restore whose VM does not stay."""

    name = "restore-drill"
    summary = "Restore a kept backup, look at the VM, and remove it: the proof that the backup works."
    steps = (PACKAGE, SEND, CONFIRM, REMOVE)
    params = FromBackup

    async def target(self, context: Context, params: FromBackup) -> Target:
        """As for a restore."""
        return await preflight(context, params, "", SUFFIX)

    async def run(self, context: Context, job: JobControl, params: FromBackup) -> dict[str, Any]:
        """Restore, then remove; raises RestoreFailed when the VM does not go away."""
        drill = Restoring(context, job, params, "", SUFFIX)
        made = await drill.make()
        try:
            removed = await job.step(REMOVE, drill.remove, cleanup=True)
        except VmkopsError as error:
            raise RestoreFailed(f"The backup was restored, but its VM is still there: {error}") from error
        return {**made, "removed": removed["removed"]}


ACTION = RestoreDrill()
