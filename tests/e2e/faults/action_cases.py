"""The rows of all actions but backup, restore, import and export."""

from __future__ import annotations

from tests.e2e.faults.cases import HELD, Row, every

ON, OFF, RESET = "PowerOnVM_Task", "PowerOffVM_Task", "ResetVM_Task"
TAKE, REMOVE, MERGE, REVERT = (
    "CreateSnapshot_Task",
    "RemoveSnapshot_Task",
    "ConsolidateVMDisks_Task",
    "RevertToSnapshot_Task",
)
RECONFIGURE, SHUT_DOWN = "ReconfigVM_Task", "ShutdownGuest"
ENTER, EXIT, MOVE = "EnterMaintenanceMode_Task", "ExitMaintenanceMode_Task", "RelocateVM_Task"

UNSEEN = {"refused": "failed, done"}
"""The change is made, but vCenter refuses to show it, and the job reports that."""
AFTER_IT = UNSEEN | {"cancel": "cancelled, done"}
TOO_LATE = {"cancel": "succeeded"}
"""The change cannot be stopped, and nothing follows it."""
NO_RETRY = {"answer lost": "failed", "time-out": "failed", "503": "failed"}
"""A ping reports at once whether vCenter answers."""

ONCE = {"late": "failed, done"}
"""It is not made again, because twice would be once too often; the job reports that it may still happen."""
HARMLESS = (MERGE, ENTER, EXIT, MOVE)
"""Done late too, these find nothing to do."""

LONG = every("a rescan may take half an hour", "time-out", "late")

CHECK = Row(
    action="power-off",
    step="check",
    call="RetrievePropertiesEx",
    effect=OFF,
    blank=every("nothing has started yet", *HELD),
)
"""The check at the start of a job that may have waited for long; `test_waiting.py` runs it."""
ACTIONS = [
    Row(action="power-on", step="power on", call=ON, stops=True),
    Row(action="power-off", step="power off", call=OFF, stops=True),
    Row(action="power-off", step="power off", call="CreateFilter", since=OFF, effect=OFF, ends=AFTER_IT, stops=True),
    Row(
        action="power-off", step="power off", call="WaitForUpdatesEx", since=OFF, effect=OFF, ends=AFTER_IT, stops=True
    ),
    Row(
        action="power-off",
        step="power off",
        call="DestroyPropertyCollector",
        since=OFF,
        effect=OFF,
        ends=AFTER_IT,
        stops=True,
    ),
    Row(action="power-off", step="power off", call="Fetch", since=OFF, effect=OFF, ends=AFTER_IT, stops=True),
    Row(action="reset", step="reset", call=RESET, ends=TOO_LATE | ONCE),
    Row(
        action="guest-shutdown",
        step="ask the guest",
        call=SHUT_DOWN,
        ends={"cancel": "cancelled, done"},
    ),
    Row(
        action="guest-shutdown",
        step="wait until it is off",
        call="RetrievePropertiesEx",
        since=SHUT_DOWN,
        effect=SHUT_DOWN,
        ends=AFTER_IT,
        stops=True,
    ),
    Row(action="answer-question", step="answer", call="AnswerVM", ends=TOO_LATE),
    Row(action="set-time-sync", step="set time sync", call=RECONFIGURE, ends=TOO_LATE),
    Row(action="disconnect-removables", step="disconnect", call=RECONFIGURE, ends=TOO_LATE),
    Row(action="serial-pipe", step="server end", call=RECONFIGURE, ends={"cancel": "cancelled, done"}),
    Row(action="snapshot-create", step="snapshot", call=TAKE, stops=True),
    Row(
        action="snapshot-create",
        step="snapshot",
        call="RetrievePropertiesEx",
        since=TAKE,
        effect=TAKE,
        ends=UNSEEN,
        stops=True,
    ),
    Row(action="snapshot-remove", step="remove snapshot", call=REMOVE, ends=TOO_LATE),
    Row(
        action="snapshot-remove",
        step="confirm that it is gone",
        call="RetrievePropertiesEx",
        since=REMOVE,
        effect=REMOVE,
        ends=UNSEEN | TOO_LATE,
    ),
    Row(
        action="snapshot-remove",
        step="confirm that it is gone",
        call=MERGE,
        effect=REMOVE,
        ends={"refused": "partial", "task fails": "partial"} | TOO_LATE,
    ),
    Row(action="consolidate", step="consolidate", call=MERGE, ends=TOO_LATE),
    Row(action="snapshot-revert", step="revert", call=REVERT, ends=TOO_LATE | ONCE),
    Row(action="host-maintenance-enter", step="enter maintenance mode", call=ENTER, stops=True),
    Row(action="migrate", step="move", call=MOVE, stops=True),
    Row(action="host-maintenance-exit", step="exit maintenance mode", call=EXIT, stops=True),
    Row(action="rescan", step="rescan HBAs", call="RescanAllHba", changes=False, blank=LONG),
    Row(action="rescan", step="rescan HBAs", call="RescanHba", changes=False, blank=LONG),
    Row(action="rescan", step="rescan VMFS", call="RescanVmfs", changes=False, blank=LONG, ends=TOO_LATE),
    Row(
        action="rescan",
        step="rescan VMFS",
        call="RetrievePropertiesEx",
        since="RescanVmfs",
        changes=False,
        ends=TOO_LATE,
    ),
    Row(
        action="iscsi-add-target",
        step="add target",
        call="AddInternetScsiSendTargets",
        ends={"cancel": "cancelled, done"},
    ),
    Row(
        action="iscsi-add-target",
        step="add target",
        call="AddInternetScsiStaticTargets",
        ends={"cancel": "cancelled, done"},
    ),
    Row(
        action="ping",
        step="ask vCenter",
        call="CurrentTime",
        unnamed=True,
        changes=False,
        ends=NO_RETRY,
        blank=every("it is short and changes nothing", *HELD),
    ),
]
