"""Proves that a kept backup can be restored: makes a VM of it, checks it, and removes it."""

from __future__ import annotations

from typing import Any

from service.actions._deploy import CONFIRM, PACKAGE, REMOVE, SEND, VmsRemoved
from service.actions._from_backup import BackupDeployment, FromBackup, check_restore
from service.api.models import ActionClass
from service.errors import RestoreFailed, VmkopsError
from service.jobs.action import Action, Context, JobControl, Target

SUFFIX = "-drill"


class RestoreDrill(Action):
    """A restore whose VM is removed again."""

    name = "restore-drill"
    summary = "Restore a kept backup, check the VM, and remove it: the proof that the backup works."
    action_class = ActionClass.SAFE  # removes only the VM that it made itself
    steps = (PACKAGE, SEND, CONFIRM, REMOVE)
    params = FromBackup

    async def target(self, context: Context, params: FromBackup) -> Target:
        """As for a restore."""
        return await check_restore(context, params, "", SUFFIX)

    async def run(self, context: Context, job: JobControl, params: FromBackup) -> dict[str, Any]:
        """Restore, then remove; raises RestoreFailed when the VM cannot be removed."""
        drill = BackupDeployment(context, job, params, "", SUFFIX)
        made = await drill.deploy()
        try:
            removed = await job.step_as(VmsRemoved, REMOVE, drill.remove, cleanup=True)
        except VmkopsError as error:
            raise RestoreFailed(
                f"The backup was restored, so it works, but its VM could not be removed: {error}"
            ) from error
        return {**made, "removed": removed.removed}


ACTION = RestoreDrill()
