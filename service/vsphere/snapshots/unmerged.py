"""VMs that need consolidation, or that run on delta disks which belong to no snapshot; of whatever product."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim

from service.errors import VmkopsError
from service.vsphere.inventory import VMS
from service.vsphere.session import Instance, read_all
from service.vsphere.vcenters import Link, VCenters

log = logging.getLogger(__name__)

PROPERTIES = [
    "name",
    "layoutEx",
    "snapshot.currentSnapshot",
    "snapshot.rootSnapshotList",
    "runtime.consolidationNeeded",
]
DELTA = re.compile(r"-(\d{6})(-delta|-sesparse)?\.vmdk$")
"""The end of the name of a delta disk's files."""
READ_SECONDS = 300
"""How long one vCenter may take to list the files of all its VMs."""


class UnmergedVm(BaseModel):
    """A VM with disks to merge; `vm` is its name, `vm_moref` its moref in its vCenter."""

    model_config = ConfigDict(frozen=True)

    vcenter: str
    vm: str
    vm_moref: str
    consolidation_needed: bool
    """Whether vSphere says so. It may not know yet of deltas that are left."""
    deltas: list[str]
    """The files of delta disks that the VM runs on and that belong to no snapshot."""
    size: int | None
    """Bytes of those files; None when vCenter does not report them."""
    trouble: str = ""
    """Why vmkops could not merge them so far; empty when it did not try."""


async def find_unmerged(vcenters: VCenters) -> list[UnmergedVm]:
    """All VMs with disks to merge, sorted by name; changes nothing.

    The files of all VMs are asked of vCenter, which may take minutes with thousands of VMs. Where that fails, the
    answer has the VMs that vSphere itself reports.
    """
    found: dict[tuple[str, str], UnmergedVm] = {}
    for vm in await vcenters.all(VMS):
        if vm.consolidation_needed:
            found[vm.vcenter, vm.moref] = UnmergedVm(
                vcenter=vm.vcenter, vm=vm.name, vm_moref=vm.moref, consolidation_needed=True, deltas=[], size=None
            )
    for link in vcenters.links():
        for each in await _on_orphans(link):
            found[each.vcenter, each.vm_moref] = each
    return sorted(found.values(), key=lambda each: each.vm.lower())


async def _on_orphans(link: Link) -> list[UnmergedVm]:
    def ask(instance: Instance) -> list[UnmergedVm]:
        read = read_all(instance, vim.VirtualMachine, PROPERTIES)
        return [vm for machine, values in read if (vm := _read(link.name, machine._moId, values)) is not None]

    try:
        return await link.session.call(ask, limit=READ_SECONDS)
    except VmkopsError as error:
        log.info("the files of the VMs could not be read: %s", error, extra={"vcenter": link.name})
        return []


def _read(vcenter: str, moref: str, values: Mapping[str, Any]) -> UnmergedVm | None:
    orphans = list(_orphans(values))
    needed = bool(values.get("runtime.consolidationNeeded", False))
    if not needed and not orphans:
        return None
    return UnmergedVm(
        vcenter=vcenter,
        vm=values.get("name", moref),
        vm_moref=moref,
        consolidation_needed=needed,
        deltas=[file.name for file in orphans],
        size=sum(int(file.size) for file in orphans) if orphans else None,
    )


def _orphans(values: Mapping[str, Any]) -> Iterator[Any]:
    """The files of those delta disks that the VM runs on and that its current snapshot does not explain.

    A disk is a chain of a base and deltas. With a current snapshot, one delta more than the chain of that snapshot is
    right: the one that the VM writes to. Without one, the VM's own folder has one disk of the chain: the base, or the
    delta of a linked clone, whose base is in the folder of another VM.
    """
    layout = values.get("layoutEx")
    current = getattr(values.get("snapshot.currentSnapshot"), "_moId", "")
    if layout is None or (values.get("snapshot.rootSnapshotList") and not current):
        return  # the VM runs beside its tree: which deltas belong to which snapshot is not known
    files = {file.key: file for file in layout.file or []}
    of_snapshot = {
        disk.key: {key for unit in disk.chain for key in unit.fileKey}
        for item in layout.snapshot or []
        if item.key._moId == current
        for disk in item.disk or []
    }
    for disk in layout.disk or []:
        explained = of_snapshot.get(disk.key, set())
        units = [[files[key] for key in unit.fileKey if key in files and key not in explained] for unit in disk.chain]
        units = [unit for unit in units if unit and (explained or _folder(unit) == _home(disk, files))]
        if len(units) > 1:
            yield from (file for unit in units for file in unit if DELTA.search(file.name))


def _folder(unit: list[Any]) -> str:
    return str(unit[0].name.rpartition("/")[0])


def _home(disk: Any, files: Mapping[int, Any]) -> str:
    """The folder of the newest delta of a disk, whose number is the highest; of the base when there is no delta."""
    names = [files[key].name for unit in disk.chain for key in unit.fileKey if key in files]
    newest = max(names, key=lambda name: (found.group(1) if (found := DELTA.search(name)) else "", name), default="")
    return str(newest.rpartition("/")[0])
