"""Color for states and severities on a terminal, and a pager for long answers.

Color is on for a terminal, unless NO_COLOR is set or TERM is `dumb`; `--color always` and `--color never` decide it.
The pager is `VMKOPS_PAGER`, `PAGER` or `less -FRX`, for what is longer than the screen; never without a terminal.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from typing import TextIO

RED, GREEN, YELLOW, CYAN, GREY = 31, 32, 33, 36, 90
WORDS = {
    **dict.fromkeys(("failed", "damaged", "broken", "refuse", "error", "notResponding", "disconnected"), RED),
    **dict.fromkeys(("succeeded", "verified", "connected", "ok"), GREEN),
    **dict.fromkeys(("partial", "unverified", "warn", "warning", "maintenance"), YELLOW),
    **dict.fromkeys(("running", "queued"), CYAN),
    "cancelled": GREY,
}
"""The color of each state and severity, by its first word."""
PAGER = "less -FRX"


def in_color(to: TextIO | None = None) -> bool:
    """Whether what is printed there, on standard output if not given, has color."""
    asked = os.environ.get("VMKOPS_COLOR", "")
    if asked in ("always", "never"):
        return asked == "always"
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and (to or sys.stdout).isatty()


def painted(text: str, to: TextIO | None = None) -> str:
    """The text in the color of the state or severity that it begins with; unchanged without one."""
    color = WORDS.get(text.split(" ", 1)[0])
    return f"\x1b[{color}m{text}\x1b[0m" if color and in_color(to) else text


def show_lines(lines: Iterable[str]) -> None:
    """Print lines on standard output, through the pager when they are more than the screen has."""
    text = "\n".join(lines)
    command = shlex.split(os.environ.get("VMKOPS_PAGER") or os.environ.get("PAGER") or PAGER)
    is_long = text.count("\n") + 2 > shutil.get_terminal_size().lines
    if not (is_long and command and command[0] != "cat" and sys.stdin.isatty() and sys.stdout.isatty()):
        print(text)
        return
    sys.stdout.flush()
    try:
        subprocess.run(command, input=f"{text}\n", text=True, check=False)  # noqa: S603 - the person's own choice
    except OSError:  # there is no such program
        print(text)
