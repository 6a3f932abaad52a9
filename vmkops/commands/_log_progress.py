"""A progress bar on standard error while a large log is decoded."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from knowledge.loginput.looked_at import LookedAt
from knowledge.loginput.source import Source
from knowledge.vmklog.stream import Decoded

WORTH_IT = 16 << 20
"""Bytes; a smaller input is decoded before anybody looks for a bar."""


def with_progress(decoded: Iterator[list[Decoded]], looked: LookedAt, source: Source) -> Iterator[list[Decoded]]:
    """Yield the same lines; show how much of a file is read, when only standard error is a terminal."""
    if source.file is None or not sys.stderr.isatty() or sys.stdout.isatty():
        return decoded
    size = source.file.seek(0, os.SEEK_END)
    if size < WORTH_IT:
        return decoded
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") in ("dumb", "unknown")
    return _in_lines(decoded, looked, size) if plain else _shown(decoded, looked, size)


def _in_lines(decoded: Iterator[list[Decoded]], looked: LookedAt, size: int) -> Iterator[list[Decoded]]:
    said = 0
    for lines in decoded:
        tenth = 10 * looked.bytes // size
        if tenth > said:
            said = tenth
            print(f"{min(10 * tenth, 100)} % of {size / 1e6:.0f} MB read", file=sys.stderr, flush=True)
        yield lines


def _shown(decoded: Iterator[list[Decoded]], looked: LookedAt, size: int) -> Iterator[list[Decoded]]:
    from rich.console import Console  # imported only when there is a bar
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False)
    with bar:
        task = bar.add_task("", total=size)
        for lines in decoded:
            bar.update(task, completed=looked.bytes)
            yield lines
