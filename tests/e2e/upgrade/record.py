"""Records what a service leaves behind when it is killed: `python -m tests.e2e.upgrade.record`. See README.md."""

from __future__ import annotations

import contextlib
import importlib.metadata
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.e2e.actions import act, begin
from tests.e2e.upgrade.recording import BACKUPS, RECORDINGS, save
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import ANNA, OPERATORS, RunningService, vcenter_settings

FLAGS = ("-vm", "3")
"""The simulator's, which then gives the same VMs the same morefs each time."""
COPYING, FAILING, FINISHING = "DC0_H0_VM0", "DC0_H0_VM1", "DC0_H0_VM2"
KEPT, QUEUED, STOPPING = "DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1", "DC0_C0_RP0_VM2"
"""The VMs, by what the recording has of them."""
RUNNING = ("copying", "failing", "finishing", "stopping", "restoring")
LIVE = (*RUNNING, "queued", "reset")
ENDED = ("succeeded", "verified", "cancelled", "failed")
"""The jobs, by what became of them."""
DISK = b"KDMV\n" + b"".join(b"Line %d stands for the disk of a VM.\n" % number for number in range(64))
"""What all VMs have for a disk: text, so that a package with it can be read, but for how a VMDK begins."""
SNAPSHOTS = {COPYING: "@copying-snapshot@", FAILING: "@failing-snapshot@", FINISHING: "@finishing-snapshot@"}
"""What stands for the morefs of the snapshots that are on the VMs."""
BACKUPS_DIR = "@backups-dir@"
"""What stands for the folder of the backups."""
RESTORED = "restored"
"""The VM that a job is about to make."""
SCHEDULE = {"action": "ping", "params": {}, "cron": "0 0 29 2 *", "timezone": "Europe/Berlin"}
SOURCE = {"distribution": "centos", "version": "4", "disk": ["sda:39070080"], "target_ip": "192.0.2.3"}


def put_disks(vcenter: Vcsim) -> None:
    """Give every VM the disk."""
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(DISK)
        for vm in vcenter.vms():
            vcenter.put_disk(vm["disks"][0]["path"], Path(file.name))


def record(to: Path) -> None:
    """Let a service do some of everything, kill it, and write what it leaves into the new folder `to`."""
    data_dir = Path("data")  # as by default, so that no path of this machine is written down
    with Vcsim(FLAGS) as vcenter:
        put_disks(vcenter)
        settings = vcenter_settings(vcenter) | OPERATORS
        with RunningService(data_dir, settings | {"VMKOPS_MAX_JOBS": "1"}) as service:
            jobs = end_some(service, vcenter)
            paths = ["/backups", "/schedules/leap-day", f"/p2v/runs/{work_through(service)}"]
            assert service.call("PUT", "/schedules/leap-day", SCHEDULE)[0] == 200
        settings["VMKOPS_MAX_JOBS"] = str(len(RUNNING))
        with RunningService(data_dir, settings, token=service.token) as service:
            jobs |= leave_some(service, vcenter, jobs["succeeded"])
            answers = {path: answer(service, path) for path in [*paths, *(f"/jobs/{job}" for job in jobs.values())]}
            service.kill()
        snapshots = {vm: found[0] for vm, found in vcenter.snapshots().items()}
    words = {snapshots[vm].pop("moref"): placeholder for vm, placeholder in SNAPSHOTS.items()}
    words[str(data_dir / BACKUPS)] = BACKUPS_DIR
    before = {"token": service.token, "jobs": jobs, "snapshots": snapshots, "answers": answers}
    save(data_dir, to, words, before)


def end_some(service: RunningService, vcenter: Vcsim) -> dict[str, str]:
    """Jobs that have ended in each way; their ids."""
    succeeded = act(service, "backup", vm=KEPT)
    verified = act(service, "verify-backup", backup=succeeded["id"])
    vcenter.nfc(stall_after_bytes=1000)
    cancelled = begin(service, "backup", vm=COPYING)
    service.reading(cancelled)
    failed = begin(service, "backup", vm=QUEUED)  # which finds what has changed while it was queued
    vcenter.change_vm(QUEUED, consolidation_needed=True)
    service.call("POST", f"/jobs/{cancelled}/cancel")
    ended = [succeeded, verified, service.ended(cancelled), service.ended(failed)]
    assert [job["state"] for job in ended] == ["succeeded", "succeeded", "cancelled", "failed"], ended
    vcenter.change_vm(QUEUED, consolidation_needed=False)
    vcenter.reset_nfc()
    return {"succeeded": succeeded["id"], "verified": verified["id"], "cancelled": cancelled, "failed": failed}


def leave_some(service: RunningService, vcenter: Vcsim, backup: str) -> dict[str, str]:
    """Jobs that run, each held in another place, and jobs in the queue; their ids."""
    vcenter.nfc(vm=COPYING, stall_after_bytes=1000)
    vcenter.fault("ExportSnapshot", "NoPermission", object_name=FAILING)
    held = {
        "copying": begin(service, "backup", vm=COPYING),
        "failing": begin_held(service, vcenter, "RemoveSnapshot_Task", "backup", vm=FAILING),
        "finishing": begin_held(service, vcenter, "RemoveSnapshot_Task", "backup", vm=FINISHING),
        "stopping": begin_held(service, vcenter, "PowerOffVM_Task", "power-off", vm=STOPPING),
        "restoring": begin_held(service, vcenter, "ImportVApp", "restore", backup=backup, name=RESTORED),
    }
    service.reading(held["copying"])
    return {
        **held,
        "queued": begin(service, "backup", vm=QUEUED),
        "reset": begin(service, "reset", vm=KEPT),
    }


def begin_held(service: RunningService, vcenter: Vcsim, call: str, action: str, **params: str) -> str:
    """Start a job and wait until it makes the call, which then does nothing; its id."""
    vcenter.fault(call, hold="call", object_name=params.get("vm", ""))
    job_id = begin(service, action, **params)
    wait_for(lambda: vcenter.faults()[-1]["acted"], timeout=60, what=call, explain=service.log)
    return job_id


def work_through(service: RunningService) -> str:
    """A run of the P2V checklist with one step done and one skipped; its id."""
    _, run = service.call_as(ANNA, "POST", "/p2v/runs", SOURCE)
    first, second = [item["id"] for phase in run["phases"] for item in phase["items"]][:2]
    marks = {first: {"state": "done", "note": "on the laptop"}, second: {"state": "skipped", "reason": "is there"}}
    for item, mark in marks.items():
        status, said = service.call("PATCH", f"/p2v/runs/{run['id']}/items/{item}", mark)
        assert status == 200, said
    return str(run["id"])


def answer(service: RunningService, path: str) -> Any:
    """What the service answers, without what it takes from the clock or from its own pages."""
    status, found = service.call("GET", path)
    assert status == 200, found
    return {key: value for key, value in found.items() if key not in {"next_at", "phases", "notes"}}


if __name__ == "__main__":
    folder = RECORDINGS / importlib.metadata.version("vmkops")
    if folder.exists():
        sys.exit(f"{folder} exists already. Remove it first to make it anew.")
    with tempfile.TemporaryDirectory() as aside, contextlib.chdir(aside):
        record(folder)
    print(folder)
