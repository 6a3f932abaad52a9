"""A terminal in which a person types a `vmkops` command and answers its questions."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tests.pseudo_terminal import PseudoTerminal
from tests.running_service import VMKOPS, RunningService
from tests.vmkops.terminal import PLAIN

PATIENCE_SECONDS = 60
COLOR = re.compile(r"\x1b\[[0-9;]*m")
SCREEN = {"COLUMNS": "300", "TERM": "xterm"}


class Terminal:
    """`vmkops WORDS` against a service, with a pseudo-terminal for everything that it reads and prints."""

    def __init__(self, service: RunningService, *words: str, **more: str) -> None:
        own = {"VMKOPS_SERVICE_URL": service.url, "VMKOPS_TOKEN": service.token}
        self._begin({**service.environment, **own, **SCREEN, **more}, words)

    @classmethod
    def plain(cls, *words: str, **more: str) -> Self:
        """A command without a service and without any settings of the machine."""
        made = cls.__new__(cls)
        made._begin({**PLAIN, **SCREEN, **more}, words)
        return made

    def _begin(self, environment: Mapping[str, str], words: tuple[str, ...]) -> None:
        self._environment = environment
        self._words = words

    def __enter__(self) -> Self:
        self._terminal = PseudoTerminal([VMKOPS, *self._words], self._environment).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._terminal.__exit__(kind, error, trace)

    def read_until(self, words: str) -> str:
        """Everything that is printed up to these words, without colors; AssertionError when they do not come."""
        shown, deadline = "", time.monotonic() + PATIENCE_SECONDS
        while words not in shown:
            more = self._terminal.read(deadline - time.monotonic())
            assert more, f"{words!r} was not printed in {PATIENCE_SECONDS} s: {shown}"
            shown = COLOR.sub("", shown + more.decode(errors="replace").replace("\r\n", "\n"))
        return shown

    def type(self, line: str) -> None:
        """Type a line, and press Enter."""
        self._terminal.write(f"{line}\n")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._terminal.write("\x03")

    def wait(self) -> int:
        """Wait for the end of the command and return its exit status."""
        return self._terminal.wait(PATIENCE_SECONDS)
