"""`make demo` ends quietly when it is told to, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.commands import ROOT
from tests.peers.fetch import require
from tests.peers.waiting import wait_for
from tests.vmkops.terminal import PLAIN


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "terminated"])
def test_demo_that_is_told_to_end_ends_its_programs_and_deletes_its_folder(
    number: signal.Signals, tmp_path: Path
) -> None:
    for peer in ("vcsim", "local-slack", "qemu-img"):
        require(peer)
    with (tmp_path / "said").open("w") as said:
        demo = subprocess.Popen(
            [sys.executable, "-m", "tests.demo"],
            cwd=ROOT,
            env={**PLAIN, "PORT": "0", "TMPDIR": str(tmp_path)},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        try:
            wait_for(
                lambda: "Ctrl-C ends it all" in (tmp_path / "said").read_text(),
                timeout=180,
                what="the demo",
                explain=(tmp_path / "said").read_text,
            )
            mine = descendants(demo.pid)
            assert len(mine) >= 3
            os.killpg(demo.pid, number)  # a terminal sends Ctrl-C to the whole group
            assert demo.wait(timeout=120) == 0
        finally:
            if demo.poll() is None:
                demo.send_signal(signal.SIGINT)
                demo.wait(timeout=120)

    wait_for(lambda: not [each for each in mine if is_alive(each)], timeout=60, what="the end of its programs")
    assert [*tmp_path.glob("vmkops-demo-*")] == []
    ending = (tmp_path / "said").read_text().rpartition("Copy a backup elsewhere to keep it.\n")[2]
    assert ending.lstrip("\n") == "The demo has ended, and its data is deleted.\n"


def descendants(pid: int) -> list[int]:
    """The processes that this one has started, and those that they have started."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [each for child in map(int, listed) for each in (child, *descendants(child))]


def is_alive(pid: int) -> bool:
    """Whether the process still runs."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
