"""Jobs: how many are under way, how many have ended and how, and how long they took."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from prometheus_client import Histogram, Metric
from prometheus_client.core import CounterMetricFamily

from service.api.models import JobState
from service.figures.part import Part, gauge
from service.jobs.counts import jobs_ended_since, jobs_under_way

OVERLAP = timedelta(minutes=5)
"""How far each look goes back before the last one: clocks of several machines differ, and ends are recorded late."""
BUCKETS = (1, 10, 60, 300, 900, 3600, 4 * 3600, 12 * 3600)
LABELS = ("action", "state")


class JobFigures(Part):
    """The jobs of all processes; those that end are counted from the start of this process on."""

    name = "jobs"

    def __init__(self, actions: Iterable[str]) -> None:
        super().__init__()
        self._actions = sorted(actions)
        self._looked_at: datetime | None = None
        self._counted: set[str] = set()
        self._live: dict[tuple[str, ...], float] = {}
        # A series that begins with its first failure shows no increase: each begins at 0.
        self._ended: dict[tuple[str, ...], float] = dict.fromkeys(self._series(final=True), 0)
        self._seconds = Histogram(
            "vmkops_job_seconds",
            "How long the jobs took that ended since this process started, without their time in the queue.",
            ["action"],
            buckets=BUCKETS,
            registry=None,
        )
        self.ended = 0
        """How many jobs have ended since this process started."""

    def _series(self, *, final: bool) -> list[tuple[str, str]]:
        return [(action, state.value) for action in self._actions for state in JobState if state.final == final]

    async def look(self) -> None:
        """Count the jobs under way, and those that ended since the last look."""
        now = datetime.now(UTC)
        ended = await jobs_ended_since((self._looked_at or now) - OVERLAP)
        for job in ended:
            if self._looked_at is not None and job.id not in self._counted:
                self.ended += 1
                self._ended[job.action, job.state] = self._ended.get((job.action, job.state), 0) + 1
                if job.seconds is not None:
                    self._seconds.labels(job.action).observe(job.seconds)
        live: dict[tuple[str, ...], float] = dict.fromkeys(self._series(final=False), 0)
        for job in await jobs_under_way():
            live[job.action, job.state] = live.get((job.action, job.state), 0) + 1
        self._counted, self._live, self._looked_at = {job.id for job in ended}, live, now

    def metrics(self, *, vm_names: bool) -> Iterable[Metric]:  # noqa: ARG002
        """The counts."""
        ended = CounterMetricFamily("vmkops_jobs", "Jobs that ended since this process started.", labels=LABELS)
        for key, count in self._ended.items():
            ended.add_metric(key, count)
        yield ended
        yield gauge("vmkops_jobs", "Jobs that have not ended.", self._live, LABELS)
        yield from self._seconds.collect()
