"""How long ``vmkops vmkerr 0xbad0022`` takes to start, answer and end, beside ``python -c pass`` on the same machine.

Run it with the Python of the environment that has vmkops: ``.venv/bin/python benchmarks/cold_start.py``. Prints one
table; exits 1 when a lookup takes more than 2.5 times what Python itself does. The runs alternate, so that a busy
machine slows all of them alike, and the median is compared.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 40
GOAL = 2.5
"""Times the start of Python itself."""


def main() -> int:
    """Measure, print the table, and tell by the exit status whether the goal is met."""
    vmkops = str(Path(sys.executable).with_name("vmkops"))
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "vmkops vmkerr 0xbad0022": [vmkops, "vmkerr", "0xbad0022"],
        "vmkops vmkerr reservation conflict": [vmkops, "vmkerr", "reservation", "conflict"],
        "vmkops vmkerr 0xbad0022 --json": [vmkops, "vmkerr", "0xbad0022", "--json"],
    }
    with tempfile.TemporaryDirectory() as folder:
        milliseconds = _measure(commands, folder)
    python = statistics.median(milliseconds["python -c pass"])
    print(f"{'command':<36} {'median ms':>9} {'best ms':>9} {'times':>6}")
    for name, taken in milliseconds.items():
        median = statistics.median(taken)
        print(f"{name:<36} {median:>9.1f} {min(taken):>9.1f} {median / python:>6.2f}")
    slowest = max(statistics.median(taken) for taken in milliseconds.values()) / python
    print(f"goal: at most {GOAL:.1f} times python -c pass; slowest here: {slowest:.2f}")
    return 0 if slowest <= GOAL else 1


def _measure(commands: dict[str, list[str]], folder: str) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {name: [] for name in commands}
    # Without compiled files every start would compile the program again.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for round_number in range(RUNS + 2):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, env=environment)
            if round_number >= 2:  # the first two fill the caches
                taken[name].append((time.perf_counter() - started) * 1000)
    return taken


if __name__ == "__main__":
    sys.exit(main())
