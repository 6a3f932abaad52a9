"""What a missing Debian package means: apt-get for root, a command to type for everybody else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.commands import ROOT

APT_GET = """#!/bin/sh
PATH=/usr/bin:/bin
cd "${0%/*}"
packages=
for word; do
  case $word in *-utils) packages="$packages $word"; touch "${word%-utils}"; chmod 755 "${word%-utils}" ;; esac
done
echo "$DEBIAN_FRONTEND $1$packages" >> calls
[ "$1" = install ] || exit 100
"""
"""Stands in for apt-get: `NAME-utils` brings a program NAME. Its update fails, as with one broken source of several."""

INSTALL = """
import os, sys
from tests.peers.debian import Debian, install
if os.geteuid() == 0 and sys.argv[1] == "nobody":
    os.seteuid(65534)
one, two, three = (Debian(f"{name}-utils", (name,)) for name in ("one", "two", "three"))
install([one, two])
print(one(), two(), three(), three())
"""


@pytest.fixture
def apt() -> Iterator[Path]:
    """A folder with the stand-in for apt-get, which other users than this one may enter."""
    with tempfile.TemporaryDirectory(prefix="apt-") as name:
        Path(name).chmod(0o755)
        program = Path(name, "apt-get")
        program.write_text(APT_GET)
        program.chmod(0o755)
        yield Path(name)


def install_as(user: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Have two programs installed at once and a third by itself, with this path."""
    return subprocess.run(
        [sys.executable, "-c", INSTALL, user],
        env={"PATH": str(path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_root_gets_packages_together_after_one_update_and_only_when_they_are_missing(apt: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root installs packages")
    done = install_as("root", apt)
    assert done.stdout.split() == [str(apt / name) for name in ("one", "two", "three", "three")], done.stderr
    assert (apt / "calls").read_text().splitlines() == [
        "noninteractive update",
        "noninteractive install one-utils two-utils",
        "noninteractive install three-utils",
    ]


def test_others_are_shown_the_command_to_type(apt: Path) -> None:
    done = install_as("nobody", apt)
    assert "one, two are missing: `sudo apt-get install one-utils two-utils`" in done.stderr
    assert not (apt / "calls").exists()


def test_a_machine_without_apt_is_shown_the_names_of_the_packages(tmp_path: Path) -> None:
    done = install_as("root", tmp_path)
    assert "use your package manager to install what Debian calls one-utils two-utils" in done.stderr
