"""The snapshot tree of one VM, and whose each snapshot is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim

from service.vsphere.session import Instance, read_properties, vm_of

PRODUCTS = {
    "Consolidate Helper": "VMware, merging disks",
    "_VCB-BACKUP_": "VMware Consolidated Backup",
    "VEEAM BACKUP TEMPORARY SNAPSHOT": "Veeam",
    "ghettoVCB-snapshot": "ghettoVCB",
    "VCB|": "a backup product over VCB",
    "__GX_BACKUP__": "Commvault",
    "NBU_SNAPSHOT": "NetBackup",
    "TSM-VM": "IBM Spectrum Protect",
    "NAKIVO": "NAKIVO",
}
"""What the snapshot names of other products begin with, and the products."""


class Snapshot(BaseModel):
    """A snapshot in a VM's tree; `depth` is 1 for a root, `created_at` is RFC 3339."""

    model_config = ConfigDict(frozen=True)

    moref: str
    name: str
    description: str
    quiesced: bool
    created_at: str
    depth: int

    @property
    def product(self) -> str:
        """The other product that made this snapshot and still owns it; empty for any other snapshot."""
        lowered = self.name.lower()
        return next((product for start, product in PRODUCTS.items() if lowered.startswith(start.lower())), "")


def snapshot_name(job_id: str) -> str:
    """The name that marks a snapshot as one that a job of vmkops made."""
    return f"vmkops {job_id}"


def safety_name(job_id: str) -> str:
    """The name of the snapshot that a restore takes of a VM before it replaces the disks."""
    return f"vmkops before restore {job_id}"


OURS = snapshot_name("")
"""What the names of our own snapshots begin with."""


def snapshot_tree(roots: list[Any]) -> Iterator[Snapshot]:
    """Every snapshot of a tree, parents first, from the value of `snapshot.rootSnapshotList`."""
    waiting: list[tuple[Any, int]] = [(item, 1) for item in roots]
    while waiting:
        item, depth = waiting.pop(0)
        waiting += [(child, depth + 1) for child in item.childSnapshotList or []]
        yield Snapshot(
            moref=item.snapshot._moId,
            name=item.name,
            description=item.description or "",
            quiesced=bool(item.quiesced),
            created_at=item.createTime.isoformat(),
            depth=depth,
        )


def read_tree(instance: Instance, vm: str) -> list[Snapshot]:
    """The snapshots that the VM `vm` (a moref) has now, parents first."""
    wanted = ["snapshot.rootSnapshotList"]
    values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, wanted)[0][1]
    return list(snapshot_tree(list(values.get("snapshot.rootSnapshotList", []))))


def find_by_name(instance: Instance, vm: str, name: str) -> Snapshot | None:
    """The snapshot with exactly this name in the VM's tree."""
    return next((each for each in read_tree(instance, vm) if each.name == name), None)


def has_snapshot(instance: Instance, vm: str, moref: str) -> bool:
    """Whether the VM has the snapshot with this moref."""
    return any(each.moref == moref for each in read_tree(instance, vm))
