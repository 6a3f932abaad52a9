"""The rows of a restore, of the drill that removes its VM again, and of an import."""

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
