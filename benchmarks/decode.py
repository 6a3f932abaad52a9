"""How long a 200 MB log takes, and how much memory: ``python -m benchmarks.decode [MEGABYTES]``.

A made-up log, of which one or two lines in a hundred hold something, is read by ``grep -oiE`` and by ripgrep with a
pattern that finds the same, and by ``vmkops decode``. The others only find; decode also explains. decode takes 0.75 to
0.9 of the CPU time of grep, and about four times that of ripgrep. On a machine that has other work, compare the CPU
time.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from knowledge.vmkerr.table import bundled
from tests.peers.commands import PeerUnavailableError
from tests.peers.fetch import obtain

DULL = [
    "Net: 2532: connected web-server-{} eth0 to VM Network, portID 0x2000012, on a vSwitch with 24 of 128 ports in use",
    "NetPort: 1580: disabled port 0x20000{}, mac 00:50:56:9a:11:22, vSwitch0, uplink vmnic2 is up at 10000 Mbps",
    "Sched: vm 21012{}: 6482: Adding world 'vmm0:web-server-12', group 'host/user', cpu: shares=-3 min=0 max=-1",
    "Vol3: 1023: Could not read the volume header of partition {}, I/O control block at offset 4096",
    "VSCSI: 6726: handle 8{}(vscsi0:0): Destroying device for world 2101234 (pendCom 0)",
    "Config: 703: \"VMOverheadGrowthLimit\" = {}, Old Value: -1, (Status: 0x0)",
    "Swap: vm 21012{}: 5137: Finish swapping in migration swap file. (faulted 0 pages). Success.",
]  # fmt: skip
TELLING = [
    'NMP: nmp_ThrottleLogForDevice:2318: Cmd 0x28 (0x4124{0}c100, 12535) to dev "naa.600601608c121200f80d33192b62dd{0}"'
    ' on path "vmhba2:C0:T0:L6" Failed: H:0xb D:0x0 P:0x0 Possible sense data: 0x0 0x0 0x0. Act:NONE',
    "ScsiDeviceIO: 2962: Cmd(0x439500{}f780) 0x1a, CmdSN 0x1300 from world 0 to dev"
    ' "naa.6001405fc65b3e55557495ba9c92bda3" failed H:0x0 D:0x2 P:0x0 Valid sense data: 0x2 0x8 0x0.',
    "WARNING: Migrate: 269: 14154162540174{} S: Failed: IO was aborted (0xbad00e0) @0x41801e280b11",
    'WARNING: NMP: nmp_IssueCommandToDevice: I/O could not be issued to device "naa.6006{}xxx" due to Not found',
    "WARNING: iscsi_vmk: 1: target iqn.1998-01.com.example:storage{} lost, status 0xbad0003",
]  # fmt: skip
SHARE = 0.015
"""The part of the lines that hold something."""


def main() -> int:
    """Make the log, time everybody on it, print a table."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch, "vmkernel.log")
        lines = make_up(log, megabytes * 1_000_000)
        print(f"{megabytes} MB, {lines:,} lines, 1.5 % of them with something to find")
        vmkops = [sys.executable, "-m", "vmkops", "decode"]
        runs = {
            "grep -oiE": ["grep", "-oiE", pattern(), str(log)],
            "grep -ciE": ["grep", "-ciE", pattern(), str(log)],
            **ripgrep(log),
            "vmkops decode": [*vmkops, str(log)],
            "vmkops decode --json": [*vmkops, "--json", str(log)],
            "vmkops decode --summary": [*vmkops, "--summary", str(log)],
        }
        print(f"{'':26}{'seconds':>9}{'of grep -o':>12}{'CPU s':>9}{'of grep -o':>12}{'peak MB':>9}")
        base: Measured | None = None
        for name, command in runs.items():
            taken = [measured(command) for _ in range(3)]
            best = Measured(*(min(values) for values in zip(*taken, strict=True)))
            base = base or best
            seconds, cpu = best.seconds / base.seconds, best.cpu / base.cpu
            print(f"{name:26}{best.seconds:9.2f}{seconds:11.2f}x{best.cpu:9.2f}{cpu:11.2f}x{best.peak:9.0f}")
    return 0


class Measured(NamedTuple):
    """What a run took: seconds, seconds of user CPU time, and the most memory in MB."""

    seconds: float
    cpu: float
    peak: float


def ripgrep(log: Path) -> dict[str, list[str]]:
    """The command of ripgrep that does the same as grep; none when it cannot be installed."""
    try:
        return {"rg -oi": [str(obtain("rg")), "-oi", "--no-line-number", pattern(), str(log)]}
    except PeerUnavailableError as error:
        print(f"without ripgrep: {error}")
        return {}


def make_up(log: Path, size: int) -> int:
    """Write a log of so many bytes and give its number of lines."""
    chance = random.Random(1)
    written = lines = 0
    with log.open("w", encoding="ascii") as file:
        while written < size:
            text = chance.choice(TELLING if chance.random() < SHARE else DULL).format(chance.randint(10, 99))
            second = lines // 50
            stamp = f"2024-05-{second // 86400 % 28 + 1:02}T{second // 3600 % 24:02}:{second // 60 % 60:02}"
            world = f"cpu{chance.randrange(32)}:{chance.randrange(2_000_000, 2_200_000)}"
            stamp += f":{second % 60:02}.{chance.randrange(1000):03}Z"
            written += file.write(f"{stamp} {world}){text}\n")
            lines += 1
    return lines


def pattern() -> str:
    """An extended regular expression for grep that finds what decode finds, though not what it means."""
    texts = {row.description for row in bundled().rows}
    described = "|".join(re.escape(text).replace("\\ ", " ").replace("\\-", "-") for text in sorted(texts))
    return "|".join([
        "(0x)*2?bad0[0-9a-f]{3}", "195887[0-9]{3}", "7327[56][0-9]{4}",
        "H:0x[0-9a-f]+ D:0x[0-9a-f]+( P:0x[0-9a-f]+)?", "((valid|possible|invalid) )?sense data:( 0x[0-9a-f]+){3}",
        r"\(0x[0-9a-f]+/0x[0-9a-f]+/0x[0-9a-f]+\)", "status = [0-9a-f]+/[0-9a-f]+( 0x[0-9a-f]+){3}",
        "naa\\.[0-9a-f]{16,32}", "eui\\.[0-9a-f]{16,32}", "[in]qn\\.[0-9]{4}-[0-9]{2}\\.[^ \"',;]+", "t10\\.[^ \"',;]+",
        f"(status:?|due to|error:?|reason:|failed( with)?:?|returned|with) ({described})",
    ])  # fmt: skip


def measured(command: list[str]) -> Measured:
    """Run a command with its output in a file, because grep stops early when that is /dev/null."""
    started = time.perf_counter()
    # With this variable, each run would compile the modules of vmkops again.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as out, subprocess.Popen(command, stdout=out, env=environment) as running:
        _, _, usage = os.wait4(running.pid, 0)
        running.returncode = 0
    return Measured(time.perf_counter() - started, usage.ru_utime, usage.ru_maxrss / 1024)


if __name__ == "__main__":
    sys.exit(main())
