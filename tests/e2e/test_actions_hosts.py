"""Hosts and their storage: maintenance mode, rescans, iSCSI targets, and the lists of hosts and datastores."""

from __future__ import annotations

from typing import Any

import pytest
from pyVmomi import vim

from tests.e2e.actions import act, begin, checked, details, refused, text
from tests.e2e.conftest import VM
from tests.peers.person import signed_in
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

HOST = "DC0_H0"
MEMBER = "DC0_C0_H1"
NAME = "iqn.1992-04.com.example:storage.array-7"


def host(service: RunningService, selector: str = HOST) -> dict[str, Any]:
    status, found = service.call("GET", f"/hosts/{selector}")
    assert status == 200, found
    return dict(found)


def test_host_goes_out_of_service_and_comes_back(service: RunningService) -> None:
    job = act(service, "host-maintenance-enter", host=MEMBER)
    assert job["state"] == "succeeded", job
    assert details(job).endswith(f"Undo: vmkops action host-maintenance-exit {MEMBER}")
    wait_for(lambda: host(service, MEMBER)["in_maintenance_mode"], what="maintenance mode")
    again = act(service, "host-maintenance-enter", host=MEMBER)
    assert again["result"] == {"in_maintenance_mode": True, "changed": False}
    assert act(service, "host-maintenance-exit", host=MEMBER)["result"]["changed"] is True
    wait_for(lambda: not host(service, MEMBER)["in_maintenance_mode"], what="the host back in service")


@pytest.mark.gives_back
def test_running_vms_that_nothing_moves_are_named_in_advance(service: RunningService) -> None:
    found = checked(service, "host-maintenance-enter", host=HOST)
    assert found["running-vms"]["severity"] == "warn"
    assert "DC0_H0_VM0, DC0_H0_VM1" in found["running-vms"]["message"]
    _, members = service.call("GET", "/hosts?q=dc0_c0")
    busy = next(each["name"] for each in members["hosts"] if each["vms"])
    assert "DRS moves" in checked(service, "host-maintenance-enter", host=busy)["running-vms"]["message"]


def test_last_host_of_a_cluster_is_warned_of(service: RunningService, vcenter: Vcsim) -> None:
    for other in ("DC0_C0_H0", "DC0_C0_H2"):
        vcenter.change_object("HostSystem", other, {"runtime.inMaintenanceMode": True})
    assert "last host" in checked(service, "host-maintenance-enter", host=MEMBER)["last-host"]["message"]


def test_host_of_vsan_is_warned_of(service: RunningService, vcenter: Vcsim) -> None:
    assert "vsan" not in checked(service, "host-maintenance-enter", host=MEMBER)

    vcenter.change_object("HostSystem", MEMBER, {"config.vsanHostConfig": {"enabled": True}})

    found = checked(service, "host-maintenance-enter", host=MEMBER)["vsan"]
    assert found["severity"] == "warn"
    assert "no resync runs" in found["message"]


