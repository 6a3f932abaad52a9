"""A bash in which somebody presses the tab key after `vmkops ...`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.vmkops.terminal import PLAIN
from vmkops.commands.completion import BASH

ASK = """
COMP_LINE=$TYPED COMP_POINT=${#TYPED}
COMP_WORDS=() COMP_CWORD=$WORD
COMP_WORDS[COMP_CWORD]=$CURRENT
_vmkops
for each in "${COMPREPLY[@]}"; do printf '%s\\n' "$each"; done
"""


def completed(typed: str, folder: Path, environment: Mapping[str, str]) -> tuple[list[str], str]:
    """What bash offers after these words, and what is printed on standard error.

    Readline itself needs a terminal: its part, the word around the cursor, is done here as it does it.
    """
    current = "" if typed.endswith((" ", "=", ":")) else typed.replace("=", " ").replace(":", " ").split(" ")[-1]
    path = f"{Path(sys.executable).parent}:{PLAIN['PATH']}"
    asked = {"TYPED": typed, "CURRENT": current, "WORD": str(typed.count(" "))}
    script = folder / "tab.bash"
    script.write_text(f"{BASH}{ASK}")
    done = subprocess.run(
        ["bash", str(script)],
        cwd=folder,
        env={**PLAIN, "PATH": path, **asked, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines(), done.stderr
