"""A missing privilege is named, with the object, when vCenter refuses a call."""

from __future__ import annotations

from tests.e2e.actions import act
from tests.e2e.conftest import VM
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService


def test_refused_call_names_the_privilege_and_the_object(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.take_privileges({VM: ["VirtualMachine.State.CreateSnapshot"]})

    job = act(service, "snapshot-create", vm=VM, name="before")

    assert job["state"] == "failed"
    moref = vcenter.vm(VM)["moref"]
    words = job["error"]["detail"]
    assert f"the privilege VirtualMachine.State.CreateSnapshot on the VM {VM} ({moref})" in words
    assert "vmkops doctor --vcenter default" in words
