"""GET /vmkerr/0xbad0022 against a bare aiohttp handler with the same bytes, and against Datasette on the same table.

Run `make bench`, or `python benchmarks/http_lookup.py [SECONDS]`. The load comes from wrk, one server at a time, three
rounds in turn; the median counts. Goals: at least 0.8 of the bare handler, and 10 times Datasette.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import sqlite_utils

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from knowledge.vmkerr.table import bundled
from tests.peers.fetch import obtain
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

ROUNDS = 3
BARE = """
import sys
from aiohttp import web
body = open(sys.argv[2], "rb").read()
async def answer(request):
    return web.Response(body=body, content_type="application/json")
app = web.Application()
app.router.add_get("/vmkerr/{query}", answer)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
"""


def main() -> None:
    """Measure and print one table."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    wrk = obtain("wrk")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ours = stack.enter_context(RunningService(folder / "data")).url + "/vmkerr/0xbad0022"
        answer = folder / "answer.json"
        answer.write_bytes(urllib.request.urlopen(ours).read())
        servers = {
            "bare aiohttp handler": stack.enter_context(bare(answer)),
            "vmkops": ours,
            "Datasette": stack.enter_context(datasette(folder)),
        }
        rates: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(ROUNDS):
            for name, url in servers.items():
                rates[name].append(requests_per_second(wrk, url, seconds))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    print(f"{'server':<22}{'requests/s (median)':>20}{'lowest':>10}{'highest':>10}{'vmkops is':>12}")
    for name, rate in medians.items():
        ratio = f"{medians['vmkops'] / rate:.2f} x"
        print(f"{name:<22}{rate:>20.0f}{min(rates[name]):>10.0f}{max(rates[name]):>10.0f}{ratio:>12}")


def requests_per_second(wrk: Path, url: str, seconds: int) -> float:
    """What wrk counts with 16 connections."""
    done = subprocess.run([wrk, "-t1", "-c16", f"-d{seconds}s", url], capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout:
        raise RuntimeError(f"{url} answered with errors:\n{done.stdout}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


@contextlib.contextmanager
def bare(answer: Path) -> Iterator[str]:
    """A server that knows one answer."""
    port = free_port()
    with serving([sys.executable, "-c", BARE, str(port), str(answer)], port):
        yield f"http://127.0.0.1:{port}/vmkerr/0xbad0022"


@contextlib.contextmanager
def datasette(folder: Path) -> Iterator[str]:
    """Datasette on the same rows, asked for the same code."""
    program = obtain("datasette")
    database = sqlite_utils.Database(folder / "codes.db")
    rows = [{"release": row.release, "hex": f"{row.code:#x}", "name": row.name, "errno": row.errno,
             "description": row.description} for row in bundled().rows]  # fmt: skip
    database["codes"].insert_all(rows).create_index(["hex"])  # type: ignore[union-attr]
    database.close()
    port = free_port()
    command = [sys.executable, "-m", "datasette", str(folder / "codes.db"), "--port", str(port)]
    with serving(command, port, PYTHONPATH=str(program)):
        yield f"http://127.0.0.1:{port}/codes/codes.json?hex=0xbad0022&_shape=array"


@contextlib.contextmanager
def serving(command: list[str], port: int, **environment: str) -> Iterator[None]:
    """The command, from when its port answers until the block ends."""
    process = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: answers(port), timeout=60, what=f"{command[1:3]} to listen")
        yield
    finally:
        process.terminate()
        process.wait()


def answers(port: int) -> bool:
    """Whether a server listens on this port of this machine."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def free_port() -> int:
    """A TCP port that nobody uses just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


if __name__ == "__main__":
    main()
