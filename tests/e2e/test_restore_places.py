"""Where a restore puts a VM: on a host in service that can write to the datastore and has the networks, or nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyVmomi import vim

from tests.e2e.actions import act, checked, refused
from tests.kept_packages import keep_package
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require
from tests.peers.person import signed_in
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

CLUSTER = "DC0_C0"
MEMBERS = ("DC0_C0_H0", "DC0_C0_H1", "DC0_C0_H2")
STANDALONE = "DC0_H0"
NETWORK = "VM Network"
FIRST, SECOND = "LocalDS_0", "LocalDS_1"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Vcsim, RunningService]]:
    """A vCenter with two datastores, and a service with one backup, `kept`, of a VM that no longer exists."""
    require("vcsim")
    require("qemu-img")
    disk = make_vmdk(tmp_path_factory.mktemp("disk") / "disk.vmdk", size_mb=1, seed=5)
    data = tmp_path_factory.mktemp("data")
    with Vcsim(("-ds", "2")) as vcsim, RunningService(data, vcenter_settings(vcsim)) as running:
        at = datetime.now(UTC) - timedelta(days=1)
        keep_package(data / "backups", "kept", at, content=disk.read_bytes())
        yield vcsim, running


@pytest.fixture
def service(shared: tuple[Vcsim, RunningService]) -> RunningService:
    """That service."""
    return shared[1]


@pytest.fixture
def vcenter(shared: tuple[Vcsim, RunningService]) -> Vcsim:
    """That vCenter: no DRS, every host in service and with both datastores and the network."""
    vcsim = shared[0]
    vcsim.change_drs(CLUSTER, "off")
    for name in (FIRST, SECOND):
        vcsim.change_mounts(name, **dict.fromkeys((*MEMBERS, STANDALONE), "readWrite"))
        vcsim.change_object("Datastore", name, {"summary.freeSpace": 100 << 30})
    networks = everyones_networks(vcsim)
    for host in MEMBERS:
        properties = {"runtime.inMaintenanceMode": False, "runtime.connectionState": "connected", "network": networks}
        vcsim.change_object("HostSystem", host, properties)
    return vcsim


def everyones_networks(vcenter: Vcsim) -> list[dict[str, str]]:
    """The networks of the stand-alone host, which has all of them."""
    with signed_in(vcenter) as person:
        view = person.content.viewManager.CreateContainerView(person.content.rootFolder, [vim.HostSystem], True)
        (host,) = (each for each in view.view if each.name == STANDALONE)
        return [
            {"_typeName": "ManagedObjectReference", "type": type(each).__name__.split(".")[-1], "value": each._moId}
            for each in host.network
        ]


def made(vcenter: Vcsim, job: dict[str, Any]) -> tuple[str, str]:
    """The names of the host and the datastore of the VM that a job made."""
    assert job["state"] == "succeeded", job["error"]
    with signed_in(vcenter) as person:
        vm = vim.VirtualMachine(job["result"]["vm"]["moref"], person._stub)
        return str(vm.runtime.host.name), str(vm.datastore[0].name)


def hide_networks(vcenter: Vcsim, host: str) -> None:
    """Take all networks away from a host."""
    vcenter.change_object("HostSystem", host, {"network": []})


def test_restore_to_a_cluster_without_drs_chooses_a_host_that_has_everything(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.change_object("HostSystem", "DC0_C0_H0", {"runtime.inMaintenanceMode": True})
    hide_networks(vcenter, "DC0_C0_H1")

    place = checked(service, "restore", backup="kept", pool=CLUSTER)["place"]["message"]
    job = act(service, "restore", backup="kept", pool=CLUSTER)

    assert "on DC0_C0_H2," in place
    assert made(vcenter, job)[0] == "DC0_C0_H2"


def test_host_that_is_asked_for_gets_the_vm(service: RunningService, vcenter: Vcsim) -> None:
    job = act(service, "restore", backup="kept", pool=CLUSTER, host="DC0_C0_H1")

    assert made(vcenter, job)[0] == "DC0_C0_H1"
    assert "There are: DC0_C0_H0" in refused(service, "restore", backup="kept", pool=CLUSTER, host=STANDALONE)


def test_read_only_datastore_is_not_chosen_and_refused_when_it_is_asked_for(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.change_mounts(SECOND, **dict.fromkeys((*MEMBERS, STANDALONE), "readOnly"))

    job = act(service, "restore", backup="kept", pool=CLUSTER)

    assert made(vcenter, job)[1] == FIRST
    reason = refused(service, "restore", backup="kept", pool=CLUSTER, datastore=SECOND)
    assert f"{SECOND} cannot take a VM of {CLUSTER}: it is mounted read-only on DC0_C0_H0" in reason


def test_local_datastore_of_another_host_is_never_chosen(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_mounts(SECOND, **dict.fromkeys(MEMBERS, "none"))

    assert FIRST in checked(service, "restore", backup="kept", pool=CLUSTER)["place"]["message"]
    assert f"no datastore of {CLUSTER} '{SECOND}'" in refused(
        service, "restore", backup="kept", pool=CLUSTER, datastore=SECOND
    )


def test_shared_datastore_comes_before_an_emptier_local_one(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_mounts(SECOND, DC0_C0_H0="none", DC0_C0_H2="none", DC0_H0="none")
    for name, free in ((FIRST, 10 << 30), (SECOND, 900 << 30)):
        vcenter.change_object("Datastore", name, {"summary.freeSpace": free})

    assert FIRST in checked(service, "restore", backup="kept", pool=CLUSTER)["place"]["message"]
    job = act(service, "restore", backup="kept", pool=CLUSTER, datastore=SECOND)
    assert made(vcenter, job) == ("DC0_C0_H1", SECOND)


def test_datastore_that_its_hosts_have_lost_is_refused_with_the_reason(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_mounts(SECOND, **dict.fromkeys(MEMBERS, "inaccessible"))

    reason = refused(service, "restore", backup="kept", pool=CLUSTER, datastore=SECOND)

    assert "have lost the connection to it" in reason


def test_no_host_with_both_datastore_and_network_is_reported(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_mounts(SECOND, DC0_C0_H1="none", DC0_C0_H2="none")
    hide_networks(vcenter, "DC0_C0_H0")

    reason = refused(service, "restore", backup="kept", pool=CLUSTER, datastore=SECOND)

    assert f"No host of {CLUSTER} in service has both the datastore {SECOND} and the networks {NETWORK}" in reason


def test_cluster_without_a_host_in_service_is_refused(service: RunningService, vcenter: Vcsim) -> None:
    for host in MEMBERS:
        vcenter.change_object("HostSystem", host, {"runtime.connectionState": "notResponding"})

    assert "DC0_C0_H1 (notResponding)" in refused(service, "restore", backup="kept", pool=CLUSTER)
    job = act(service, "restore", backup="kept")
    assert made(vcenter, job)[0] == STANDALONE


def test_drs_chooses_the_host_where_every_host_has_everything(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_drs(CLUSTER, "fullyAutomated")

    place = checked(service, "restore", backup="kept", pool=CLUSTER)["place"]["message"]

    assert place.startswith(f"In {CLUSTER}, on the datastore ")
    assert made(vcenter, act(service, "restore", backup="kept", pool=CLUSTER))[0] in MEMBERS
