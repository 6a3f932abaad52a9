"""A backup is sized before it starts, by what earlier copies measured, and shows how its snapshot grows."""

from __future__ import annotations

import re
from typing import Any

from tests.e2e.actions import checked, refused
from tests.e2e.conftest import VM
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

TB = 10**12


def test_dry_run_says_bytes_time_and_room_and_refuses_what_cannot_end_in_its_window(
    service: RunningService, vcenter: Vcsim
) -> None:
    before = checked(service, "backup", vm=VM, within="6h")
    assert "no measurement yet" in before["size"]["message"]
    assert before["window"]["severity"] == "warn"

    vcenter.nfc(bytes_per_second=6_000_000)
    assert service.ended(service.backup(VM, within="6h")["id"])["state"] == "succeeded"
    vcenter.change_vm(VM, properties={"summary.storage.committed": 50 * TB})

    def resized() -> dict[str, dict[str, str]]:
        found = checked(service, "backup", vm=VM, within="6h")
        return found if "50.0 TB" in found["size"]["message"] else {}

    after = wait_for(resized, what="the new size")
    said = after["size"]["message"]
    assert re.search(r"Up to 50\.0 TB are read\. That takes about \d+ d \d+ h: \d\.\d MB/s for each disk", said), said
    assert "measured from 1 copy of this host and datastore" in said
    assert "The datastore LocalDS_0 has" in said
    assert after["window"]["severity"] == "refuse"
    assert "the window ends in 6 h" in refused(service, "backup", vm=VM, within="6h")
    assert "window" not in checked(service, "backup", vm=VM)
    assert service.call("POST", "/actions/backup/check", {"params": {"vm": VM, "within": "soon"}})[0] == 400
    assert service.call("POST", "/actions/backup/check", {"params": {"vm": VM, "until": "tomorrow"}})[0] == 400


def grown(vcenter: Vcsim, size: int) -> dict[str, Any]:
    """The layout of a VM whose delta disk has so many bytes."""
    moref = vcenter.snapshots()[VM][0]["moref"]
    usual = {"type": "diskExtent", "uniqueSize": 0, "accessible": True}
    names = ["a/a.vmdk", "a/a-000001-delta.vmdk"]
    files = [{"key": key, "name": f"[LocalDS_0] {name}", "size": size, **usual} for key, name in enumerate(names)]
    base, delta = {"fileKey": [0]}, {"fileKey": [1]}
    snapshot = {
        "key": {"type": "VirtualMachineSnapshot", "value": moref},
        "dataKey": -1,
        "memoryKey": -1,
        "disk": [{"key": 204, "chain": [base]}],
    }
    return {
        "layoutEx.file": files,
        "layoutEx.disk": [{"key": 204, "chain": [base, delta]}],
        "layoutEx.snapshot": [snapshot],
    }


def test_progress_shows_how_the_snapshot_grows(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.nfc(stall_after_bytes=1_000_000)
    job_id = service.backup(VM)["id"]
    service.reading(job_id)

    vcenter.change_vm(VM, properties=grown(vcenter, 5_000_000_000))
    wait_for(lambda: service.job(job_id)["progress"]["delta"] == 5_000_000_000, what="the size", explain=service.log)

    vcenter.reset_nfc()
    assert service.ended(job_id)["state"] == "succeeded"
