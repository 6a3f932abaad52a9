"""The rows of a backup, and of a mount, which has the same steps: some rows of each kind show that."""

from __future__ import annotations

from tests.e2e.faults.cases import HELD, LASTING, PASSING, Row, every

TOO_LATE = {"cancel": "succeeded"}
"""The package is complete by then; what is left to do is done in any case."""
BLIND = {"refused": "failed, reported"}
"""The same refusal prevents the removal of the snapshot."""
NOT_A_CALL = every("it is not a call to vCenter", *LASTING, *PASSING)
AS_IT_WAITS = every("as for `WaitForUpdatesEx`, the call that waits for the same task", *PASSING, *HELD)
"""For the short calls around that one."""
AS_KILLED = {"SIGTERM": "as for *kill -9*"}
"""For most rows: an orderly stop is gentler, and some rows of each kind show it."""

TAKE, EXPORT, REMOVE, MERGE = "CreateSnapshot_Task", "ExportSnapshot", "RemoveSnapshot_Task", "ConsolidateVMDisks_Task"

BACKUP = [
    Row(action="backup", step="quiesce", call="<the hook before the freeze runs>", blank=NOT_A_CALL),
    Row(action="backup", step="snapshot", call=TAKE),
    Row(
        action="backup",
        step="snapshot",
        call="CreatePropertyCollector",
        since=TAKE,
        unnamed=True,
        ends=BLIND,
        blank=AS_IT_WAITS,
    ),
    Row(action="backup", step="snapshot", call="CreateFilter", since=TAKE, ends=BLIND, blank=AS_IT_WAITS),
    Row(action="backup", step="snapshot", call="WaitForUpdatesEx", since=TAKE, ends=BLIND),
    Row(action="backup", step="snapshot", call="DestroyPropertyCollector", since=TAKE, ends=BLIND, blank=AS_IT_WAITS),
    Row(action="backup", step="snapshot", call="Fetch", since=TAKE, ends=BLIND, blank=AS_IT_WAITS),
    Row(action="backup", step="snapshot", call="RetrievePropertiesEx", since=TAKE, ends=BLIND, blank=AS_KILLED),
    Row(action="backup", step="unquiesce", call="<the hook after the thaw runs>", blank=NOT_A_CALL),
    Row(action="backup", step="mount", call=EXPORT, open_lease=("answer lost", "time-out", "late", "kill -9")),
    Row(
        action="backup",
        step="mount",
        call="WaitForUpdatesEx",
        since=EXPORT,
        ends=BLIND,
        open_lease=("kill -9",),
        blank=AS_KILLED,
    ),
    Row(
        action="backup",
        step="mount",
        call="HttpNfcLeaseSetManifestChecksumType",
        ends={"refused": "succeeded"},
        open_lease=("kill -9",),
        blank=AS_KILLED,
    ),
    Row(action="backup", step="back up", call="<half of a disk is read>", blank=NOT_A_CALL, stops=True),
    Row(
        action="backup", step="back up", call="HttpNfcLeaseGetManifest", ends={"refused": "succeeded"}, blank=AS_KILLED
    ),
    Row(action="backup", step="back up", call="CreateDescriptor", ends=TOO_LATE, blank=AS_KILLED),
    Row(action="backup", step="unmount", call="HttpNfcLeaseComplete", ends={"refused": "succeeded"} | TOO_LATE),
    Row(
        action="backup",
        step="unmount",
        call="HttpNfcLeaseAbort",
        rules=(("CreateDescriptor", "NoPermission"),),
        ends=every("failed"),
        open_lease=("refused",),
        blank=AS_KILLED,
    ),
    Row(
        action="backup",
        step="remove snapshot",
        call=REMOVE,
        ends={"refused": "failed, reported", "task fails": "failed, reported"} | TOO_LATE,
    ),
    Row(
        action="backup",
        step="remove snapshot",
        call="RetrievePropertiesEx",
        since=REMOVE,
        ends={"refused": "failed, reported"} | TOO_LATE,
        blank=AS_KILLED,
    ),
    Row(
        action="backup",
        step="remove snapshot",
        call=MERGE,
        ends={"refused": "partial", "task fails": "partial"} | TOO_LATE,
        blank=AS_KILLED,
    ),
]

MOUNTING = [
    Row(action="mount", step="snapshot", call=TAKE, blank=AS_KILLED),
    Row(
        action="mount",
        step="open the lease",
        call=EXPORT,
        open_lease=("answer lost", "time-out", "late", "kill -9"),
        blank=AS_KILLED,
    ),
    Row(action="mount", step="copy the disks", call="CreateDescriptor"),
    Row(
        action="mount",
        step="close the lease",
        call="HttpNfcLeaseComplete",
        ends={"refused": "succeeded"},
        blank=AS_KILLED,
    ),
    Row(
        action="mount",
        step="remove snapshot",
        call=REMOVE,
        ends={"refused": "failed, reported", "task fails": "failed, reported"},
    ),
    Row(
        action="mount",
        step="remove snapshot",
        call=MERGE,
        ends={"refused": "succeeded", "task fails": "succeeded"},
        blank=AS_KILLED,
    ),
]
