"""Several vCenters and a stand-alone host side by side: each thing is found in its own, and acted on there."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.actions import act, details, refused, text
from tests.e2e.test_backup import verify
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

VM = "DC0_H0_VM0"


class Site(NamedTuple):
    """The service, its two vCenters and its stand-alone host."""

    service: RunningService
    lab: Vcsim
    spare: Vcsim
    alone: Vcsim


def table(name: str, vcsim: Vcsim, folder: Path) -> str:
    """The settings of one, its password in a file."""
    secret = folder / f"{name}.secret"
    secret.write_text(vcsim.password)
    return (
        f'[vcenters.{name}]\nurl = "{vcsim.url}"\nuser = "{vcsim.user}"\npassword_file = "{secret}"\n'
        f'ca_file = "{vcsim.ca_file}"\n'
    )


@pytest.fixture(scope="module")
def site(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three peers in the tables of one file."""
    require("vcsim")
    folder = tmp_path_factory.mktemp("site")
    with Vcsim() as lab, Vcsim() as spare, Vcsim(("-esx",)) as alone:
        for peer, name in ((lab, VM), (alone, alone.vms()[0]["name"])):
            peer.put_disk(peer.vm(name)["disks"][0]["path"], disk)
        config = folder / "vmkops.toml"
        config.write_text(table("lab", lab, folder) + table("spare", spare, folder) + table("esx-9", alone, folder))
        with RunningService(folder / "data", {"VMKOPS_CONFIG": str(config)}) as service:
            yield Site(service, lab, spare, alone)


def power(vcsim: Vcsim, name: str) -> str:
    return str(vcsim.vm(name)["power_state"])


def test_things_of_all_are_listed_with_where_they_are(site: Site) -> None:
    _, found = site.service.call("GET", "/vms")
    assert {vm["vcenter"] for vm in found["vms"]} == {"lab", "spare", "esx-9"}
    assert {seen["vcenter"]: seen["connected"] for seen in found["inventory"]} == dict.fromkeys(
        ("lab", "spare", "esx-9"), True
    )
    _, hosts = site.service.call("GET", "/hosts?vcenter=esx-9")
    assert [host["vcenter"] for host in hosts["hosts"]] == ["esx-9"]
    assert "lab/vm-" in text(site.service, "/vms")
    status, problem = site.service.call("GET", "/vms?vcenter=moon")
    assert (status, problem["suggestions"]) == (404, ["lab", "spare", "esx-9"])


def test_name_that_two_have_is_told_with_where_each_is(site: Site) -> None:
    status, problem = site.service.call("GET", f"/vms/{VM}")
    assert status == 409
    assert sorted(problem["suggestions"]) == [f"lab/{VM}", f"spare/{VM}"]
    for selector in problem["suggestions"]:
        status, vm = site.service.call("GET", f"/vms/{selector.replace('/', '%2F')}")
        assert (status, vm["name"]) == (200, VM)
        assert selector.startswith(vm["vcenter"])


def test_action_goes_to_the_vcenter_that_is_named(site: Site) -> None:
    job = act(site.service, "power-off", vm=f"spare/{VM}")

    assert job["state"] == "succeeded", job
    assert power(site.spare, VM) == "poweredOff"
    assert power(site.lab, VM) == "poweredOn"


def test_undo_of_a_move_names_the_vcenter(site: Site) -> None:
    job = act(site.service, "migrate", vm="spare/DC0_C0_RP0_VM0", host="spare/DC0_H0")

    assert job["state"] == "succeeded", job
    vm, host = details(job).partition("Undo: vmkops action migrate ")[2].split()
    assert (vm, host.partition("/")[0]) == ("spare/DC0_C0_RP0_VM0", "host=spare")
    assert act(site.service, "migrate", vm=vm, host=host.removeprefix("host="))["result"]["changed"] is True


