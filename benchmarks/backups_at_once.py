"""Whether twenty backups at once with four slots keep every lease alive, and what memory the service takes for it.

Run `make bench`, or `python benchmarks/backups_at_once.py [SECONDS]`. VMware's simulator on this machine ends a lease
that is not renewed for 40 seconds, and sends each disk slowly: one copy takes SECONDS (default 60), more than a lease
lives by itself. Then the same service backs up one VM with eight disks, which tells whether memory grows with their
number; `backup_throughput.py` tells whether it grows with their size. Goal: every lease ends as done, and none is
opened twice.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from pyVim.task import WaitForTask
from pyVmomi import vim

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.backup_throughput import peak_memory
from tests.peers.disks import make_vmdk
from tests.peers.person import signed_in
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

BACKUPS, SLOTS, DISKS = 20, 4, 8
LEASE_SECONDS = 40
DISK_MB = 48


def main() -> None:
    """Measure and print what came of it."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    with tempfile.TemporaryDirectory() as name, Vcsim(("-vm", str(BACKUPS // 2))) as vcsim:
        folder = Path(name)
        disk = make_vmdk(folder / "disk.vmdk", size_mb=DISK_MB, seed=1)
        names = [vm["name"] for vm in vcsim.vms()]
        for vm in names:
            vcsim.put_disk(vcsim.vm(vm)["disks"][0]["path"], disk)
        size = disk.stat().st_size
        with RunningService(folder / "data", vcenter_settings(vcsim) | {"VMKOPS_MAX_COPIES": str(SLOTS)}) as service:
            resting = peak_memory(service)
            vcsim.nfc(lease_timeout=LEASE_SECONDS)
            service.ended(service.backup(names[0])["id"])
            one = peak_memory(service)
            vcsim.nfc(lease_timeout=LEASE_SECONDS, bytes_per_second=size // seconds)
            before = len(vcsim.leases())
            began = time.monotonic()
            jobs = [service.backup(vm)["id"] for vm in names]
            states = Counter(service.ended(job, timeout=60 * seconds)["state"] for job in jobs)
            took = time.monotonic() - began
            many = peak_memory(service)
            leases = vcsim.leases()[before:]
            renewals = [lease["progress_calls"] for lease in leases]
            vcsim.nfc(lease_timeout=LEASE_SECONDS, bytes_per_second=0)
            add_disks(vcsim, names[0], DISKS - 1)
            for each in vcsim.vm(names[0])["disks"]:
                vcsim.put_disk(each["path"], disk)
            wide = service.ended(service.backup(names[0])["id"])
            eight = peak_memory(service)
    print(f"{BACKUPS} backups of {size / 1e6:.0f} MB at once, {SLOTS} slots: {took:.0f} s, jobs {dict(states)}")
    print(
        f"leases of {LEASE_SECONDS} s, copies of {seconds} s: {len(leases)} leases, "
        f"{dict(Counter(lease['state'] for lease in leases))}, each renewed "
        f"{min(renewals)} to {max(renewals)} times"
    )
    print(f"then one backup of a VM with {DISKS} disks: {wide['state']}")
    print(
        f"service memory at its peak: {resting:.0f} MB before any backup, {one:.0f} MB after one, {many:.0f} MB after "
        f"{BACKUPS} at once, {eight:.0f} MB after the one with {DISKS} disks"
    )


def add_disks(vcsim: Vcsim, name: str, count: int) -> None:
    """Give a VM so many disks more."""
    with signed_in(vcsim) as instance:
        vm = vim.VirtualMachine(vcsim.vm(name)["moref"], instance._stub)
        first = next(each for each in vm.config.hardware.device if isinstance(each, vim.vm.device.VirtualDisk))
        controller = next(each for each in vm.config.hardware.device if each.key == first.controllerKey)
        for number in range(count):
            disk = vim.vm.device.VirtualDisk(
                key=-1 - number,
                controllerKey=controller.key,
                unitNumber=(first.unitNumber or 0) + 1 + number,
                capacityInKB=first.capacityInKB,
                backing=vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName="", diskMode="persistent"),
            )
            change = vim.vm.device.VirtualDeviceSpec(operation="add", fileOperation="create", device=disk)
            WaitForTask(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])), si=instance)


if __name__ == "__main__":
    main()
