"""The service with a simulated vCenter that has a real disk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.restores import VM as RESTORED
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


@pytest.fixture(scope="session")
def fitting_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk of the capacity that the simulator's VMs have, mostly empty."""
    require("qemu-img")
    return make_vmdk(tmp_path_factory.mktemp("disk") / "disk.vmdk", size_mb=10 << 10, seed=3, filled=0.002)


@pytest.fixture
def vcenter(request: pytest.FixtureRequest) -> Iterator[Vcsim]:
    """A vCenter whose VM DC0_H0_VM0 has that disk: a fresh one, or for a test that gives it back the one for these."""
    if not gives_back(request):
        yield with_disk(request.getfixturevalue("vcsim"), request.getfixturevalue("disk"))
        return
    lent: Lent = request.getfixturevalue("lent")
    vcenter, _ = lent.pair()
    before = vcenter.vms()
    vcenter.reset_calls()
    yield vcenter
    vcenter.clear_faults()
    vcenter.reset_nfc()
    after = vcenter.vms()
    if after != before:
        lent.end()
    assert after == before, "the test is marked gives_back"


@pytest.fixture
def service(request: pytest.FixtureRequest, vcenter: Vcsim, tmp_path: Path) -> Iterator[RunningService]:
    """A service that knows the vCenter, as fresh as that."""
    if gives_back(request):
        yield request.getfixturevalue("lent").pair()[1]
        return
    with RunningService(tmp_path / "data", vcenter_settings(vcenter)) as running:
        yield running


@pytest.fixture
def backup(service: RunningService, vcenter: Vcsim, fitting_disk: Path) -> dict[str, Any]:
    """A finished backup job: the service's first, which serves the tests that share it."""
    for job in service.call("GET", "/jobs")[1]["jobs"]:
        if (job["action"], job["target"], job["state"]) == ("backup", RESTORED, "succeeded"):
            return dict(job)
    vcenter.put_disk(vcenter.vm(RESTORED)["disks"][0]["path"], fitting_disk)
    job = service.ended(service.backup(RESTORED)["id"])
    assert job["state"] == "succeeded", job["error"]
    return job


def gives_back(request: pytest.FixtureRequest) -> bool:
    """Whether the test says that it gives the vCenter back as it found it."""
    return request.node.get_closest_marker("gives_back") is not None


def with_disk(vcsim: Vcsim, disk: Path) -> Vcsim:
    """The vCenter once its VM has the disk."""
    vcsim.put_disk(vcsim.vm(VM)["disks"][0]["path"], disk)
    return vcsim


class Lent:
    """A vCenter and its service for the tests that give them back; made when they are asked for, and after an end."""

    def __init__(self, disk: Path, folders: pytest.TempPathFactory) -> None:
        self._disk = disk
        self._folders = folders
        self._stack = contextlib.ExitStack()
        self._pair: tuple[Vcsim, RunningService] | None = None

    def pair(self) -> tuple[Vcsim, RunningService]:
        """The two that run."""
        if self._pair is None:
            require("vcsim")
            vcenter = with_disk(self._stack.enter_context(Vcsim()), self._disk)
            service = RunningService(self._folders.mktemp("lent"), vcenter_settings(vcenter))
            self._pair = vcenter, self._stack.enter_context(service)
        return self._pair

    def end(self) -> None:
        """End the two, as after a test that did not give them back."""
        self._pair = None
        self._stack.close()


@pytest.fixture(scope="module")
def lent(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lent]:
    """What is lent to the tests of a file that are marked `gives_back`."""
    lent = Lent(disk, tmp_path_factory)
    yield lent
    lent.end()


@pytest.fixture(scope="module")
def plain_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with no configuration at all, shared by the tests of a file that change nothing in it."""
    with RunningService(tmp_path_factory.mktemp("plain")) as running:
        yield running
