"""What a move reads of VMs while others change them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pyVmomi import vim

from service.vsphere.moves import Destination, lodgers, move_vm
from service.vsphere.session import Instance, Session, read_all
from tests.peers.vcsim import Vcsim
from tests.service.vsphere.test_login import vcenter_of

VM, OTHER = "DC0_H0_VM0", "DC0_H0_VM1"


@pytest.fixture
async def session(vcsim: Vcsim) -> AsyncIterator[Session]:
    opened = Session(vcenter_of(vcsim))
    yield opened
    await opened.close()


async def morefs(session: Session, kind: type) -> dict[str, str]:
    """The morefs of all objects of a kind, by name."""

    def ask(instance: Instance) -> dict[str, str]:
        return {values["name"]: managed._moId for managed, values in read_all(instance, kind, ["name"])}

    return await session.call(ask)


async def test_vm_that_vanishes_between_two_reads_lodges_nowhere(session: Session, vcsim: Vcsim) -> None:
    host = (await morefs(session, vim.HostSystem))["DC0_H0"]
    gone = {"obj": {"type": "VirtualMachine", "value": vcsim.vm(VM)["moref"]}}
    vcsim.fault("RetrievePropertiesEx", "ManagedObjectNotFound", fields=gone, object_name=VM, count=1)

    assert {each.name for each in await lodgers(session, host)} == {OTHER}
    assert vcsim.faults()[0]["acted"] == 1


async def test_image_on_another_datastore_does_not_count_as_a_part_of_the_vm(session: Session, vcsim: Vcsim) -> None:
    (store,) = (await morefs(session, vim.Datastore)).values()
    vm = vcsim.vm(VM)["moref"]
    # The property lists the datastores of images too. The simulator has one datastore, so the other is made up.
    listed = [{"type": "Datastore", "value": each} for each in (store, "datastore-of-images")]
    vcsim.change_vm(VM, properties={"datastore": listed})

    moved = await move_vm(session, vm, Destination(datastore=store), lambda _: None)

    assert not moved
    assert vcsim.count("RelocateVM_Task") == 0
