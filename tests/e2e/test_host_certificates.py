"""Disks come from hosts with certificates of their own: the one that vCenter knows is accepted, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.actions import act, checked, refused
from tests.e2e.conftest import VM
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService

HOST = "DC0_H0"
RULE = "host-unreachable"


@pytest.mark.parametrize("thumbprint", ["sha256", "certificate"])
def test_certificate_that_vcenter_names_is_accepted(service: RunningService, vcenter: Vcsim, thumbprint: str) -> None:
    """All other tests of backups and imports copy with a SHA-1 thumbprint, the simulator's usual one."""
    vcenter.nfc(thumbprint=thumbprint)

    job = act(service, "backup", vm=VM)

    assert job["state"] == "succeeded", job["error"]
    assert [each["result"] for each in vcenter.transfers()] == ["whole"]


@pytest.mark.parametrize(
    ("thumbprint", "words"),
    [("wrong", "another certificate than vCenter knows"), ("none", "Set VMKOPS_VCENTER_CA_FILE to a PEM file")],
)
def test_no_byte_is_received_with_another_certificate(
    service: RunningService, vcenter: Vcsim, thumbprint: str, words: str
) -> None:
    vcenter.nfc(thumbprint=thumbprint)

    job = act(service, "backup", vm=VM)

    assert (job["state"], job["error"]["type"]) == ("failed", "urn:vmkops:certificate-untrusted")
    assert "the host 127.0.0.1" in job["error"]["detail"].replace("The host", "the host")
    assert words in job["error"]["detail"]
    assert vcenter.transfers() == []
    assert vcenter.snapshots() == {}
    assert {lease["state"] for lease in vcenter.leases()} == {"aborted"}


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"summary.config.name": "no-such-host.invalid"}, "The name no-such-host.invalid of the VM's host"),
        ({"summary.config.sslThumbprint": ":".join(["00"] * 20)}, "another certificate than vCenter knows"),
    ],
)
def test_host_that_cannot_be_reached_is_known_before_the_snapshot(
    service: RunningService, vcenter: Vcsim, properties: dict[str, Any], words: str
) -> None:
    vcenter.change_object("HostSystem", HOST, properties)

    found = checked(service, "backup", vm=VM)[RULE]

    assert found["severity"] == "refuse"
    assert words in found["message"]
    assert refused(service, "backup", vm=VM) == found["message"]
    assert vcenter.count("CreateSnapshot_Task") == 0


def test_host_whose_certificate_vcenter_does_not_name_before_the_lease_is_only_warned_of(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.change_object("HostSystem", HOST, {"summary.config.sslThumbprint": ""})

    found = checked(service, "backup", vm=VM)[RULE]

    assert found["severity"] == "warn"
    assert "vCenter gives no thumbprint of it" in found["message"]
    assert act(service, "backup", vm=VM)["state"] == "succeeded"


def test_port_of_the_host_that_is_closed_is_known_before_the_snapshot(
    service: RunningService, vcenter: Vcsim, free_port: int
) -> None:
    assert RULE not in checked(service, "backup", vm=VM)
    vcenter.change_object("HostSystem", HOST, {"summary.config.port": free_port})

    assert f"does not accept connections to its port {free_port}" in refused(service, "backup", vm=VM)
