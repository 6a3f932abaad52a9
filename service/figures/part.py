"""One part of the figures: what it last saw, and how it looks again."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

log = logging.getLogger(__name__)


class Part(ABC):
    """Looks at one source from time to time; in between, and while the source does not answer, its figures stay."""

    name: ClassVar[str]
    """What the figures are about, as the label `part` has it."""
    seconds: ClassVar[float] = 10
    """The pause between two looks."""

    def __init__(self) -> None:
        self._trouble = ""
        self.seen_at: float | None = None
        """When it last looked with success, by `time.monotonic`; None before the first time."""

    async def refresh(self) -> None:
        """Look once; a failure leaves the figures as they are, and is logged once for each reason."""
        try:
            await self.look()
        except Exception as error:  # whatever the source is, the other figures go on
            trouble = f"{type(error).__name__}: {error}".splitlines()[0]
            if trouble != self._trouble:
                log.warning("the figures of %s are not current: %s", self.name, trouble)
            self._trouble = trouble
        else:
            self._trouble = ""
            self.seen_at = time.monotonic()

    @abstractmethod
    async def look(self) -> None:
        """Read the source; raises whatever that raises."""

    @abstractmethod
    def metrics(self, *, vm_names: bool) -> Iterable[Metric]:
        """The figures of the last look; asked only after the first one. It must be quick, and read nothing.

        Without `vm_names`, no figure has the name of a VM.
        """


def gauge(name: str, what: str, values: Mapping[tuple[str, ...], float], labels: tuple[str, ...] = ()) -> Metric:
    """A gauge with a value for each tuple of label values; `()` is the key of a gauge without labels."""
    made = GaugeMetricFamily(name, what, labels=labels)
    for key, value in values.items():
        made.add_metric(key, value)
    return made
