"""The export lease of a whole VM that is powered off; what can be done with a lease is in `service.vsphere.nfc`."""

from __future__ import annotations

import contextlib

from pyVmomi import vim

from service.vsphere.nfc import Lease, _opened
from service.vsphere.session import Instance, Session


async def open_vm_lease(session: Session, vm: str) -> Lease:
    """Open an export lease on the VM `vm` (a moref) and wait until its disks can be read."""

    def ask(instance: Instance) -> Lease:
        lease = vim.VirtualMachine(vm, instance._stub).ExportVm()
        try:
            return _opened(instance, lease, session.vcenter.host)
        except BaseException:
            # Nobody would know of it, and it would hold the VM until it times out.
            with contextlib.suppress(Exception):
                lease.HttpNfcLeaseAbort()
            raise

    return await session.call(ask)
