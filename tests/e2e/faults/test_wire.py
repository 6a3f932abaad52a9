"""Faults on the network: a proxy changes a byte, cuts, stalls or is unplugged, and the simulator does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions import begin, details
from tests.e2e.faults.wire_cases import UNPLUGGED, WIRE, WireCase
from tests.e2e.test_backup import verify
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require
from tests.peers.proxy import Proxy
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

VM = "DC0_H0_VM0"
AWAY = re.compile("does not answer|nothing listens on its port")
"""Why a call failed: its connection broke, or there was no new one."""
Wire = tuple[Vcsim, Proxy, RunningService, bytes]


@pytest.fixture(scope="module")
def plugged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A vCenter behind a proxy, a service with one good backup, and what is on the VM's disk."""
    require("vcsim")
    require("qemu-img")
    folder = tmp_path_factory.mktemp("wire")
    disk = make_vmdk(folder / "disk.vmdk", size_mb=10 << 10, seed=5, filled=0.0002)
    with Vcsim(("-cluster", "0")) as vcsim, Proxy(vcsim) as proxy:
        vcsim.put_disk(vcsim.vm(VM)["disks"][0]["path"], disk)
        settings = vcenter_settings(vcsim) | {"VMKOPS_VCENTER_URL": proxy.url}
        with RunningService(folder / "data", settings) as service:
            assert service.ended(service.backup(VM)["id"])["state"] == "succeeded"
            yield vcsim, proxy, service, disk.read_bytes()


@pytest.fixture
def wire(plugged: Wire) -> Iterator[Wire]:
    """The same, repaired after each case."""
    vcsim, proxy, *_ = plugged
    vcsim.reset_calls()
    vcsim.change_vm(VM, properties={"runtime.powerState": "poweredOn"})
    yield plugged
    proxy.heal()
    vcsim.clear_faults()
    vcsim.nfc(checksums="sha256", bytes_per_second=0)


@pytest.mark.parametrize("case", WIRE, ids=lambda case: case.what)
def test_fault_on_the_network_ends_as_the_table_says(wire: Wire, case: WireCase) -> None:
    vcsim, proxy, service, _ = wire
    vms, harmed, leases = names(vcsim), proxy.harmed, len(vcsim.leases())
    vcsim.nfc(**case.host)
    if case.harm:
        proxy.harm(**case.harm)

    params = {"vm": VM} if case.action == "backup" else {"backup": f"newest:{VM}", "name": "from the wire"}
    job_id = begin(service, case.action, **params)
    if case.end == "cancelled":
        service.reading(job_id)
        service.call("POST", f"/jobs/{job_id}/cancel")
    job = service.ended(job_id)

    assert (proxy.harmed > harmed) == bool(case.harm)
    assert job["state"] == case.end, job
    assert case.says in (job["error"]["detail"] if job["error"] else details(job))
    assert (job["error"]["type"] if job["error"] else "") == case.error
    assert names(vcsim) == vms
    if case.action == "backup":
        holds(wire, job)
        assert {each["state"] for each in vcsim.leases()[leases:]} <= {"done", "aborted"}


@pytest.mark.parametrize("what", UNPLUGGED)
def test_job_goes_on_when_vcenter_comes_back(wire: Wire, what: str) -> None:
    vcsim, proxy, service, _ = wire
    action, noticed = UNPLUGGED[what], len(AWAY.findall(service.log()))
    if "copied" in what:
        vcsim.nfc(bytes_per_second=500_000)
    else:
        vcsim.fault("CreateSnapshot_Task" if action == "backup" else "PowerOffVM_Task", hold="task", count=1)
    job_id = begin(service, action, vm=VM)
    if "copied" in what:
        service.reading(job_id)
    else:
        wait_for(lambda: vcsim.faults()[0]["acted"], timeout=60, what="the task", explain=service.log)

    proxy.unplug()
    vcsim.nfc(bytes_per_second=0)
    wait_for(lambda: len(AWAY.findall(service.log())) > noticed, timeout=60, what="the service to notice")
    vcsim.clear_faults()
    proxy.plug_in()

    job = service.ended(job_id)
    assert job["state"] == "succeeded", job
    if action == "backup":
        holds(wire, job)
        assert vcsim.done("CreateSnapshot_Task", VM) == 1
    else:
        assert vcsim.done("PowerOffVM_Task", VM) == 1


def holds(wire: Wire, job: dict[str, Any]) -> None:
    """No snapshot is left, and the package is complete or missing."""
    vcsim, _, service, disk = wire
    assert vcsim.snapshots() == {}
    package = list((service.data_dir / "backups").glob(f"*/{job['id']}*"))
    if job["state"] == "succeeded":
        assert package == [Path(job["result"]["package"])]
        verify(package[0])
        assert next(package[0].glob("*.vmdk")).read_bytes() == disk
    else:
        assert package == []


def names(vcsim: Vcsim) -> set[str]:
    """The VMs of the vCenter."""
    return {vm["name"] for vm in vcsim.vms()}