def test_cancelled_entry_stops_the_task(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.fault("EnterMaintenanceMode_Task", task_delay_ms=60_000)
    job_id = begin(service, "host-maintenance-enter", host=MEMBER)
    wait_for(lambda: vcenter.count("EnterMaintenanceMode_Task"), timeout=60, what="the task")
    service.call("POST", f"/jobs/{job_id}/cancel")
    assert service.ended(job_id)["state"] == "cancelled"
    assert vcenter.count("CancelTask") == 1
    wait_for(lambda: not host(service, MEMBER)["in_maintenance_mode"], what="the host back in service")


def test_entry_that_vsphere_gives_up_reports_why(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.fault("EnterMaintenanceMode_Task", "Timedout", as_task=True)
    job = act(service, "host-maintenance-enter", host=MEMBER)
    assert job["state"] == "failed"
    assert "gave up waiting" in job["error"]["detail"]


def test_backup_that_keeps_a_host_from_maintenance_is_named_before_and_after(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.fault("HttpNfcLeaseGetManifest", hold="call")
    backup = service.backup(VM)["id"]
    wait_for(lambda: vcenter.faults()[0]["acted"], what="the lease", explain=service.log)
    with signed_in(vcenter) as person, pytest.raises(vim.fault.TaskInProgress):
        vim.VirtualMachine(vcenter.vm(VM)["moref"], person._stub).Destroy_Task()

    busy = checked(service, "power-off", vm=VM)["under-way"]
    found = checked(service, "host-maintenance-enter", host=HOST)["lease"]
    job = act(service, "host-maintenance-enter", host=HOST)
    vcenter.clear_faults()

    assert found["severity"] == "warn"
    assert busy["severity"] == "refuse"
    for words in (busy["message"], found["message"], job["error"]["detail"]):
        assert f"backup (job {backup}) is under way on {VM}" in words
        assert f"vmkops jobs {backup} --cancel" in words
    assert job["state"] == "failed"
    assert service.ended(backup)["state"] == "succeeded"
    assert "lease" not in checked(service, "host-maintenance-enter", host=HOST)
    for running in (VM, "DC0_H0_VM1"):
        assert act(service, "power-off", vm=running)["state"] == "succeeded"
    assert act(service, "host-maintenance-enter", host=HOST)["state"] == "succeeded"


def test_host_that_is_not_connected_is_refused(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_object("HostSystem", HOST, {"runtime.connectionState": "notResponding"})
    for name, params in (
        ("host-maintenance-enter", {}),
        ("rescan", {"hba": "vmhba64"}),
        ("iscsi-add-target", {"address": "192.0.2.10"}),
    ):
        assert "is not responding" in refused(service, name, host=HOST, **params)


@pytest.mark.gives_back
def test_rescan_scans_hbas_first_and_then_at_vmfs(service: RunningService, vcenter: Vcsim) -> None:
    job = act(service, "rescan", host=HOST)
    assert job["state"] == "succeeded", job
    assert job["result"] == {"new_luns": [], "new_volumes": []}
    scans = [call["method"] for call in vcenter.calls() if call["method"].startswith("Rescan")]
    assert scans == ["RescanAllHba", "RescanVmfs"]
    assert act(service, "rescan", host=HOST, hba="vmhba64")["state"] == "succeeded"
    assert vcenter.count("RescanHba") == 1
    assert "It has: vmhba0, vmhba1, vmhba64" in refused(service, "rescan", host=HOST, hba="vmhba9")


def test_send_target_is_added_to_the_software_adapter_once_and_scanned_for(
    service: RunningService, vcenter: Vcsim
) -> None:
    found = checked(service, "iscsi-add-target", host=HOST, address="192.0.2.10")
    assert "vmhba64" in found["hba"]["message"]
    job = act(service, "iscsi-add-target", host=HOST, address="192.0.2.10")
    assert job["state"] == "succeeded", job
    assert job["result"]["target"] == "192.0.2.10:3260"
    assert job["result"]["added"] is True
    assert [step["name"] for step in job["steps"]] == ["check", "add target", "rescan HBAs", "rescan VMFS"]
    assert "only while no datastore and no raw mapping uses its LUNs" in details(job)
    again = act(service, "iscsi-add-target", host=HOST, address="192.0.2.10:3260")
    assert again["result"]["added"] is False
    assert vcenter.count("AddInternetScsiSendTargets") == 1


def test_static_target_is_added_by_name(service: RunningService, vcenter: Vcsim) -> None:
    job = act(service, "iscsi-add-target", host=HOST, type="static", address=f"192.0.2.10,{NAME.upper()}")
    assert job["result"]["added"] is True, job
    again = act(service, "iscsi-add-target", host=HOST, type="static", address="192.0.2.10", name=NAME)
    assert again["result"]["added"] is False
    assert vcenter.count("AddInternetScsiStaticTargets") == 1


def test_target_whose_answer_was_lost_is_not_added_twice(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.fault("RescanAllHba", delay_ms=4000)
    job_id = begin(service, "iscsi-add-target", host=HOST, address="192.0.2.10")
    wait_for(lambda: vcenter.count("AddInternetScsiSendTargets"), timeout=60, what="the target")
    service.kill()
    vcenter.clear_faults()
    service.start()
    assert service.ended(job_id)["state"] == "succeeded"
    assert vcenter.count("AddInternetScsiSendTargets") == 1


@pytest.mark.gives_back
@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"address": "192.0.2.999"}, "address: "),
        ({"address": "192.0.2.10", "name": "iqn.1992-13.com.example"}, "name: "),
        ({"address": "192.0.2.10", "type": "static"}, "a static target requires its iSCSI name"),
        ({"address": "192.0.2.10", "hba": "vmhba0"}, "it has vmhba64"),
    ],
)
def test_wrong_target_is_refused_by_rule(service: RunningService, params: dict[str, str], words: str) -> None:
    assert words in refused(service, "iscsi-add-target", host=HOST, **params)


@pytest.mark.gives_back
def test_hosts_are_found_by_name_and_moref(service: RunningService) -> None:
    _, answer = service.call("GET", "/hosts?q=dc0_C0")
    assert [each["name"] for each in answer["hosts"]] == ["DC0_C0_H0", "DC0_C0_H1", "DC0_C0_H2"]
    found = host(service, "dc0_h0")
    assert found["version"] == "8.0.2"
    assert found["vms"] == 2
    again = host(service, f"moref:{found['moref']}")
    assert {**again, "inventory": None} == {**found, "inventory": None}  # its age is counted in seconds
    status, problem = service.call("GET", "/hosts/DC0_H9")
    assert status == 404
    assert HOST in problem["suggestions"]
    assert HOST in text(service, "/hosts")


@pytest.mark.gives_back
def test_datastores_show_how_full_they_are(service: RunningService) -> None:
    _, answer = service.call("GET", "/datastores")
    (found,) = answer["datastores"]
    assert found["name"] == "LocalDS_0"
    assert 0 < found["free"] < found["capacity"]
    assert found["vms"] == 4
    assert "TB free" in text(service, "/datastores")
