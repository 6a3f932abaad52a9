"""One simulated vCenter, one web server and one service for all tests of packages; each test has VMs of its own."""

from __future__ import annotations

import base64
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import VM
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.peers.web_server import WebServer
from tests.running_service import RunningService, vcenter_settings


class Lab(NamedTuple):
    """What a test of packages works with."""

    vcenter: Vcsim
    service: RunningService
    web: WebServer

    @property
    def inbox(self) -> Path:
        return self.service.data_dir / "imports"

    def names(self) -> set[str]:
        """The names of the VMs."""
        return {vm["name"] for vm in self.vcenter.vms()}

    def disks(self, vm: str) -> list[bytes]:
        """The bytes behind a VM's disks."""
        return [self._content(disk["url"]) for disk in self.vcenter.vm(vm)["disks"]]

    def left(self) -> list[str]:
        """Incomplete packages and downloads in the data directory that no job needs any more."""
        data = self.service.data_dir
        return [str(each) for each in (*data.glob("**/*.partial"), *data.glob("downloads/*"))]

    def fetched_by(self, job_id: str) -> int:
        """The bytes that a job has downloaded so far."""
        return sum(each.stat().st_size for each in (self.service.data_dir / "downloads" / job_id).glob("*"))

    def open_leases(self) -> list[dict[str, Any]]:
        """The export leases that are still open."""
        return [lease for lease in self.vcenter.leases() if lease["state"] == "ready"]

    def _content(self, url: str) -> bytes:
        login = base64.b64encode(f"{self.vcenter.user}:{self.vcenter.password}".encode()).decode()
        request = urllib.request.Request(url, headers={"Authorization": f"Basic {login}"})
        context = ssl.create_default_context(cafile=str(self.vcenter.ca_file))
        with urllib.request.urlopen(request, context=context, timeout=60) as answer:
            return bytes(answer.read())


@pytest.fixture(scope="package")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    require("vcsim")
    data = tmp_path_factory.mktemp("data")
    (data / "imports").mkdir()
    with Vcsim() as vcenter, WebServer(data.parent / "web-ca.pem") as web:
        settings = {
            "VMKOPS_IMPORT_HOSTS": "localhost",
            "VMKOPS_SCHEDULE_SECONDS": "1",
            "VMKOPS_IMPORT_CA_FILE": str(web.ca_file),
            "VMKOPS_IMPORT_PORTS": f"443 {web.port} {urlsplit(vcenter.url).port}",
        }
        with RunningService(data, vcenter_settings(vcenter) | settings) as service:
            yield Lab(vcenter, service, web)


@pytest.fixture
def lab(shared_lab: Lab) -> Iterator[Lab]:
    """The shared lab without the faults of the test before."""
    shared_lab.vcenter.reset_calls()
    yield shared_lab
    shared_lab.vcenter.clear_faults()
    shared_lab.vcenter.reset_nfc()
    shared_lab.web.behave()


@pytest.fixture(scope="package")
def disk_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A stream-optimized disk of 6 MiB."""
    require("qemu-img")
    return make_vmdk(tmp_path_factory.mktemp("disk") / "disk.vmdk", size_mb=6, seed=11).read_bytes()


@pytest.fixture(scope="package")
def switched_off(shared_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A VM that is off, with a disk of the capacity that the simulator reports."""
    require("qemu-img")
    path = make_vmdk(tmp_path_factory.mktemp("disk") / "disk.vmdk", size_mb=10 << 10, seed=5, filled=0.0006)
    shared_lab.vcenter.put_disk(shared_lab.vcenter.vm(VM)["disks"][0]["path"], path)
    shared_lab.vcenter.change_vm(VM, properties={"runtime.powerState": "poweredOff"})
    return VM
