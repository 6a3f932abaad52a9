"""The service with a simulated vCenter that has a real disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.disks import make_vmdk
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

VM = "DC0_H0_VM0"
DISK_MB = 24


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream-optimized disk of about 24 MB."""
    require("qemu-img")
    return make_vmdk(tmp_path_factory.mktemp("disk") / "disk.vmdk", size_mb=DISK_MB, seed=7)


@pytest.fixture
def vcenter(vcsim: Vcsim, disk: Path) -> Vcsim:
    """A vCenter whose VM DC0_H0_VM0 has that disk."""
    vcsim.put_disk(vcsim.vm(VM)["disks"][0]["path"], disk)
    return vcsim


@pytest.fixture
def service(vcenter: Vcsim, tmp_path: Path) -> Iterator[RunningService]:
    """A service that knows the vCenter."""
    with RunningService(tmp_path / "data", vcenter_settings(vcenter)) as running:
        yield running


@pytest.fixture(scope="session")
def plain_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with no configuration at all, shared by the tests that change nothing in it."""
    with RunningService(tmp_path_factory.mktemp("plain")) as running:
        yield running
