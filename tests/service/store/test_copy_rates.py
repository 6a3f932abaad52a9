"""The rate of a copy is that of the same host and datastores, else of the datastores, else of the host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.api.settings import Settings
from service.store.copy_rates import COUNTED, CopyRates, Rate
from service.store.database import open_database

MB = 10**6


@pytest.fixture
def rates(tmp_path: Path) -> Iterator[CopyRates]:
    engine = open_database(Settings.model_validate({"VMKOPS_DATA_DIR": tmp_path}))
    yield CopyRates(engine)
    engine.dispose()


async def test_nearest_measurement_counts(rates: CopyRates) -> None:
    assert await rates.rate("vc", "h1", ["d1"]) is None

    await rates.record("vc", "h1", ["d2"], 100 * MB, 10)
    assert await rates.rate("vc", "h1", ["d1"]) == Rate(10 * MB, 1, "host")

    await rates.record("vc", "h2", ["d1"], 100 * MB, 5)
    assert await rates.rate("vc", "h1", ["d1"]) == Rate(20 * MB, 1, "datastore")

    await rates.record("vc", "h1", ["d1"], 100 * MB, 2)
    await rates.record("vc", "h1", ["d1"], 300 * MB, 2)
    assert await rates.rate("vc", "h1", ["d1"]) == Rate(100 * MB, 2, "host and datastore")
    assert await rates.rate("other", "h1", ["d1"]) is None


async def test_order_of_the_datastores_does_not_matter_and_small_disks_do_not_count(rates: CopyRates) -> None:
    await rates.record("vc", "h", ["d2", "d1"], 100 * MB, 10)
    await rates.record("vc", "h", ["d1", "d2"], 1000, 10)

    assert await rates.rate("vc", "h", ["d1", "d2"]) == Rate(10 * MB, 1, "host and datastore")


async def test_latest_copies_count(rates: CopyRates) -> None:
    await rates.record("vc", "h", ["d"], 1000 * MB, 1)
    for _ in range(COUNTED):
        await rates.record("vc", "h", ["d"], 10 * MB, 1)

    assert await rates.rate("vc", "h", ["d"]) == Rate(10 * MB, COUNTED, "host and datastore")
