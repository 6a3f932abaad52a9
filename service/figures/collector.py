"""All figures of one process, in the text format of Prometheus."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from service.background import every
from service.figures.backups import BackupFigures
from service.figures.jobs import JobFigures
from service.figures.mounts import MountFigures
from service.figures.part import Part, gauge
from service.figures.schedules import ScheduleFigures
from service.figures.snapshots import SnapshotFigures
from service.figures.vcenters import VCenterFigures
from service.jobs.action import Context


class Figures:
    """The parts; a scrape reads what they last saw, and asks nobody."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self.parts = tuple(parts)

    @classmethod
    def of(cls, context: Context, actions: Iterable[str]) -> Figures:
        """The figures of a service with these actions."""
        jobs = JobFigures(actions)
        return cls(
            [
                jobs,
                ScheduleFigures(),
                SnapshotFigures(context.ledger),
                MountFigures(context.mounts),
                BackupFigures(context.settings.backups_dir, context.vcenters, lambda: jobs.ended),
                VCenterFigures(context.vcenters),
            ]
        )

    def text(self, *, vm_names: bool = True) -> bytes:
        """The figures in the text format; without `vm_names`, they name no VM."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Now(self.parts, vm_names))
        return generate_latest(registry)


class _Now(Collector):
    """What the parts report now."""

    def __init__(self, parts: Iterable[Part], vm_names: bool) -> None:
        self._parts, self._vm_names = parts, vm_names

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is depends on what was seen."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Every figure, and how old each part is."""
        now = time.monotonic()
        seen = {part: part.seen_at for part in self._parts if part.seen_at is not None}
        for part in seen:
            yield from part.metrics(vm_names=self._vm_names)
        ages: dict[tuple[str, ...], float] = {(part.name,): now - at for part, at in seen.items()}
        yield gauge("vmkops_figures_age_seconds", "How long ago each part was last read.", ages, ("part",))
        yield gauge("vmkops_build_info", "1, with the version.", {(version("vmkops"),): 1}, ("version",))


@contextlib.asynccontextmanager
async def gathering(figures: Figures) -> AsyncIterator[None]:
    """Look at every part again and again for as long as the block runs, each at its own pace."""
    async with contextlib.AsyncExitStack() as stack:
        for part in figures.parts:
            await stack.enter_async_context(every(part.seconds, part.refresh, name=f"the look at {part.name}"))
        yield
