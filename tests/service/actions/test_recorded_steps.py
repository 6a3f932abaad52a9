"""Jobs outlive an upgrade: steps and the fields of their results keep the names that version 0.1.0 recorded."""

from __future__ import annotations

from typing import Any

import pytest

from service.actions import all_actions
from service.actions._copies import CopiesStarted
from service.actions._deploy import Confirmed, NewVm, VmsRemoved
from service.actions._disks import Listed
from service.actions._fleet_run import Moved
from service.actions._onto import OntoPlan, SafetyTaken
from service.actions._rescan import Found
from service.actions._targeted import Changed, Checked
from service.actions.backup import FilesPublished
from service.actions.consolidate import Merged
from service.actions.copy_backup import FileCopied, Finished, Plan
from service.actions.disconnect_removables import Disconnected
from service.actions.fetch_backup import Listed as CopyListed
from service.actions.fleet import Selection
from service.actions.guest_shutdown import Asked
from service.actions.host_maintenance_enter import VmMoved, VmsToMove
from service.actions.iscsi_add_target import Added
from service.actions.mount import Staged
from service.actions.prune_backups import Choice, CopiesPruned, Removal
from service.actions.rescan import Before
from service.actions.restore_disk import Attached, DiskPlan
from service.actions.restore_drill import Booted, Pictured
from service.actions.serial_pipe import PipeEnd
from service.actions.snapshot_create import SnapshotTaken as SnapshotKept
from service.actions.snapshot_remove import Confirmed as RemovalConfirmed
from service.actions.verify_backup import DescriptorChecked, FileRead, ToVerify, VerdictWritten
from service.backups.kept_files import FilesKept
from service.backups.plan import BackupPlan, PackageWritten, SnapshotRemoved, SnapshotTaken
from service.backups.saving import SavedFile
from service.backups.staged_files import FilesWritten
from service.jobs.action import StepResult
from service.packages.deployable import Deployable
from service.packages.download import Fetched, FetchedFile
from service.packages.export import Described, Exported, ExportPlan
from service.packages.folder import CopiedFile
from service.transfer.export_lease import OpenedLease
from service.vsphere.vms import VmState

