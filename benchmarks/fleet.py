"""How long a fleet takes to select five thousand VMs and queue its first jobs, and the memory that this takes.

Run `make bench`, or `python benchmarks/fleet.py [VMS]`. The inventory is that of VMware's simulator on this machine,
which itself takes a minute to make the VMs. The service has its live inventory, and holds the whole selection. Its
memory is the growth of the resident set of its process from before the request to the end of the measurement. Goal:
the first jobs are queued in less than 20 seconds, and the memory grows by less than 200 MB.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

GOAL_SECONDS, GOAL_MB = 20.0, 200.0
SELECTION = "folder:/DC0/*,!tag:none"


def main() -> int:
    """Measure and print one table; the exit status is 1 when a goal is missed."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    with (
        tempfile.TemporaryDirectory() as folder,
        Vcsim(("-vm", str(wanted // 2)), answer_seconds=600) as vcsim,  # so many on a host, and as many in a cluster
        RunningService(Path(folder), vcenter_settings(vcsim)) as service,
    ):
        wait_for(lambda: known(service), timeout=900, what="the live inventory")
        # The simulator gives it less than so many VMs take, and their pre-flights would refuse every backup.
        vcsim.change_object("Datastore", "LocalDS_0", {"summary.freeSpace": 1 << 40})
        vcsim.fault("CreateSnapshot_Task", hold="task")  # the first jobs stay under way
        before = memory(service.pid)
        began = time.perf_counter()
        _, parent = service.call("POST", "/actions/fleet", {"params": {"vms": SELECTION}})
        accepted = time.perf_counter() - began
        wait_for(lambda: service.call("GET", f"/jobs?parent={parent['id']}")[1]["jobs"], timeout=300, what="a job")
        queued = time.perf_counter() - began
        began = time.perf_counter()
        service.call("GET", "/jobs")
        listed = time.perf_counter() - began
        load = os.getloadavg()[0]
        grown = peak(service.pid) - before
        (step, *_) = service.job(parent["id"])["steps"]
        service.call("POST", f"/jobs/{parent['id']}/cancel")
        vcsim.clear_faults()
        service.ended(parent["id"])
        began = time.perf_counter()
        service.call("GET", f"/jobs/{parent['id']}")
        shown = time.perf_counter() - began
        print(f"{step['detail']:<44} {'measured':>9}")
        print(f"accepted, with the pre-flight                {accepted:>7.1f} s")
        print(f"first job queued, since the request          {queued:>7.1f} s")
        print(f"GET /jobs meanwhile                          {listed:>7.2f} s")
        print(f"GET /jobs/ID of the ended fleet              {shown:>7.2f} s")
        print(f"growth of the memory, to its peak            {grown:>6.0f} MB")
        print(f"load average of the machine                  {load:>9.1f}")
        print(f"goals: {GOAL_SECONDS:g} s, {GOAL_MB:g} MB")
    return 0 if queued <= GOAL_SECONDS and grown <= GOAL_MB else 1


def known(service: RunningService) -> bool:
    """Whether a look-up answers."""
    return service.call("GET", "/vms/DC0_H0_VM0")[0] == 200


def memory(pid: int) -> float:
    """The resident set of a process now, in MB."""
    return kilobytes(pid, "VmRSS") / 1000


def peak(pid: int) -> float:
    """The largest resident set that a process had, in MB."""
    return kilobytes(pid, "VmHWM") / 1000


def kilobytes(pid: int, name: str) -> int:
    """One line of /proc/PID/status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    sys.exit(main())
