"""Slack sends some things again; this remembers what was seen, so that each is answered once."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

REMEMBERED = 5_000
"""Deliveries to remember. Slack repeats at once, after one and after five minutes."""


class Repeats:
    """The deliveries seen lately, by Slack's own ids."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._remembered = remembered

    def seen(self, body: dict[str, Any]) -> bool:
        """True when this delivery came before; one without `event_id` and `trigger_id` is always new."""
        delivery = body.get("event_id") or body.get("trigger_id")
        if not delivery:
            return False
        if delivery in self._seen:
            return True
        self._seen[delivery] = None
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        return False