DISK = {"key": "/vm-7/ParaVirtualSCSIController0:0", "file": "web-disk-0.vmdk", "size": 512, "sha256": "ab" * 32}
COPIED = {"name": "web-disk-0.vmdk", "size": 512, "sha256": "ab" * 32}
LEASED = {"key": DISK["key"], "file": "disk-0.vmdk", "size": None}
SOURCE = {
    "name": "web-disk-0.vmdk",
    "path": "web-disk-0.vmdk",
    "size": 512,
    "offset": 0,
    "algorithm": "sha256",
    "digest": "ab" * 32,
    "disk": True,
}
STORAGE = {
    "hbas": [
        {
            "device": "vmhba64",
            "model": "iSCSI Software Adapter",
            "iscsi_name": "iqn.1998-01.com.example:h",
            "software": True,
            "send_targets": ["192.0.2.1:3260"],
            "static_targets": [],
        }
    ],
    "luns": ["naa.600508b1"],
    "volumes": ["datastore1"],
}
VERDICT = {
    "verdict": "good",
    "verified_at": "2026-03-01T12:00:00Z",
    "verified_by": "slack:U0ANNA",
    "token": "bot",
    "job": "j1",
    "problems": [],
    "warnings": ["the disk holds less than the VM"],
}
KEPT = {
    "id": "j0",
    "state": "unverified",
    "reason": "",
    "vm": {"name": "web", "uuid": "4212", "moref": "vm-7", "vcenter": "default"},
    "path": "/data/backups/web/j0",
    "created_at": "2026-03-01T12:00:00Z",
    "requested_by": "slack:U0ANNA",
    "token": "bot",
    "consistency": "quiesced",
    "size": 512,
    "disks": [{"file": "web-disk-0.vmdk", "size": 512, "sha256": "ab" * 32}],
    "left_out": [],
    "missing": 0,
    "verified": None,
}
TURNS = ["host:host-21", "datastore:datastore-5"]
RECORDED: list[tuple[type[StepResult], dict[str, Any]]] = [
    (
        BackupPlan,
        {
            "name": "web",
            "uuid": "4212",
            "quiesce": True,
            "running": True,
            "allocated": 1024,
            "parallel": 2,
            "turns": TURNS,
            "eligible": ["Hard disk 1"],
            "left_out": ["Hard disk 2: it is independent persistent"],
        },
    ),
    (SnapshotTaken, {"moref": "snapshot-9", "consistency": "quiesced"}),
    (OpenedLease, {"lease": "session[1]2", "disks": [LEASED], "missing": 0}),
    (CopiedFile, DISK),
    (
        SavedFile,
        {
            **DISK,
            "archive": "95f4a8c8",
            "path": "4210-77/disk-0.raw",
            "raw_size": 65536,
            "raw_sha256": "cd" * 32,
            "added": 4096,
        },
    ),
    (
        PackageWritten,
        {"package": "/data/backups/web/j1", "files": ["web.mf", "web.ovf"], "size": 512, "disks": [DISK], "missing": 0},
    ),
    (SnapshotRemoved, {"removed": True, "consolidated": False}),
    (ExportPlan, {"moref": "vm-7", "name": "web", "allocated": None, "disks": 1, "turns": TURNS}),
    (Described, {"order": ["web.ovf", "web.mf", "web-disk1.vmdk"]}),
    (
        Exported,
        {
            "path": "/data/exports/web/j1",
            "import_as": "exports/web/j1/web.ova",
            "files": [{"file": "web.ova", "size": 4096, "sha256": "cd" * 32}],
            "size": 4096,
        },
    ),
    (
        Deployable,
        {
            "title": "web.ovf",
            "vm": "web",
            "note": "Imported from web.ovf.",
            "root": "/data/imports",
            "descriptor": SOURCE | {"name": "web.ovf", "path": "web.ovf", "disk": False},
            "files": [SOURCE],
            "networks": ["VM Network"],
            "capacities": [1 << 20],
            "warnings": [],
        },
    ),
    (
        NewVm,
        {
            "vm": {"moref": "vm-8", "name": "web"},
            "datastore": "datastore1",
            "pool": "Resources",
            "folder": "vm",
            "networks": {"VM Network": "VM Network"},
            "size": 512,
            "warnings": [],
        },
    ),
    (Confirmed, {"power_state": "poweredOff", "disks": [1 << 20]}),
    (VmsRemoved, {"removed": ["web"]}),
    (
        Listed,
        {
            "disks": [
                {
                    "number": 1,
                    "name": "web-disk-0.vmdk",
                    "place": "scsi0:0",
                    "capacity": 1 << 20,
                    "source": "[datastore1] web-restoring-j1/web.vmdk",
                    "target": "[datastore1] web/web-restored-j1-1.vmdk",
                }
            ]
        },
    ),
    (OntoPlan, {"name": "web", "disks": [{"number": 1, "place": "scsi0:0", "replaces": 2000}]}),
    (SafetyTaken, {"snapshot": "snapshot-9"}),
    (DiskPlan, {"name": "web", "number": 1}),
    (Attached, {"place": "scsi0:1"}),
    (Fetched, {"file": "web.ovf", "references": [{"name": "d.vmdk", "url": "https://h/d.vmdk", "size": None}]}),
    (FetchedFile, {"size": 512}),
    (ToVerify, KEPT | {"files": ["web.ovf", "web-disk-0.vmdk"]}),
    (FileRead, {"size": 512, "sha256": "ab" * 32}),
    (DescriptorChecked, {"problems": [], "warnings": ["the disk holds less than the VM"]}),
    (VerdictWritten, VERDICT),
    (Choice, {"going": ["j0"], "staying": 3}),
    (Selection, {"vms": [["moref:vm-7", "web"]], "unmatched": ["tag:x"], "unread": []}),
    (Moved, {"started": [[0, "j1-0000", False]], "ended": [[0, "done", "", False, 0]]}),
    (Removal, {"removed": True, "freed": 512}),
    (Checked, {"state": {"moref": "vm-7", "name": "web"}}),
    (Booted, {"heartbeat": False, "expected": True}),
    (Pictured, {"screenshot": "/data/backups/web/j1/drill.png"}),
    (Changed, {"changed": True}),
    (VmsToMove, {"vms": [{"moref": "vm-7", "name": "web"}]}),
    (VmMoved, {"host": "esx-02"}),
    (Disconnected, {"drives": ["CD/DVD drive 1"]}),
    (Asked, {"asked_at": 1772366400.5}),
    (Before, {"seen": STORAGE}),
    (Found, {"new_luns": ["naa.600508b2"], "new_volumes": []}),
    (Added, {"hba": "vmhba64", "added": True, "seen": STORAGE}),
    (Merged, {"merged": True}),
    (Staged, {"until": "2026-11-27T18:00:00+00:00", "host": "vmkops-01"}),
    (
        FilesKept,
        {
            "volumes": [
                {
                    "name": "disk0/p1",
                    "size": 1024,
                    "type": "ext4",
                    "used_as": "/",
                    "readable": True,
                    "archive": {"file": "disk0-p1.tar", "size": 10240, "sha256": "ab" * 32},
                    "files": 7,
                    "folders": 2,
                    "bytes": 512,
                    "left_out": 1,
                }
            ],
            "files": 7,
            "size": 512,
            "not_found": ["There is no none in the folder /, for /none."],
            "not_read": [],
        },
    ),
    (FilesPublished, {"files": ["backup.json", "disk0-p1.tar", "web.mf"]}),
    (FilesWritten, {"names": ["disk0-p1/", "volumes.json"], "files": 7, "size": 512, "not_read": []}),
    (PipeEnd, {"vm": "web", "port": "Serial port 1"}),
    (SnapshotKept, {"snapshot": "snapshot-9", "consistency": "with memory"}),
    (RemovalConfirmed, {"merged": True}),
    (CopiesStarted, {"copies": [{"to": "offsite", "job": "j1-0000", "why": ""}]}),
    (Plan, {"path": "/data/backups/web/j1", "files": [COPIED], "there": {"web.ovf": 512}}),
    (FileCopied, {"whole": False}),
    (Finished, {"copied_at": "2026-11-27T18:00:00+00:00", "verified_at": "2026-11-27T18:00:00+00:00"}),
    (CopyListed, {"files": [{"file": "web-disk-0.vmdk", "size": 512, "sha256": "ab" * 32}], "vm": "web"}),
    (CopiesPruned, {"to": "offsite", "removed": ["j0"], "refused": [], "why": ""}),
    (StepResult, {}),
]

