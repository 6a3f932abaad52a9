"""`--watch` of a list: drawn again on a terminal, the lines that change elsewhere, and JSON for programs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from service.api.client import ServiceAway, ServiceUnavailable
from service.api.units import when
from vmkops.commands import EXIT_INTERRUPTED
from vmkops.commands._lists import Listing, doubts, read_list, rows
from vmkops.commands._shown import for_people

PAUSE_SECONDS = 2.0
LONGEST_PAUSE_SECONDS = 15.0
CLEAR = "\x1b[H\x1b[2J\x1b[3J"


def watch_list(listing: Listing, query: Mapping[str, str | list[str]], *, patience: float, as_json: bool) -> int:
    """Show the list again whenever it changes, until Ctrl-C (130); raises ServiceAway after `patience` seconds."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_watch(listing, query, patience, as_json))
    return EXIT_INTERRUPTED


async def _watch(listing: Listing, query: Mapping[str, str | list[str]], patience: float, as_json: bool) -> None:
    last: dict[str, Any] | None = None
    answered_at, pause = time.monotonic(), PAUSE_SECONDS
    while True:
        try:
            answer = await read_list(listing, query)
        except ServiceUnavailable as error:
            if last is None or time.monotonic() - answered_at >= patience:
                raise
            if pause == PAUSE_SECONDS:
                print(f"{for_people(error.problem.detail)} Asking again.", file=sys.stderr)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS) if isinstance(error, ServiceAway) else LONGEST_PAUSE_SECONDS
        else:
            answered_at, pause = time.monotonic(), PAUSE_SECONDS
            if last is None or answer[listing.name] != last[listing.name]:
                _print(listing, answer, last, as_json=as_json)
            last = answer
        await asyncio.sleep(pause)


def _print(listing: Listing, answer: dict[str, Any], last: dict[str, Any] | None, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(answer), flush=True)
    elif sys.stdout.isatty():
        now = f"{when(datetime.now(UTC), None)}  (Ctrl-C ends this)"
        print(CLEAR + "\n".join([now, *(rows(listing, answer) or doubts(listing, answer))]), flush=True)
    else:
        known = set(rows(listing, last)) if last else set()
        new = [line for line in rows(listing, answer) if line not in known]
        gone = len(known) - len(known & set(rows(listing, answer)))
        at = when(datetime.now(UTC), None)
        print("\n".join(f"{at}  {line}" for line in new or [f"{gone} gone"]), flush=True)
