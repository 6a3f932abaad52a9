"""Restores from outside: started over HTTP from a finished backup, and the VMs that they make."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from tests.peers.person import signed_in
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService

VM = "DC0_H0_VM1"
"""The VM whose backup the tests restore."""


def start(service: RunningService, backup: dict[str, Any], action: str = "restore", **params: Any) -> dict[str, Any]:
    """Start a restore, or another action on a backup; the job."""
    status, job = service.call("POST", f"/actions/{action}", {"params": {"backup": backup["id"], **params}})
    assert status == 202, job
    return dict(job)


def names(vcenter: Vcsim) -> set[str]:
    """The names of all VMs."""
    return {vm["name"] for vm in vcenter.vms()}


def cards(vcenter: Vcsim, name: str) -> list[Any]:
    """The network cards of a VM, as vSphere has them."""
    with signed_in(vcenter) as person:
        devices = vim.VirtualMachine(vcenter.vm(name)["moref"], person._stub).config.hardware.device
        return [device for device in devices if isinstance(device, vim.vm.device.VirtualEthernetCard)]
