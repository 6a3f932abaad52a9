"""The live inventory: what vCenter says is known at once, and how old it is when vCenter has gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.actions import act, checked, text
from tests.e2e.conftest import VM
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

Room = tuple[Vcsim, RunningService]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """A vCenter and a service that has read its inventory."""
    require("vcsim")
    with Vcsim() as vcsim, RunningService(tmp_path_factory.mktemp("data"), vcenter_settings(vcsim)) as service:
        assert service.call("GET", "/vms")[1]["total"] == 4
        yield vcsim, service


@pytest.fixture
def room(shared: Room) -> Iterator[Room]:
    """The room without faults."""
    yield shared
    shared[0].clear_faults()


def vm(service: RunningService, selector: str) -> dict[str, Any]:
    status, found = service.call("GET", f"/vms/{selector}")
    assert status == 200, found
    return dict(found)


def state(service: RunningService) -> dict[str, Any]:
    return dict(service.call("GET", "/vms")[1]["inventory"][0])


def gone(room: Room) -> dict[str, Any]:
    """Let vCenter answer nothing any more, and wait until the service has noticed."""
    vcsim, service = room
    vcsim.fault("*", http_status=503)
    vcsim.change_vm("DC0_H0_VM1", properties={"guest.ipAddress": "10.9.9.9"})  # ends the question that is open
    found = wait_for(lambda: None if (now := state(service))["connected"] else now, what="a vCenter that is gone")
    assert found is not None
    return found


def test_lookup_asks_vcenter_nothing(room: Room) -> None:
    vcsim, service = room
    before = vcsim.count("RetrievePropertiesEx")

    for path in ("/vms", "/vms?q=vm1", f"/vms/{VM}", "/hosts", "/hosts/DC0_H0", "/datastores", "/backups/freshness"):
        assert service.call("GET", path)[0] == 200

    assert vcsim.count("RetrievePropertiesEx") == before


def test_change_in_vcenter_is_seen_without_asking(room: Room) -> None:
    vcsim, service = room
    vcsim.change_vm(VM, properties={"guest.ipAddress": "10.1.2.3"})

    assert vm(service, "ipaddr:10.1.2.3")["name"] == VM
    act(service, "power-off", vm=VM)
    wait_for(lambda: vm(service, VM)["power_state"] == "poweredOff", what="the power state")
    act(service, "snapshot-create", vm=VM, name="before")
    wait_for(lambda: [each["name"][-6:] for each in vm(service, VM)["snapshots"]] == ["before"], what="the snapshot")


def test_name_that_a_vm_had_before_finds_it_no_more(room: Room) -> None:
    vcsim, service = room
    vcsim.change_vm("DC0_C0_RP0_VM1", rename="renamed")

    assert vm(service, "renamed")["name"] == "renamed"
    status, problem = service.call("GET", "/vms/DC0_C0_RP0_VM1")
    assert status == 404
    assert "DC0_C0_RP0_VM0" in problem["suggestions"]
    vcsim.change_vm("renamed", rename="DC0_C0_RP0_VM1")
    assert vm(service, "DC0_C0_RP0_VM1")["name"] == "DC0_C0_RP0_VM1"


def test_list_may_be_cut_and_says_how_many_there_are(room: Room) -> None:
    _, service = room
    _, found = service.call("GET", "/vms?q=dc0&limit=1")
    assert (len(found["vms"]), found["total"]) == (1, 4)
    assert "... and 3 more" in text(service, "/vms?limit=1")


def test_vcenter_that_is_gone_leaves_the_last_state_and_its_age(room: Room) -> None:
    vcsim, service = room
    known = gone(room)

    assert known["objects"] >= 4
    assert known["age_seconds"] is not None
    assert "503" in known["trouble"]
    assert vm(service, VM)["inventory"]["connected"] is False
    assert re.search(r"The inventory of vCenter default is \d+ seconds? old: ", text(service, "/vms"))
    status, problem = service.call("GET", "/vms/nowhere")
    assert status == 404
    assert "The inventory of vCenter default is" in problem["detail"]
    assert service.call("GET", "/readyz")[1]["parts"]["vcenter"][0]["connected"] is False
    status, problem = service.call("POST", "/actions/power-on", {"params": {"vm": VM}})
    assert status == 503, problem
    vcsim.clear_faults()
    vcsim.change_vm(VM, properties={"guest.ipAddress": "10.7.7.7"})
    wait_for(lambda: state(service)["connected"], what="vCenter again", timeout=40)
    assert vm(service, "ipaddr:10.7.7.7")["name"] == VM


def test_slow_vcenter_does_not_hold_up_a_preflight(room: Room) -> None:
    vcsim, service = room
    vcsim.fault("RetrievePropertiesEx", delay_ms=15_000, count=4)

    found = checked(service, "backup", vm=VM)

    assert "runs the checks before it changes anything" in found["not-checked"]["message"]


def test_session_that_vcenter_ended_is_renewed_by_the_stream(room: Room) -> None:
    vcsim, service = room
    vcsim.expire_sessions()
    vcsim.change_vm(VM, properties={"guest.ipAddress": "10.4.4.4"})

    wait_for(lambda: vm(service, VM)["ip_address"] == "10.4.4.4", what="the new address", timeout=60)
    wait_for(lambda: vcsim.sessions()["alive"] == 1, what="the one session")


def test_errors_of_the_stream_leave_nothing_in_vcenter(room: Room) -> None:
    vcsim, service = room
    vcsim.fault("WaitForUpdatesEx", http_status=503, count=2)

    wait_for(lambda: vcsim.faults()[0]["acted"] == 2, what="the errors", timeout=60)
    wait_for(lambda: state(service)["connected"], what="vCenter again", timeout=60)

    assert vcsim.sessions()["views"] == 1


def test_name_with_a_slash_is_shown_and_found_as_it_was_typed(room: Room) -> None:
    vcsim, service = room
    vcsim.change_vm("DC0_C0_RP0_VM1", rename="web%2f01 100%25")

    assert vm(service, quote("web/01 100%", safe=""))["name"] == "web/01 100%"
    assert act(service, "snapshot-create", vm="web/01 100%", name="before")["state"] == "succeeded"
    vcsim.change_vm("web%2f01 100%25", rename="DC0_C0_RP0_VM1")
    assert vm(service, "DC0_C0_RP0_VM1")["name"] == "DC0_C0_RP0_VM1"


def test_refused_password_is_told_and_not_tried_again_and_again(tmp_path: Path) -> None:
    require("vcsim")
    with Vcsim() as vcsim:
        wrong = {**vcenter_settings(vcsim), "VMKOPS_VCENTER_PASSWORD": "wrong"}
        with RunningService(tmp_path, wrong) as service:
            for _ in range(3):
                status, problem = service.call("GET", "/vms")
                assert (status, problem["type"]) == (502, "urn:vmkops:credentials-refused")
            assert "VMKOPS_VCENTER_PASSWORD" in problem["detail"]
            assert vcsim.count("Login") == 1
