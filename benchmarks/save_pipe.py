"""How fast a backup gets a disk into restic through the pipe, beside restic that reads the same disk as a raw file.

Run `python benchmarks/save_pipe.py [MB [ROUNDS]]`. The disk is half random and half zeros, and comes from VMware's
simulator on this machine; each round has two new repositories, in turn, and the median counts. Goal: at least 0.9 of
restic alone. The simulator and the decoding use the same processors as restic, so the load and the processor time of
each stand beside it: where restic alone keeps all processors busy, its share of all that time is the best ratio that
there can be.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.peers.disks import make_vmdk, read_vmdk
from tests.peers.fetch import obtain
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

VM = "DC0_H0_VM0"
ROUNDS = 3


def main() -> None:
    """Measure and print one table."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    restic = str(obtain("restic"))
    with tempfile.TemporaryDirectory() as name, Vcsim() as vcsim:
        folder = Path(name)
        disk = make_vmdk(folder / "disk.vmdk", size_mb=megabytes, seed=1, filled=0.5)
        (folder / "disk.raw").write_bytes(read_vmdk(disk))
        (folder / "password").write_text("bench\n")
        vcsim.put_disk(vcsim.vm(VM)["disks"][0]["path"], disk)
        profiles = [
            f'[save.r{number}]\nkind = "restic"\nprogram = "{restic}"\nrepository = "{folder}/piped-{number}"\n'
            f'password_file = "{folder}/password"\n'
            for number in range(rounds)
        ]
        (folder / "vmkops.toml").write_text("\n".join(profiles))
        settings = vcenter_settings(vcsim) | {"VMKOPS_CONFIG": str(folder / "vmkops.toml")}
        alone, piped, used, shared = [], [], [], list[tuple[float, float, float]]()
        with RunningService(folder / "data", settings) as service:
            for number in range(rounds):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                alone.append(_alone(restic, folder, number))
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
                _restic(restic, folder, f"piped-{number}", "init", "--quiet")
                began = *_processor_time(service.pid), _processor_time(vcsim.pid)[0]
                piped.append(_piped(service, f"r{number}"))
                ended = *_processor_time(service.pid), _processor_time(vcsim.pid)[0]
                shared.append(tuple(now - then for now, then in zip(ended, began, strict=True)))
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    fast, slow = statistics.median(alone), statistics.median(piped)
    print(f"disk                {megabytes} MiB raw, half of it zeros; {rounds} rounds, {os.cpu_count()} processors")
    print(f"restic alone        {fast:6.1f} s  {megabytes / fast:6.0f} MiB/s  ({statistics.median(used):.1f} s of CPU)")
    service_, command, simulator = (statistics.median(each) for each in zip(*shared, strict=True))
    print(
        f"through the pipe    {slow:6.1f} s  {megabytes / slow:6.0f} MiB/s  ({command:.1f} s of CPU in restic, ", end=""
    )
    print(f"{service_:.1f} s in the service, {simulator:.1f} s in the simulator)")
    print(f"ratio               {fast / slow:6.2f}    goal 0.90")
    print(f"load                {load}")


def _alone(restic: str, folder: Path, number: int) -> float:
    repository = f"alone-{number}"
    _restic(restic, folder, repository, "init", "--quiet")
    began = time.monotonic()
    with (folder / "disk.raw").open("rb") as raw:
        _restic(restic, folder, repository, "--json", "backup", "--stdin", "--stdin-filename", "disk.raw", stdin=raw)
    return time.monotonic() - began


def _processor_time(pid: int) -> tuple[float, float]:
    """The seconds of processor time of a process, and of its children that have ended with theirs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own, of_user, children, of_children = (int(each) / os.sysconf("SC_CLK_TCK") for each in fields[11:15])
    return own + of_user, children + of_children


def _piped(service: RunningService, profile: str) -> float:
    """The seconds of the step part that saves the disk, as the job has it."""
    job = service.ended(service.backup(VM, save=profile)["id"], timeout=1200)
    if job["state"] != "succeeded":
        raise RuntimeError(job["error"]["detail"])
    step = next(each for each in job["steps"] if each["name"] == "back up")
    began, ended = (datetime.fromisoformat(step[each]) for each in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


def _restic(restic: str, folder: Path, repository: str, *words: str, stdin: object = subprocess.DEVNULL) -> None:
    variables = {"RESTIC_REPOSITORY": str(folder / repository), "RESTIC_PASSWORD_FILE": str(folder / "password")}
    subprocess.run(
        [restic, *words],
        env=os.environ | variables,
        stdin=stdin,  # type: ignore[call-overload]
        stdout=subprocess.DEVNULL,
        check=True,
    )


if __name__ == "__main__":
    main()
