"""The rows of a restore, of the drill that removes its VM again, of an import, and of a restore onto a VM."""

from __future__ import annotations

from tests.e2e.faults.cases import HELD, Row, every

SPEC, IMPORT, COMPLETE, DESTROY = "CreateImportSpec", "ImportVApp", "HttpNfcLeaseComplete", "Destroy_Task"
ON = "PowerOnVM_Task"

WITHOUT_ITS_LEASE = {"session lost": "failed"}
"""A lease ends with the session that opened it; the incomplete VM is removed, and nothing is lost."""
TOO_LATE = {"cancel": "succeeded"}
LEFT = dict.fromkeys(("refused", "task fails"), "failed, reported")
GIVING_UP = ((COMPLETE, "NoPermission"),)

RESTORE = [
    Row(action="restore", step="send the disks", call=SPEC),
    Row(action="restore", step="send the disks", call=IMPORT),
    Row(action="restore", step="send the disks", call="CreateFilter", since=IMPORT, ends=WITHOUT_ITS_LEASE),
    Row(action="restore", step="send the disks", call="WaitForUpdatesEx", since=IMPORT, ends=WITHOUT_ITS_LEASE),
    Row(action="restore", step="send the disks", call="Fetch", since=IMPORT, ends=WITHOUT_ITS_LEASE),
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
    Row(action="restore", step="remove the VM", call=DESTROY, rules=GIVING_UP, ends=every("failed") | LEFT),
    Row(
        action="restore-drill",
        step="power on",
        call=ON,
        unnamed=True,
        blank=every("as for the same call of power-on; the VM of the drill is then removed", *HELD),
    ),
    Row(
        action="restore-drill",
        step="take a picture",
        call="CreateScreenshot_Task",
        unnamed=True,
        ends=dict.fromkeys(("refused", "task fails"), "succeeded"),
        blank=every("the drill continues without a picture", *HELD),
    ),
    Row(
        action="restore-drill",
        step="remove the VM",
        call=DESTROY,
        unnamed=True,
        ends=LEFT,
        blank=every("as for the same call of a restore", *HELD),
    ),
    Row(action="import-ovf", step="send the disks", call=IMPORT),
    Row(action="import-ovf", step="send the disks", call=COMPLETE, ends=WITHOUT_ITS_LEASE),
    Row(action="import-ovf", step="look at the VM", call="RetrievePropertiesEx", since=COMPLETE, ends=TOO_LATE),
    Row(action="import-ovf", step="remove the VM", call=DESTROY, rules=GIVING_UP, ends=every("failed") | LEFT),
]

RECONFIG, MOVE = "ReconfigVM_Task", "MoveVirtualDisk_Task"
SWAP_FAILS = ((RECONFIG, "FileLocked"),)
SWAP_FAILS_LATE = ((RECONFIG, "FileLocked, done"),)
"""The change of the VM is made, and its task fails."""
KILLED_ELSEWHERE = every("the call names no VM; `test_restore_onto.py` kills the service at this moment", *HELD)
AS_FOR_THE_SWAP = "as for the same call in the step *swap the disks*"

ONTO = [
    Row(
        action="restore",
        step="move the disks",
        call=RECONFIG,
        unnamed=True,
        blank=every(AS_FOR_THE_SWAP, "slow", "session lost", "answer lost", "time-out", "503") | KILLED_ELSEWHERE,
    ),
    Row(
        action="restore",
        step="move the disks",
        call=MOVE,
        unnamed=True,
        blank=every(AS_FOR_THE_SWAP, "slow", "session lost", "503") | KILLED_ELSEWHERE,
    ),
    Row(action="restore", step="safety snapshot", call="CreateSnapshot_Task"),
    Row(action="restore", step="swap the disks", call=RECONFIG, ends=TOO_LATE),
    Row(
        action="restore",
        step="remove the VM",
        call="RevertToSnapshot_Task",
        rules=SWAP_FAILS_LATE,
        ends=every("failed") | LEFT,
    ),
    Row(
        action="restore",
        step="remove the VM",
        call="DeleteVirtualDisk_Task",
        unnamed=True,
        rules=SWAP_FAILS,
        ends=every("failed") | LEFT,
        blank=every("as for the call that moves the files", "slow", "session lost", "answer lost", "time-out", "503")
        | every("the job is failing already, and goes on to clean up", *HELD),
    ),
    Row(action="restore-disk", step="attach the disk", call=RECONFIG, ends=TOO_LATE),
    Row(
        action="restore-disk",
        step="remove the VM",
        call=DESTROY,
        unnamed=True,
        ends=LEFT,
        blank=every(
            "as for the same call of a restore", "slow", "session lost", "answer lost", "time-out", "503", *HELD
        ),
    ),
]
"""With the parameter `onto`, and of one disk."""
