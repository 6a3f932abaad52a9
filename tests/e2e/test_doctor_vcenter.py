"""What `vmkops doctor --vcenter` and `/readyz?vcenter=` find out about a vCenter, its hosts and its account."""

from __future__ import annotations

import hashlib
import ssl
from typing import Any

import pytest

from tests.e2e.actions import act
from tests.e2e.conftest import VM
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

HOST = "localhost"


@pytest.fixture
def reachable(vcenter: Vcsim) -> Vcsim:
    """The vCenter, whose stand-alone host has a name that resolves and answers with a certificate that it knows."""
    certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((vcenter.host, vcenter.port)))
    digits = hashlib.sha1(certificate, usedforsecurity=False).hexdigest().upper()
    thumbprint = ":".join(digits[at : at + 2] for at in range(0, 40, 2))
    properties = {"name": HOST, "summary.config.port": vcenter.port, "summary.config.sslThumbprint": thumbprint}
    vcenter.change_object("HostSystem", "DC0_H0", properties)
    return vcenter


def examined(service: RunningService) -> dict[tuple[str, str], dict[str, Any]]:
    """The findings by subject and check."""
    status, answer = service.call("GET", "/readyz?vcenter=default")
    assert status == 200, answer
    return {(each["subject"], each["check"]): each for each in answer["parts"]["vcenter_checks"]}


def test_good_vcenter_and_host_are_ok(service: RunningService, reachable: Vcsim) -> None:
    found = examined(service)

    for check in ("name", "port", "certificate", "sign-in", "version", "clock", "licence"):
        assert found["default", check]["mark"] == "ok", found["default", check]
    for check in ("name", "port", "certificate"):
        assert found[HOST, check]["mark"] == "ok", found[HOST, check]
    for tier in ("look", "back-up", "restore", "operate"):
        assert found["default", f"tier {tier}"]["mark"] == "ok"
    assert "API 8.0.2.0" in found["default", "version"]["text"]
    assert "fullyAutomated" in found["DC0_C0", "drs"]["text"]


def test_host_whose_name_does_not_resolve_is_found_before_a_backup(service: RunningService, reachable: Vcsim) -> None:
    reachable.change_object("HostSystem", "DC0_C0_H0", {"name": "esx.invalid"})

    finding = examined(service)["esx.invalid", "name"]

    assert finding["mark"] == "failed"
    assert "does not resolve" in finding["text"]


def test_certificate_with_another_thumbprint_is_failed(service: RunningService, reachable: Vcsim) -> None:
    reachable.change_object("HostSystem", HOST, {"summary.config.sslThumbprint": ":".join(["AB"] * 20)})

    finding = examined(service)[HOST, "certificate"]

    assert finding["mark"] == "failed"
    assert "vCenter knows AB:AB" in finding["text"]


def test_port_that_does_not_answer_is_failed(service: RunningService, reachable: Vcsim) -> None:
    reachable.change_object("HostSystem", HOST, {"summary.config.port": 1})

    assert examined(service)[HOST, "port"]["mark"] == "failed"


def test_missing_privileges_are_named_by_tier_with_their_objects(service: RunningService, reachable: Vcsim) -> None:
    reachable.take_privileges({VM: ["VApp.Export"], "*": ["Network.Assign", "System.Read"]})

    found = examined(service)

    assert found["default", "tier back-up"]["mark"] == "warning"
    assert f"VApp.Export on the VM {VM}." in found["default", "tier back-up"]["text"]
    assert "Network.Assign on the networks " in found["default", "tier restore"]["text"]
    assert found["default", "tier look"]["mark"] == "failed"
    assert found["default", "tier operate"]["mark"] == "ok"


def test_cluster_without_drs_and_unknown_vcenter_are_reported(service: RunningService, reachable: Vcsim) -> None:
    reachable.change_drs("DC0_C0", "off")

    assert "DRS is off" in examined(service)["DC0_C0", "drs"]["text"]
    assert service.call("GET", "/readyz?vcenter=nowhere")[0] == 404


def test_command_prints_a_line_for_each_finding_and_exits_1_when_one_failed(
    service: RunningService, reachable: Vcsim
) -> None:
    done = service.run("doctor", "--vcenter", "default")

    assert "default    ok: sign-in: Signed in as" in done.stdout, done.stdout + done.stderr
    assert "DC0_C0_H0  failed: name: The name DC0_C0_H0 does not resolve on this machine. Lookups, power" in done.stdout
    assert "In a simulator, as of `make demo`, hosts have names only, and nothing needs to be done." in done.stdout
    assert done.returncode == 1
    assert service.run("doctor", "--vcenter", "nowhere").returncode == 1


def test_password_that_was_changed_meanwhile_is_told_and_not_tried_again_and_again(
    service: RunningService, vcenter: Vcsim
) -> None:
    def connection() -> dict[str, Any]:
        return dict(service.call("GET", "/readyz")[1]["parts"]["vcenter"][0])

    assert act(service, "power-off", vm=VM)["state"] == "succeeded"
    vcenter.change_password("rotated")
    assert act(service, "power-on", vm=VM)["state"] == "succeeded"  # what is signed in stays so
    vcenter.reset_calls()

    vcenter.expire_sessions()
    wait_for(lambda: not connection()["connected"], what="the refused login", explain=service.log)
    answers = [service.call("POST", "/actions/power-off", {"params": {"vm": VM}}) for _ in range(2)]

    refused = "does not accept the user name or password. Check VMKOPS_VCENTER_USER and VMKOPS_VCENTER_PASSWORD"
    assert refused in connection()["trouble"]
    assert all(refused in problem["detail"] for _, problem in answers)
    assert refused in examined(service)["default", "sign-in"]["text"]
    assert vcenter.count("Login") == 1
    done = service.run("doctor")
    assert refused in next(line for line in done.stdout.splitlines() if line.startswith("vcenter default failed"))
    assert vcenter.count("Login") == 2
