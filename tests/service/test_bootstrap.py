"""A process of vmkops ends when it is asked to, though a thread or the event loop hangs in the kernel.

A pipe that nobody writes to stands in for a file on a server that no longer answers: to open it blocks in the same way.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROCESS = """
import asyncio, sys, threading
from service import bootstrap

def hang():
    threading.Thread(target=print, args=("hangs",), kwargs={"flush": True}).start()
    open(sys.argv[2]).read()

async def thread():
    asyncio.get_running_loop().run_in_executor(None, hang)

async def own_pool():
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(1) as pool:
        pool.submit(hang)
        await asyncio.sleep(3600)

async def loop():
    hang()

async def work():
    with bootstrap.stop_requested() as stop:
        hanging = asyncio.create_task(globals()[sys.argv[1]]())
        await stop.wait()
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)

bootstrap.STOP_SECONDS = float(sys.argv[3])
bootstrap.run_process(work())
"""


@pytest.mark.parametrize(
    ("what", "limit", "number", "status"),
    [
        ("thread", 3600, signal.SIGTERM, 0),
        ("thread", 3600, signal.SIGINT, 0),
        ("own_pool", 1, signal.SIGTERM, 1),
        ("loop", 1, signal.SIGTERM, 1),
    ],
)
def test_process_ends_though_a_call_hangs(tmp_path: Path, what: str, limit: int, number: int, status: int) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = [sys.executable, "-c", PROCESS, what, str(pipe), str(limit)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "hangs\n"
            process.send_signal(number)
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()

    assert process.returncode == status, said
    assert "Traceback" not in said
    assert ("the process does not end by itself" in said) == bool(status)
    if status:
        assert "in hang" in said
