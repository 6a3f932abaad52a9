"""Schedules: how many missed their time, and what came of the newest firing of each."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Metric

from service.figures.part import Part, gauge
from service.jobs.counts import CountedSchedule, schedules_now

MOST_SERIES = 200
"""How many series with a name in them one figure has at most."""


class ScheduleFigures(Part):
    """The schedules of all processes."""

    name = "schedules"
    seconds = 30

    def __init__(self) -> None:
        super().__init__()
        self._found: list[CountedSchedule] = []

    async def look(self) -> None:
        """Read all schedules."""
        self._found = await schedules_now()

    def metrics(self, *, vm_names: bool) -> Iterable[Metric]:  # noqa: ARG002
        """The counts, and the outcome of each of the first 200 schedules by name."""
        shown = self._found[:MOST_SERIES]
        yield gauge("vmkops_schedules", "Schedules.", {(): len(self._found)})
        late = sum(each.late for each in self._found)
        yield gauge("vmkops_schedules_late", "Schedules that missed their last time by over 2 minutes.", {(): late})
        yield gauge(
            "vmkops_schedule_last_outcome",
            "1 for what came of the newest firing of each schedule: the state of its job, never, waiting, not_started.",
            {(each.name, each.outcome): 1 for each in shown},
            ("schedule", "outcome"),
        )
        yield gauge(
            "vmkops_schedules_left_out",
            "Schedules whose outcome is not shown, because there are too many.",
            {(): len(self._found) - len(shown)},
        )
