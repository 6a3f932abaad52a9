"""Recognizes what Slack delivers more than once, so that each command, click and event is handled once."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

REMEMBERED = 5_000
"""How many deliveries to remember. Slack repeats one immediately, after one minute and after five minutes.

Source: https://docs.slack.dev/apis/events-api/ (retries).
"""


class Deduplicator:
    """Remembers the latest deliveries by the ids that Slack gives them."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._remembered = remembered

    def is_duplicate(self, body: dict[str, Any]) -> bool:
        """Whether this delivery came before; remembers it if not.

        `body` is the payload from Slack. One without `event_id` and `trigger_id` is never a duplicate.
        """
        delivery = body.get("event_id") or body.get("trigger_id")
        if not delivery:
            return False
        if delivery in self._seen:
            return True
        self._seen[delivery] = None
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        return False
