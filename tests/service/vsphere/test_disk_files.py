"""Which VMs have a disk file, also in a snapshot only: such a file is not deleted."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from pyVmomi import vim

from service.errors import Conflict, NotFound
from service.vsphere import disk_files
from service.vsphere.disk_changes import detach_all
from service.vsphere.disk_files import DiskUser, delete_disk, find_datacenter, find_disk, users_of
from service.vsphere.disks import DEVICES
from service.vsphere.importing import mark
from service.vsphere.session import Instance, Session, read_present
from tests.peers.person import take_snapshot
from tests.peers.vcsim import Vcsim
from tests.service.vsphere.test_login import vcenter_of

NAME = "DC0_H0_VM0"


def read_without(
    unreadable: str, instance: Instance, objects: list[Any], kind: type, names: list[str]
) -> list[tuple[Any, dict[str, Any]]]:
    """What vCenter answers when it cannot read a property of datastores and snapshots; the simulator always can."""
    found = read_present(instance, objects, kind, names)
    for _, values in found if kind in (vim.Datastore, vim.vm.Snapshot) else []:
        values.pop(unreadable, None)
    return found


async def test_vm_has_a_disk_until_its_last_snapshot_of_it_is_gone(
    vcsim: Vcsim, monkeypatch: pytest.MonkeyPatch
) -> None:
    vm = vcsim.vm(NAME)
    moref, file = vm["moref"], vm["disks"][0]["path"]
    vcsim.change_vm(NAME, properties={"config.annotation": mark("0123"), "runtime.powerState": "poweredOff"})
    session = Session(vcenter_of(vcsim))
    try:
        center = await find_datacenter(session, moref)
        assert await users_of(session, center, file) == [DiskUser(moref, NAME, "0123")]

        take_snapshot(vcsim, NAME, "before")
        await detach_all(session, moref)
        assert [user.name for user in await users_of(session, center, file)] == [NAME]

        for unreadable, why in (("vm", "which VMs are on LocalDS_0"), (DEVICES, f"a snapshot of {NAME}")):
            with monkeypatch.context() as patch:
                patch.setattr(disk_files, "read_present", partial(read_without, unreadable))
                with pytest.raises(Conflict, match=why):
                    await users_of(session, center, file)

        other = file.replace(".vmdk", "-other.vmdk")
        assert await users_of(session, center, other) == []
        assert not await find_disk(session, center, other)
        assert not await delete_disk(session, center, other)
        assert await find_disk(session, center, file)
        with pytest.raises(NotFound, match="no-such"):
            await users_of(session, center, "[no-such] web/web.vmdk")
    finally:
        await session.close()
