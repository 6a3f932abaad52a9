"""What docs/install.md says: the wheel has all that it needs, and systemd takes the unit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.peers.commands import ROOT
from tests.peers.fetch import require
from tests.peers.wheels import uv
from tests.vmkops.terminal import PLAIN

UNIT = "vmkops.service"


def test_wheel_answers_without_the_clone(tmp_path: Path) -> None:
    wheel = require("vmkops-wheel")
    python = tmp_path / "own" / "bin" / "python"
    subprocess.run([uv(), "venv", "--quiet", "--python", sys.executable, str(tmp_path / "own")], check=True)
    subprocess.run([uv(), "pip", "install", "--quiet", "--no-deps", "--python", str(python), str(wheel)], check=True)
    vmkops = str(python.with_name("vmkops"))

    found = {
        words: subprocess.run([vmkops, *words.split()], cwd=tmp_path, env=PLAIN, capture_output=True, text=True).stdout
        for words in ("vmkerr 0xbad0022", "help install", "--version")
    }

    scripts = tmp_path / "own" / "share" / "vmkops"
    ran = subprocess.run([scripts / "integration/generic/pre-command"], env=PLAIN, capture_output=True, text=True)

    assert (ran.returncode, ran.stderr) == (2, "usage: pre-command VMID [TYPE [PATH...]]\n")
    for folder in ("guest", "integration"):
        assert [each for each in (ROOT / "deploy" / folder).rglob("*") if not _is_same(each, scripts / folder)] == []
    assert "SCSI reservation conflict" in found["vmkerr 0xbad0022"]
    assert "As a systemd service" in found["help install"]
    assert found["--version"].startswith("vmkops ")


def _is_same(source: Path, installed: Path) -> bool:
    """Whether the file of the clone, or the folder, is below this folder too, with its permission to run."""
    found = installed / source.relative_to(ROOT / "deploy" / installed.name)
    if source.is_dir():
        return found.is_dir()
    return found.read_bytes() == source.read_bytes() and os.access(found, os.X_OK) == os.access(source, os.X_OK)


def test_systemd_takes_the_unit_with_its_drop_in(tmp_path: Path) -> None:
    analyze = str(require("systemd-analyze"))
    shutil.copytree(ROOT / "deploy" / f"{UNIT}.d", tmp_path / f"{UNIT}.d")
    text = (ROOT / "deploy" / UNIT).read_text()
    assert "Environment=MALLOC_ARENA_MAX=2" in text
    # systemd looks whether the program is there.
    (tmp_path / UNIT).write_text(text.replace("/opt/vmkops/bin/vmkops", str(Path(sys.executable).with_name("vmkops"))))

    def said(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([analyze, *words, str(tmp_path / UNIT)], capture_output=True, text=True)

    good = said("verify", "--man=no", "--recursive-errors=no")
    exposure = said("security", "--offline=true", "--threshold=25")
    with (tmp_path / f"{UNIT}.d" / "vcenter.conf").open("a") as file:
        file.write("NoSuchKey=1\n")
    wrong = said("verify", "--man=no", "--recursive-errors=no")

    assert (good.returncode, good.stderr) == (0, "")
    assert exposure.returncode == 0, exposure.stdout[-500:]
    assert "NoSuchKey" in wrong.stderr
