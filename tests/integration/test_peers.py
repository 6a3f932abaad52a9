"""The other peers, and what a missing one means."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.commands import ROOT
from tests.peers.disks import block_content, make_vmdk, read_vmdk
from tests.peers.fetch import require


def test_disk_holds_what_its_seed_says(tmp_path: Path) -> None:
    require("qemu-img")
    disk = make_vmdk(tmp_path / "a.vmdk", size_mb=2, seed=5, filled=0.5)
    assert disk.read_bytes()[:4] == b"KDMV"
    content = read_vmdk(disk)
    assert len(content) == 2 << 20
    assert content[: 1 << 16] == block_content(5, 0)
    assert not any(content[1 << 20 :])


@pytest.mark.parametrize(("ci", "status", "said"), [("true", 1, "1 failed"), ("", 0, "1 skipped")])
def test_missing_peer_skips_at_home_and_fails_in_ci(ci: str, status: int, said: str, tmp_path: Path) -> None:
    this = f"{Path(__file__)}::test_disk_holds_what_its_seed_says"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", this],
        env={"PATH": str(tmp_path), "CI": ci},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, said in done.stdout) == (status, True), done.stdout
    assert "qemu-img is missing: use your package manager to install what Debian calls qemu-utils" in done.stdout
