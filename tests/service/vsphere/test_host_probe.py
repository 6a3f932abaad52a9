"""A host that cannot be reached for its disks is named with the reason."""

from __future__ import annotations

import ssl

import pytest

from service.vsphere.host_probe import HostAddress, _look
from service.vsphere.host_tls import HostTls, Pin


@pytest.mark.parametrize("name", ["esx..lab", f"{'x' * 64}.lab", "esx.invalid"])
async def test_name_that_is_no_name_does_not_resolve(name: str) -> None:
    pin = Pin.of(None)
    tls = HostTls(context=ssl.create_default_context(), pin=pin, ca_setting="VMKOPS_VCENTER_CA_FILE")

    (found,) = [check async for check in _look(HostAddress(name=name, port=443, pin=pin), tls)]

    assert found.severity == "refuse"
    assert f"The name {name} of the VM's host does not resolve" in found.message