def test_same_reference_elsewhere_is_another_vm(site: Site) -> None:
    for name in ("lab", "spare"):
        job = act(site.service, "snapshot-create", vm=f"{name}/DC0_H0_VM1", name=f"in {name}")
        assert job["state"] == "succeeded", job

    def both() -> dict[str, Any] | None:
        listed = {
            each["name"].partition(" in ")[2]: each for each in site.service.call("GET", "/snapshots")[1]["snapshots"]
        }
        return listed if len(listed) == 2 else None

    listed = wait_for(both, what="both snapshots")
    assert listed is not None
    moref = listed["lab"]["moref"]
    assert {name: each["vcenter"] for name, each in listed.items()} == {"lab": "lab", "spare": "spare"}

    job = act(site.service, "snapshot-remove", snapshot=f"lab/{moref}")

    assert job["state"] == "succeeded", job
    assert "DC0_H0_VM1" not in site.lab.snapshots()
    assert [each["name"][-8:] for each in site.spare.snapshots()["DC0_H0_VM1"]] == ["in spare"]


def test_pipe_between_two_vcenters_is_refused(site: Site) -> None:
    words = refused(
        site.service, "serial-pipe", vm=f"lab/{VM}", peer="spare/DC0_H0_VM1", path="/vmfs/volumes/ds/pipe-1"
    )
    assert "is in the vCenter spare" in words


def test_vm_of_a_stand_alone_host_is_backed_up(site: Site) -> None:
    name = site.alone.vms()[0]["name"]

    job = site.service.ended(site.service.backup(f"esx-9/{name}")["id"])

    assert job["state"] == "succeeded", job
    verify(Path(job["result"]["package"]))
    _, kept = site.service.call("GET", f"/backups/{job['id']}")
    assert kept["vm"]["vcenter"] == "esx-9"
    assert not site.alone.snapshots()
    assert {lease["state"] for lease in site.alone.leases()} == {"done"}


def test_host_with_the_free_license_is_named_as_the_reason(site: Site) -> None:
    name = site.alone.vms()[0]["name"]
    site.alone.fault("CreateSnapshot_Task", "RestrictedVersion", message="Current license prohibits execution.")

    job = site.service.ended(site.service.backup(f"esx-9/{name}")["id"])

    site.alone.clear_faults()
    assert (job["state"], job["error"]["type"]) == ("failed", "urn:vmkops:vsphere-refused")
    assert "has the free license" in job["error"]["detail"]
    assert "url of [vcenters.esx-9]" in job["error"]["detail"]


def test_backup_is_restored_where_it_came_from_or_where_it_is_said(site: Site) -> None:
    job = site.service.ended(site.service.backup("lab/DC0_H0_VM0")["id"])
    assert job["state"] == "succeeded", job

    back = act(site.service, "restore", backup=job["id"], name="back")
    moved = act(site.service, "restore", backup=job["id"], name="moved", vcenter="spare")

    assert (back["state"], moved["state"]) == ("succeeded", "succeeded"), (back, moved)
    assert "back" in {vm["name"] for vm in site.lab.vms()}
    assert "moved" in {vm["name"] for vm in site.spare.vms()}
    wait_for(lambda: site.service.call("GET", "/vms?q=moved")[1]["total"], what="the VM in the inventory")
    assert site.service.call("GET", "/vms/moved")[1]["vcenter"] == "spare"


def test_service_that_stops_signs_out_everywhere(site: Site) -> None:
    act(site.service, "ping", vcenter="spare")
    peers = (site.lab, site.spare, site.alone)
    wait_for(lambda: all(each.sessions()["alive"] for each in peers), what="the inventories")

    site.service.kill(signal.SIGTERM)
    alive = [each.sessions()["alive"] for each in peers]
    site.service.start()

    assert alive == [0, 0, 0]


def test_ping_asks_the_one_that_is_named(site: Site) -> None:
    job = act(site.service, "ping", vcenter="esx-9")
    assert "ESX" in job["result"]["product"]
    assert "lab, spare, esx-9" in refused(site.service, "ping", vcenter="moon")


def test_one_that_is_gone_does_not_hide_the_others(site: Site) -> None:
    site.spare.fault("*", http_status=503)
    site.spare.change_vm(VM, properties={"guest.ipAddress": "10.0.0.1"})

    def parts() -> dict[str, Any] | None:
        seen = {each["vcenter"]: each for each in site.service.call("GET", "/vms")[1]["inventory"]}
        return None if seen["spare"]["connected"] else seen

    seen = wait_for(parts, what="a vCenter that is gone")
    assert seen is not None
    assert seen["lab"]["connected"]
    job: dict[str, Any] = act(site.service, "power-off", vm="lab/DC0_H0_VM1")
    assert job["state"] == "succeeded"
    site.spare.clear_faults()
