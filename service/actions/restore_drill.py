"""Proves that a kept backup can be restored: makes a VM of it, looks at it, and removes it."""

from __future__ import annotations

from typing import Any

from service.actions._base import Action, Equipment, JobControl, Target
from service.actions._making import CONFIRM, PACKAGE, REMOVE, SEND
from service.actions._restoring import FromBackup, Restoring, preflight
from service.errors import RestoreFailed, VmkopsError

SUFFIX = "-drill"


class RestoreDrill(Action):
    """A restore whose VM does not stay."""

    name = "restore-drill"
    summary = "Restore a kept backup, look at the VM, and remove it: the proof that the backup works."
    steps = (PACKAGE, SEND, CONFIRM, REMOVE)
    params = FromBackup

    async def target(self, equipment: Equipment, params: FromBackup) -> Target:
        """As for a restore."""
        return await preflight(equipment, params, "", SUFFIX)

    async def run(self, equipment: Equipment, job: JobControl, params: FromBackup) -> dict[str, Any]:
        """Restore, then remove; raises RestoreFailed when the VM does not go away."""
        drill = Restoring(equipment, job, params, "", SUFFIX)
        made = await drill.make()
        try:
            removed = await job.step(REMOVE, drill.remove, cleanup=True)
        except VmkopsError as error:
            raise RestoreFailed(f"The backup was restored, but its VM is still there: {error}") from error
        return {**made, "removed": removed["removed"]}


ACTION = RestoreDrill()
