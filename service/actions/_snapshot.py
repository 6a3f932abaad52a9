"""What the actions on a snapshot share: its moref selects it, and the job acts on its VM."""

from __future__ import annotations

from typing import TypeVar

from pydantic import Field

from service.actions._targeted import TargetedAction
from service.errors import InvalidParams
from service.jobs.action import Context, Params
from service.vsphere.inventory import VMS
from service.vsphere.selectors import Located, read_exact
from service.vsphere.session import Session
from service.vsphere.snapshots import Snapshot
from service.vsphere.snapshots.listing import find_snapshot
from service.vsphere.vcenters import VCenters
from service.vsphere.vms import VmState, read_state


class SnapshotParams(Params):
    """Which snapshot."""

    snapshot: str = Field(
        min_length=1,
        max_length=100,
        description="The snapshot's moref, such as snapshot-12, as the list of snapshots has it.",
    )
    vm: str = Field(default="", max_length=260, description="The moref of its VM; vmkops finds it when it is left out.")


P = TypeVar("P", bound=SnapshotParams)


class SnapshotAction(TargetedAction[VmState, P]):
    """An action on one snapshot of a VM."""

    kind = "vm"
    state = VmState
    things = VMS

    async def find(self, vcenters: VCenters, params: P) -> Located:
        """The VM that has the snapshot."""
        found = await find_snapshot(vcenters, params.snapshot)
        if params.vm and read_exact(params.vm).moref != found.vm_moref:
            raise InvalidParams(
                f"The snapshot {found.moref} belongs to {found.vm} ({found.vm_moref}), not to {params.vm}. Leave "
                "`vm` out."
            )
        return Located(vcenter=found.vcenter, moref=found.vm_moref, name=found.vm)

    async def pinned(self, context: Context, params: P) -> P:
        """See `Action.pinned`."""
        found = await self.find(context.vcenters, params)
        return params.model_copy(update={"snapshot": context.vcenters.pinned(params.snapshot, found.vcenter)})

    async def read(self, session: Session, moref: str) -> VmState:
        """The VM as it is now."""
        return await read_state(session, moref)


def moref_of(params: SnapshotParams) -> str:
    """The bare moref of the snapshot."""
    return read_exact(params.snapshot).moref


def snapshot_in(vm: VmState, params: SnapshotParams) -> Snapshot | None:
    """The snapshot in the VM's tree, or None when it is gone."""
    return next((each for each in vm.snapshots if each.moref == moref_of(params)), None)
