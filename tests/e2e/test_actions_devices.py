"""Devices of VMs: drives disconnected, and two VMs joined by a serial pipe."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from tests.e2e.actions import act, checked, details, refused
from tests.e2e.conftest import VM
from tests.peers.person import signed_in
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService

PEER = "DC0_H0_VM1"
FAR = "DC0_C0_RP0_VM0"
PIPE = "/vmfs/volumes/datastore1/fileserver/console-pipe"


def devices(vcenter: Vcsim, vm: str, kind: Any) -> list[Any]:
    """The devices of a kind that a VM has, as another client sees them."""
    with signed_in(vcenter) as instance:
        machine = vim.VirtualMachine(vcenter.vm(vm)["moref"], instance._stub)
        return [device for device in machine.config.hardware.device if isinstance(device, kind)]


def test_drives_are_disconnected_now_and_for_the_next_power_on(service: RunningService, vcenter: Vcsim) -> None:
    label = devices(vcenter, VM, vim.vm.device.VirtualCdrom)[0].deviceInfo.label
    assert label in checked(service, "disconnect-removables", vm=VM)["drives"]["message"]
    job = act(service, "disconnect-removables", vm=VM)
    assert job["state"] == "succeeded", job
    assert job["result"] == {"disconnected": [label]}
    (drive,) = devices(vcenter, VM, vim.vm.device.VirtualCdrom)
    assert (drive.connectable.connected, drive.connectable.startConnected) == (False, False)
    assert act(service, "disconnect-removables", vm=VM)["result"] == {"disconnected": []}
    assert vcenter.count("ReconfigVM_Task") == 1


def test_two_vms_that_are_off_are_joined_by_a_pipe(service: RunningService, vcenter: Vcsim) -> None:
    for vm in (VM, PEER):
        act(service, "power-off", vm=vm)
    job = act(service, "serial-pipe", vm=VM, peer=PEER, path=PIPE)
    assert job["state"] == "succeeded", job
    assert job["result"]["power_on_first"] == VM
    for vm, end in ((VM, "server"), (PEER, "client")):
        (port,) = devices(vcenter, vm, vim.vm.device.VirtualSerialPort)
        assert (port.backing.pipeName, port.backing.endpoint, port.backing.noRxLoss) == (PIPE, end, True)
        assert port.yieldOnPoll is True
    again = act(service, "serial-pipe", vm=VM, peer=PEER, path=PIPE)
    assert "had it already" in details(again)
    assert len(devices(vcenter, PEER, vim.vm.device.VirtualSerialPort)) == 1


def test_pipe_between_running_vms_is_refused_and_far_ones_are_warned_of(service: RunningService) -> None:
    words = refused(service, "serial-pipe", vm=VM, peer=FAR, path=PIPE)
    assert f"{VM} is poweredOn" in words
    assert f"{FAR} is poweredOn" in words
    found = checked(service, "serial-pipe", vm=VM, peer=FAR, path=PIPE)
    assert found["hosts"]["severity"] == "warn"
    assert "relative" in checked(service, "serial-pipe", vm=VM, peer=PEER, path="pipe")["path"]["message"]
    assert "both ends" in refused(service, "serial-pipe", vm=VM, peer=VM, path=PIPE)
    assert "line break" in refused(service, "serial-pipe", vm=VM, peer=PEER, path="/a\nserial1.present")
