"""A terminal in a folder of its own, without any settings of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests import prefork

PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("VMKOPS_", "SLACK_"))}


def run(folder: Path, *words: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `vmkops WORDS` in this folder; never a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "vmkops", *words],
        cwd=folder,
        env={**PLAIN, **environment},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def run_forked(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `vmkops WORDS` as `run` does, without a new interpreter: for commands that import much, as `serve` does."""
    done = prefork.run(words, {**PLAIN, **environment}, folder=folder, timeout=90)
    assert "Traceback" not in done.stderr, done.stderr
    return done
