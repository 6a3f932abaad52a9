"""The rows of a restore, of the drill that removes its VM again, of an import, and of a restore onto a VM."""

from __future__ import annotations

from tests.e2e.faults.cases import HELD, PASSING, Row, every

SPEC, IMPORT, COMPLETE, DESTROY = "CreateImportSpec", "ImportVApp", "HttpNfcLeaseComplete", "Destroy_Task"
ON, RECONFIG = "PowerOnVM_Task", "ReconfigVM_Task"

WITHOUT_ITS_LEASE = {"session lost": "failed"}
"""A lease ends with the session that opened it; the incomplete VM is removed, and nothing is lost."""
AS_IT_WAITS = every(
    "as for `WaitForUpdatesEx`, the call that waits for the same lease", "slow", "answer lost", "time-out", "503", *HELD
)
"""For the short calls around that one."""
TOO_LATE = {"cancel": "succeeded"}
LEFT = dict.fromkeys(("refused", "task fails"), "failed, reported")
GIVING_UP = ((COMPLETE, "NoPermission"),)

RESTORE = [
    Row(action="restore", step="send the disks", call=SPEC),
    Row(action="restore", step="send the disks", call=IMPORT),
    Row(
        action="restore",
        step="send the disks",
        call="CreateFilter",
        since=IMPORT,
        ends=WITHOUT_ITS_LEASE,
        blank=AS_IT_WAITS,
    ),
    Row(action="restore", step="send the disks", call="WaitForUpdatesEx", since=IMPORT, ends=WITHOUT_ITS_LEASE),
    Row(
        action="restore",
        step="send the disks",
        call="Fetch",
        since=IMPORT,
        ends=WITHOUT_ITS_LEASE,
        blank=AS_IT_WAITS,
    ),
    Row(action="restore", step="send the disks", call="HttpNfcLeaseGetManifest", ends=WITHOUT_ITS_LEASE),
    Row(action="restore", step="send the disks", call=COMPLETE, ends=WITHOUT_ITS_LEASE),
    Row(action="restore", step="send the disks", call="RetrievePropertiesEx", since=COMPLETE),
    Row(
        action="restore",
        step="send the disks",
        call="HttpNfcLeaseAbort",
        rules=GIVING_UP,
        ends=every("failed"),
        blank=every("everything is sent again, as in the rows above", "kill -9", "SIGTERM")
        | {"cancel": "the job reports what it notices first, the failure or the cancel"},
    ),
    Row(
        action="restore",
        step="look at the VM",
        call=RECONFIG,
        ends=dict.fromkeys(("refused", "task fails"), "succeeded") | TOO_LATE,
    ),
    Row(action="restore", step="remove the VM", call=DESTROY, rules=GIVING_UP, ends=every("failed") | LEFT),
    Row(
        action="restore-drill",
        step="power on",
        call=ON,
        unnamed=True,
        blank=every("as for the same call of power-on; the VM of the drill is then removed", *PASSING, *HELD),
    ),
    Row(
        action="restore-drill",
        step="take a picture",
        call="CreateScreenshot_Task",
        unnamed=True,
        ends=dict.fromkeys(("refused", "task fails"), "succeeded"),
        blank=every("the drill continues, with a picture or without one", *(set(PASSING) - {"time-out"}), *HELD),
    ),
    Row(
        action="restore-drill",
        step="remove the VM",
        call=DESTROY,
        unnamed=True,
        ends=LEFT,
        blank=every("as for the same call of a restore", *PASSING, *HELD),
    ),
    Row(action="import-ovf", step="send the disks", call=IMPORT),
    Row(action="import-ovf", step="send the disks", call=COMPLETE, ends=WITHOUT_ITS_LEASE),
    Row(action="import-ovf", step="look at the VM", call="RetrievePropertiesEx", since=COMPLETE, ends=TOO_LATE),
    Row(action="import-ovf", step="remove the VM", call=DESTROY, rules=GIVING_UP, ends=every("failed") | LEFT),
]

MOVE = "MoveVirtualDisk_Task"
SWAP_FAILS = ((RECONFIG, "FileLocked"),)
SWAP_FAILS_LATE = ((RECONFIG, "FileLocked, done"),)
"""The change of the VM is made, and its task fails."""
SECONDARY = ("slow", "session lost", "time-out", "503", "SIGTERM")
KILLED_ELSEWHERE = every("the call names no VM; `test_restore_onto.py` kills the service at this moment", *HELD)


def as_for(action: str) -> dict[str, str]:
    """The columns in which a call is tested with another action only."""
    return every(f"as for the same call of {action}", *SECONDARY)


ONTO = [
    Row(
        action="restore",
        step="move the disks",
        call=RECONFIG,
        unnamed=True,
        blank=as_for("`set-time-sync`")
        | every("as for the same call in the step *swap the disks*", "task fails", "answer lost", "late")
        | KILLED_ELSEWHERE,
    ),
    Row(
        action="restore",
        step="move the disks",
        call=MOVE,
        unnamed=True,
        blank=every("as for `RelocateVM_Task` of `migrate`", *SECONDARY) | KILLED_ELSEWHERE,
    ),
    Row(action="restore", step="safety snapshot", call="CreateSnapshot_Task", blank=as_for("`snapshot-create`")),
    Row(action="restore", step="swap the disks", call=RECONFIG, ends=TOO_LATE, blank=as_for("`set-time-sync`")),
    Row(
        action="restore",
        step="remove the temporary VM",
        call="RevertToSnapshot_Task",
        rules=SWAP_FAILS_LATE,
        ends=every("failed") | LEFT | {"late": "failed, reported"},
        blank=as_for("`snapshot-revert`"),
    ),
    Row(
        action="restore",
        step="remove the temporary VM",
        call="DeleteVirtualDisk_Task",
        unnamed=True,
        rules=SWAP_FAILS,
        ends=every("failed") | LEFT,
        blank=every("as for the call that moves the files", *SECONDARY, "answer lost")
        | {"refused": "as for *task fails*"}
        | every("the job is failing already, and goes on to clean up", *HELD),
    ),
    Row(action="restore-disk", step="attach the disk", call=RECONFIG, ends=TOO_LATE, blank=as_for("`set-time-sync`")),
    Row(
        action="restore-disk",
        step="remove the temporary VM",
        call=DESTROY,
        unnamed=True,
        ends=LEFT,
        blank=every("as for the same call of a restore", *SECONDARY, "refused", "answer lost", "late", *HELD),
    ),
]
"""With the parameter `onto`, and of one disk."""
