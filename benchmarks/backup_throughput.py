"""How fast a backup reads, hashes and writes a disk, beside curl that reads the same lease URL into a file.

Run `make bench`, or `python benchmarks/backup_throughput.py [MB]`. The disk comes from VMware's simulator on this
machine; three rounds in turn, the median counts. Goal: at least 0.9 of curl. The service's memory is looked at too: it
must not grow with the disk.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pyVim.task import WaitForTask
from pyVmomi import vim

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.peers.disks import make_vmdk
from tests.peers.person import signed_in
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

VM, TWIN = "DC0_H0_VM0", "DC0_H0_VM1"
ROUNDS = 3


def main() -> None:
    """Measure and print one table."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    with tempfile.TemporaryDirectory() as name, Vcsim() as vcsim:
        folder = Path(name)
        disk = make_vmdk(folder / "disk.vmdk", size_mb=megabytes, seed=1)
        for vm in (VM, TWIN):
            vcsim.put_disk(vcsim.vm(vm)["disks"][0]["path"], disk)
        with signed_in(vcsim) as instance:
            twin = vim.VirtualMachine(vcsim.vm(TWIN)["moref"], instance._stub)
            WaitForTask(twin.PowerOffVM_Task(), si=instance)
        size = disk.stat().st_size / 1e6
        with RunningService(folder / "data", vcenter_settings(vcsim)) as service:
            resting = resident(service)
            rates: dict[str, list[float]] = {"curl": [], "vmkops backup": []}
            peak = resting
            for _ in range(ROUNDS):
                with lease_url(vcsim) as url:
                    rates["curl"].append(size / curl(url, folder / "curl.vmdk"))
                job = json.loads(service.run("backup", VM, "--json").stdout)
                assert job["state"] == "succeeded", job
                step = next(step for step in job["steps"] if step["name"] == "back up")
                rates["vmkops backup"].append(size / seconds(step["started_at"], step["finished_at"]))
                peak = max(peak, resident(service))
    base = statistics.median(rates["curl"])
    print(f"{'reader':<16}{'MB/s (median)':>15}{'lowest':>9}{'highest':>9}{'of curl':>9}")
    for reader, found in rates.items():
        median = statistics.median(found)
        print(f"{reader:<16}{median:>15.0f}{min(found):>9.0f}{max(found):>9.0f}{median / base:>9.2f}")
    print(f"service memory: {resting:.0f} MB before, {peak:.0f} MB after {ROUNDS} backups of {size:.0f} MB")


@contextlib.contextmanager
def lease_url(vcsim: Vcsim) -> Iterator[str]:
    """The URL of the disk of another VM, which is off and has the same disk, in a lease of a person's own."""
    with signed_in(vcsim) as instance:
        lease = vim.VirtualMachine(vcsim.vm(TWIN)["moref"], instance._stub).ExportVm()
        while lease.state != vim.HttpNfcLease.State.ready:
            time.sleep(0.05)
        yield lease.info.deviceUrl[0].url
        lease.HttpNfcLeaseComplete()


def curl(url: str, to: Path) -> float:
    """How many seconds curl takes to read the URL into the file, and the disk to take it."""
    began = time.perf_counter()
    subprocess.run(["curl", "-sk", "-o", str(to), url], check=True)
    subprocess.run(["sync", str(to)], check=True)  # as a backup does: what is called kept must be on the disk
    return time.perf_counter() - began


def seconds(start: str, end: str) -> float:
    """Between two times of a step; the descriptor and the manifest are in it."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def resident(service: RunningService) -> float:
    """Megabytes of memory that the service holds."""
    status = Path(f"/proc/{service.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