STEPS = {
    "answer-question": ("check", "answer"),
    "backup": ("quiesce", "snapshot", "unquiesce", "mount", "back up", "unmount", "remove snapshot"),
    "consolidate": ("check", "consolidate"),
    "copy-backup": ("look at the target", "copy", "read back", "complete the copy"),
    "disconnect-removables": ("check", "disconnect"),
    "export-ovf": ("check", "open the lease", "copy the disks", "describe", "close the lease", "write the package"),
    "fetch-backup": ("look at the copy", "fetch", "check and keep"),
    "guest-shutdown": ("check", "ask the guest", "wait until it is off"),
    "host-maintenance-enter": ("check", "list the VMs", "move a VM", "enter maintenance mode"),
    "host-maintenance-exit": ("check", "exit maintenance mode"),
    "import-ovf": (
        "fetch the package",
        "read the package",
        "send the disks",
        "look at the VM",
        "remove the VM",
        "remove what was fetched",
    ),
    "iscsi-add-target": ("check", "add target", "rescan HBAs", "rescan VMFS"),
    "migrate": ("check", "move"),
    "ping": ("ask vCenter",),
    "power-off": ("check", "power off"),
    "power-on": ("check", "power on"),
    "fleet": ("select", "run"),
    "mount": (
        "quiesce",
        "snapshot",
        "unquiesce",
        "open the lease",
        "copy the disks",
        "close the lease",
        "remove snapshot",
        "extract the files",
        "stage",
    ),
    "prune-backups": ("choose", "remove", "prune copies"),
    "rescan": ("check", "note what is seen", "rescan HBAs", "rescan VMFS"),
    "reset": ("check", "reset"),
    "restore": ("read the package", "send the disks", "look at the VM", "remove the VM"),
    "restore-disk": (
        "check",
        "read the package",
        "send the disks",
        "look at the VM",
        "look at the temporary VM",
        "move the disks",
        "attach the disk",
        "remove the VM",
    ),
    "restore-drill": (
        "read the package",
        "send the disks",
        "look at the VM",
        "power on",
        "wait for the guest",
        "take a picture",
        "power off",
        "remove the VM",
    ),
    "serial-pipe": ("check", "server end", "client end"),
    "set-time-sync": ("check", "set time sync"),
    "snapshot-create": ("check", "snapshot"),
    "snapshot-remove": ("check", "remove snapshot", "confirm that it is gone"),
    "snapshot-revert": ("check", "revert"),
    "verify-backup": ("read every file", "follow the descriptor", "keep the verdict"),
}


def test_steps_have_the_names_under_which_jobs_recorded_them() -> None:
    assert {name: action.steps for name, action in all_actions().items()} == STEPS


@pytest.mark.parametrize(("result", "recorded"), RECORDED, ids=lambda value: getattr(value, "__name__", ""))
def test_result_of_a_step_is_read_as_it_was_recorded(result: type[StepResult], recorded: dict[str, Any]) -> None:
    recorded = {**recorded, "detail": "what the step did"}

    read = result.model_validate(recorded).model_dump(mode="json")
    assert _as_recorded(read, recorded) == recorded  # fields that were added since have their defaults


def test_state_of_a_vm_is_read_as_it_was_recorded() -> None:
    recorded = {
        "moref": "vm-7",
        "name": "web",
        "at": "2026-03-01T12:00:00+00:00",
        "host": "host-21",
        "connection": "connected",
        "power_state": "poweredOff",
        "template": False,
        "tools_running": False,
        "time_sync": False,
        "consolidation_needed": False,
        "question": {"id": "7", "text": "Moved?", "choices": {"0": "Cancel"}},
        "snapshots": [],
        "tasks": [],
    }

    state = VmState.model_validate(recorded)

    assert (state.moref, state.power_state, state.at) == ("vm-7", "poweredOff", recorded["at"])


def test_backup_and_verdict_of_an_earlier_version_have_no_token() -> None:
    former = {name: value for name, value in VERDICT.items() if name != "token"}

    assert VerdictWritten.model_validate(former).token == ""


def test_every_step_result_is_covered() -> None:
    def below(result: type[StepResult]) -> set[type[StepResult]]:
        return {result}.union(*(below(each) for each in result.__subclasses__()))

    assert below(StepResult) == {result for result, _ in RECORDED}


def _as_recorded(read: Any, recorded: Any) -> Any:
    """What was read, with the names only that were recorded."""
    if isinstance(recorded, list):
        return [_as_recorded(*each) for each in zip(read, recorded, strict=True)]
    if isinstance(recorded, dict):
        return {name: _as_recorded(read[name], value) for name, value in recorded.items()}
    return read
