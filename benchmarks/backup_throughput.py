"""How fast a backup reads, hashes and writes a disk, beside curl that reads the same lease URL into a file.

Run `make bench`, or `python benchmarks/backup_throughput.py [MB [ROUNDS]]`. The disk comes from VMware's simulator on
this machine; rounds in turn, each into a new file, the median counts. Goal: at least 0.9 of curl. CPU seconds stand
beside it, because the simulator and others share the processors. Last a disk four times as large is backed up: the
service's peak memory must not grow with the disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pyVim.task import WaitForTask
from pyVmomi import vim

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.peers.disks import make_vmdk
from tests.peers.fetch import obtain
from tests.peers.person import signed_in
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

VM, TWIN = "DC0_H0_VM0", "DC0_H0_VM1"
ROUNDS = 5
LARGER = 4


class Reading(NamedTuple):
    """How long one reading of the disk took, and the processor time in it."""

    seconds: float
    cpu_seconds: float


def main() -> None:
    """Measure and print one table, and the memory."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
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
            resting = peak_memory(service)
            readings: dict[str, list[Reading]] = {"curl": [], "vmkops backup": []}
            for _ in range(rounds):
                os.sync()  # nobody waits for what another wrote
                with lease_url(vcsim) as url:
                    readings["curl"].append(curl(url, folder / "curl.vmdk"))
                os.sync()
                readings["vmkops backup"].append(backup(service))
            print_table(readings, size)
            peak = peak_memory(service)
            vcsim.put_disk(vcsim.vm(VM)["disks"][0]["path"], repeated(disk, folder / "large.vmdk"))
            backup(service)
            larger_peak = peak_memory(service)
    print(
        f"service memory at its peak: {resting:.0f} MB before any backup, {peak:.0f} MB in {rounds} backups of "
        f"{size:.0f} MB, {larger_peak:.0f} MB in one of {LARGER * size:.0f} MB"
    )


def print_table(readings: dict[str, list[Reading]], size: float) -> None:
    """One line a reader; `size` in MB."""
    base = statistics.median(size / reading.seconds for reading in readings["curl"])
    print(f"{'reader':<16}{'MB/s (median)':>15}{'lowest':>9}{'highest':>9}{'of curl':>9}{'CPU s (median)':>16}")
    for reader, found in readings.items():
        rates = [size / reading.seconds for reading in found]
        median = statistics.median(rates)
        cpu = statistics.median(reading.cpu_seconds for reading in found)
        print(f"{reader:<16}{median:>15.0f}{min(rates):>9.0f}{max(rates):>9.0f}{median / base:>9.2f}{cpu:>16.2f}")


@contextlib.contextmanager
def lease_url(vcsim: Vcsim) -> Iterator[str]:
    """The URL of the disk of another VM, which is off and has the same disk, in a lease of a person's own."""
    with signed_in(vcsim) as instance:
        lease = vim.VirtualMachine(vcsim.vm(TWIN)["moref"], instance._stub).ExportVm()
        wait_for(lambda: lease.state == vim.HttpNfcLease.State.ready, timeout=60, what="the lease to be ready")
        yield lease.info.deviceUrl[0].url
        lease.HttpNfcLeaseComplete()


def curl(url: str, to: Path) -> Reading:
    """Let curl read the URL into a new file, and the disk take it."""
    program = str(obtain("curl"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run([program, "-sk", "-o", str(to), url], check=True)
    subprocess.run(["sync", str(to)], check=True)  # as a backup does: what is called kept must be on the disk
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    to.unlink()
    return Reading(took, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def backup(service: RunningService) -> Reading:
    """Back the VM up; the seconds are of the step that copies, with descriptor and manifest, the CPU of the job."""
    before = cpu_seconds(service)
    job = json.loads(service.run("backup", VM, "--json").stdout)
    assert job["state"] == "succeeded", job
    took = cpu_seconds(service) - before
    step = next(step for step in job["steps"] if step["name"] == "back up")
    began, ended = (datetime.fromisoformat(step[at]) for at in ("started_at", "finished_at"))
    shutil.rmtree(job["result"]["package"])
    return Reading((ended - began).total_seconds(), took)


def repeated(disk: Path, to: Path) -> Path:
    """A file that holds the disk's bytes `LARGER` times; the simulator sends whatever bytes a disk has."""
    with to.open("wb") as file:
        for _ in range(LARGER):
            with disk.open("rb") as source:
                shutil.copyfileobj(source, file)
    return to


def cpu_seconds(service: RunningService) -> float:
    """Processor time that the service has taken since its start."""
    fields = Path(f"/proc/{service.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(service: RunningService) -> float:
    """The most megabytes of memory that the service ever held."""
    status = Path(f"/proc/{service.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
