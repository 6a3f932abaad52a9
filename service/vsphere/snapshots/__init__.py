"""Snapshots of VMs: the tree of one VM, and what changes it.

The list over all VMs is in `service.vsphere.snapshots.listing`. It is imported by that name because it reads the
inventory, and the inventory reads the trees here.
"""

from __future__ import annotations

from service.vsphere.snapshots.changes import (
    NewSnapshot,
    create_snapshot,
    find_named,
    is_in_tree,
    remove_one,
    revert_to,
)
from service.vsphere.snapshots.jobs import find_job_snapshot, remove_job_snapshot, take_job_snapshot
from service.vsphere.snapshots.merging import consolidate
from service.vsphere.snapshots.tree import OURS, Snapshot, safety_name, snapshot_name, snapshot_tree

__all__ = [
    "OURS",
    "NewSnapshot",
    "Snapshot",
    "consolidate",
    "create_snapshot",
    "find_job_snapshot",
    "find_named",
    "is_in_tree",
    "remove_job_snapshot",
    "remove_one",
    "revert_to",
    "safety_name",
    "snapshot_name",
    "snapshot_tree",
    "take_job_snapshot",
]
