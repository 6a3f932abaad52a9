"""One service for the tests of this folder, which change nothing in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.running_service import RunningService


@pytest.fixture(scope="package")
def plain_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with no configuration at all."""
    with RunningService(tmp_path_factory.mktemp("http")) as running:
        yield running
