"""Records the terminal session of README.md again: ``python -m tests.recorded_session``, or ``make recording``.

A person starts a backup in a real shell against the simulator, leaves it with Ctrl-C, and takes it up again. Writes
docs/backup.cast (asciinema, version 2) and docs/backup.svg, which is drawn from it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.peers.disks import make_vmdk
from tests.peers.vcsim import Vcsim
from tests.pseudo_terminal import PseudoTerminal
from tests.running_service import VMKOPS, RunningService, vcenter_settings
from tests.terminal_picture import COLUMNS, ROWS, Event, picture

DOCS = Path(__file__).parents[1] / "docs"
CAST, SVG = DOCS / "backup.cast", DOCS / "backup.svg"
VM, OLD_NAME = "web-01", "DC0_H0_VM0"
DISK_MB, BYTES_PER_SECOND = 64, 6_000_000
PROMPT = "\x1b[32m$\x1b[0m "
LONGEST_PAUSE = 0.8
"""Seconds: a slow computer, or a longer start of a command, is not worth watching."""
INSTALLED = "/var/lib/vmkops"
"""The data directory of an installation, which the paths of the recording begin with."""
PATIENCE_SECONDS = 120


def main() -> int:
    """Record the session, and draw it."""
    with tempfile.TemporaryDirectory(prefix="vmkops-recording-") as folder:
        disk = make_vmdk(Path(folder) / "disk.vmdk", size_mb=DISK_MB, seed=1)
        os.chdir(folder)
        Path("data").mkdir()
        with Vcsim() as vcsim:
            vcsim.put_disk(vcsim.vm(OLD_NAME)["disks"][0]["path"], disk)
            vcsim.change_vm(OLD_NAME, rename=VM)
            vcsim.nfc(bytes_per_second=BYTES_PER_SECOND)
            with RunningService(Path("data"), vcenter_settings(vcsim)) as service:
                shown = session(service)
        data = str(Path("data").absolute())
        events = [each._replace(text=each.text.replace(data, INSTALLED)) for each in shown]
    CAST.write_text(cast(events), "utf-8")
    SVG.write_text(picture(events), "utf-8")
    print(f"{CAST.name}: {CAST.stat().st_size:,} bytes; {SVG.name}: {SVG.stat().st_size:,} bytes")
    return 0


def session(service: RunningService) -> list[Event]:
    """What the person does, and everything that the terminal shows of it."""
    own = {"VMKOPS_SERVICE_URL": service.url, "VMKOPS_TOKEN": service.token}
    with Shell(own) as shell:
        shell.wait_for(lambda shown: shown.endswith(PROMPT))
        shell.type(f"vmkops backup {VM}")
        shell.wait_for(lambda shown: " left" in shown and _percent(shown) >= 30)
        shell.press("\x03")
        shell.wait_for(lambda shown: "--cancel" in shown and shown.endswith(PROMPT))
        (job_id,) = set(re.findall(r"vmkops jobs (\w+) --watch", shell.shown))
        shell.type(f"vmkops jobs {job_id[:4]} --watch")
        shell.wait_for(lambda shown: f"backup of {VM}: succeeded" in shown and shown.endswith(PROMPT))
        return shell.events


def cast(events: list[Event]) -> str:
    """The recording in the format of asciinema, version 2."""
    head = {"version": 2, "width": COLUMNS, "height": ROWS, "title": f"vmkops backup {VM}"}
    lines = [json.dumps(head), *(json.dumps([round(at, 3), "o", text], ensure_ascii=False) for at, text in events)]
    return "\n".join(lines) + "\n"


def read_cast(text: str) -> list[Event]:
    """The events of such a recording."""
    return [Event(at, shown) for at, _, shown in map(json.loads, text.splitlines()[1:])]


def _percent(shown: str) -> int:
    return max((int(each) for each in re.findall(r"(\d+) ?%", shown)), default=0)


class Shell:
    """A bash in a terminal of its own; `events` is what it printed, with the times of a video."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        path = f"{Path(VMKOPS).parent}:{os.environ['PATH']}"
        own = {"PATH": path, "PS1": PROMPT, "TERM": "xterm-256color", "LANG": "C.UTF-8", **environment}
        words = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
        self._terminal = PseudoTerminal(words, own, size=(ROWS, COLUMNS))
        self.events: list[Event] = []
        self.shown = ""

    def __enter__(self) -> Shell:
        self._terminal.__enter__()
        self._video, self._last = 0.0, time.monotonic()
        return self

    def __exit__(self, *how: Any) -> None:
        self._terminal.__exit__(*how)

    def type(self, line: str) -> None:
        """Type a line as people do, and press Enter."""
        for letter in f"{line}\n":
            self._video += 0.05 if letter != "\n" else 0.4
            self.press(letter)

    def press(self, letter: str) -> None:
        """Press a key."""
        before = len(self.shown)
        self._terminal.write(letter)
        self.wait_for(lambda shown: len(shown) > before)

    def wait_for(self, enough: Callable[[str], bool]) -> None:
        """Record until what was shown is enough."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not enough(self.shown):
            read = self._terminal.read(deadline - time.monotonic())
            if not read:
                raise TimeoutError(f"the session stopped after: {self.shown[-2000:]}")
            text = read.decode(errors="replace")
            now = time.monotonic()
            self._video += min(now - self._last, LONGEST_PAUSE)
            self._last = now
            self.shown += text
            self.events.append(Event(self._video, text))


if __name__ == "__main__":
    sys.exit(main())
