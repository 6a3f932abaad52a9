"""A terminal in a folder of its own, without any settings of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
