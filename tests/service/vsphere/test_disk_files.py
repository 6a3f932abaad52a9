"""Which VMs have a disk file, also in a snapshot only: such a file is not deleted."""

from __future__ import annotations

import pytest

from service.errors import NotFound
from service.vsphere.disk_changes import detach_all
from service.vsphere.disk_files import DiskUser, delete_disk, find_datacenter, find_disk, users_of
from service.vsphere.importing import mark
from service.vsphere.session import Session
from tests.peers.person import take_snapshot
from tests.peers.vcsim import Vcsim
from tests.service.vsphere.test_login import vcenter_of

NAME = "DC0_H0_VM0"


async def test_vm_has_a_disk_until_its_last_snapshot_of_it_is_gone(vcsim: Vcsim) -> None:
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

        other = file.replace(".vmdk", "-other.vmdk")
        assert await users_of(session, center, other) == []
        assert not await find_disk(session, center, other)
        assert not await delete_disk(session, center, other)
        assert await find_disk(session, center, file)
        with pytest.raises(NotFound, match="no-such"):
            await users_of(session, center, "[no-such] web/web.vmdk")
    finally:
        await session.close()
