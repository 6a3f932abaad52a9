"""The snapshots of all VMs: whose each one is, how old, and how much space it takes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

from service.errors import InvalidParams, NotFound, VmkopsError
from service.vsphere.direct import vm_of_snapshot
from service.vsphere.inventory import VMS, Vm, read_vm
from service.vsphere.selectors import Candidate, ambiguous, no_vcenter
from service.vsphere.session import Instance, Session, read_properties, vm_of
from service.vsphere.snapshots.tree import OURS
from service.vsphere.vcenters import Link, VCenters, look

log = logging.getLogger(__name__)

LAYOUT = ["layoutEx", "snapshot.currentSnapshot", "snapshot.rootSnapshotList"]


class ListedSnapshot(BaseModel):
    """A snapshot and its VM; `vm` is the VM's name, `vm_moref` the VM's moref in its vCenter."""

    model_config = ConfigDict(frozen=True)

    vcenter: str
    vm: str
    vm_moref: str
    moref: str
    name: str
    description: str
    created_at: str
    age_seconds: int
    size: int | None
    """Bytes of the delta disks and of the kept memory; None when vCenter does not report them."""
    depth: int
    quiesced: bool
    ours: bool
    kept: bool = False
    """Whether vmkops keeps it on purpose, as the way back after a restore, until a person removes it."""
    foreign_product: str
    """The other product that made the snapshot; empty for one of ours or of a person."""


async def list_snapshots(vcenters: VCenters) -> list[ListedSnapshot]:
    """All snapshots in the inventory, oldest first, with their sizes when vCenter answers within a few seconds."""
    with_snapshots = [vm for vm in await vcenters.all(VMS) if vm.snapshots]
    found = []
    for link in vcenters.links():
        vms = [vm for vm in with_snapshots if vm.vcenter == link.name]
        sizes = await _ask_sizes(link, vms) if vms else {}
        found += [each for vm in vms for each in _of_vm(vm, sizes, link.inventory.server_time())]
    return sorted(found, key=lambda each: datetime.fromisoformat(each.created_at))


async def find_snapshot(vcenters: VCenters, selector: str) -> ListedSnapshot:
    """The snapshot with this moref, such as `snapshot-12`, or `lab/snapshot-12` for one vCenter of several.

    Raises InvalidParams for an empty selector, NotFound with the snapshots whose own or VM's name contains the text,
    and Ambiguous when several vCenters have a snapshot with this moref.
    """
    vcenter, slash, moref = selector.strip().rpartition("/")
    if slash and vcenter.lower() not in {name.lower() for name in vcenters.names()}:
        raise no_vcenter(vcenter, vcenters.names())
    wanted = moref.removeprefix("moref:")
    if not wanted:
        raise InvalidParams("Name a snapshot by its moref, such as snapshot-12; the list of snapshots has them.")
    await vcenters.all(VMS)  # raises when no inventory could be read so far

    def known() -> list[ListedSnapshot]:
        now = datetime.now(UTC)
        links = [link for link in vcenters.links() if not slash or link.name.lower() == vcenter.lower()]
        vms = [vm for link in links for vm in link.inventory.all(VMS) if vm.snapshots]
        return [each for vm in vms for each in _of_vm(vm, {}, now)]

    def matches() -> list[ListedSnapshot] | None:
        return [each for each in known() if each.moref == wanted] or None

    links = [link for link in vcenters.links() if not slash or link.name.lower() == vcenter.lower()]
    found = await vcenters.soon(links, matches) or await _look_up(links, wanted)
    if len(found) > 1:
        facts = [f"of {each.vm}, {each.name!r} of {each.created_at[:16]}" for each in found]
        selectors = [f"{each.vcenter}/{each.moref}" for each in found]
        raise ambiguous(f"{len(found)} vCenters have a {wanted}", list(map(Candidate, selectors, facts)))
    if found:
        return found[0]
    named = [each for each in known() if wanted.lower() in f"{each.name} {each.vm}".lower()]
    near = [vcenters.shown(each.vcenter, each.moref) for each in named[:5]]
    raise NotFound(f"There is no snapshot {wanted!r}. The list of snapshots has their morefs.", near)


async def snapshot_size(session: Session, vm: str, snapshot: str, *, refresh: bool) -> int | None:
    """The bytes that the delta disks and the kept memory of one snapshot of a VM take now; both are morefs.

    The host reports the sizes of files every few minutes; with `refresh`, it is asked to look now. None when vCenter
    does not report them.
    """

    def ask(instance: Instance) -> int | None:
        machine = vm_of(instance, vm)
        if refresh:
            with contextlib.suppress(vim.fault.VimFault, vmodl.RuntimeFault):
                machine.RefreshStorageInfo()
        return _sizes_of(read_properties(instance, [machine], vim.VirtualMachine, LAYOUT)[0][1]).get(snapshot)

    return await session.call(ask)


async def _look_up(links: Iterable[Link], moref: str) -> list[ListedSnapshot]:
    """The snapshots with this moref, read from the vCenters that answer: a job may have made one a second ago."""
    found: list[ListedSnapshot] = []
    for link in links:
        if not link.inventory.freshness().connected or not (vm := await vm_of_snapshot(link.session, moref)):
            continue
        state = await look(link, read_vm(link.session, vm))
        listed = _of_vm(state, {}, link.inventory.server_time()) if state else ()
        found += [each for each in listed if each.moref == moref]
    return found


async def _ask_sizes(link: Link, vms: list[Vm]) -> dict[str, int]:
    def ask(instance: Instance) -> dict[str, int]:
        machines = [vm_of(instance, vm.moref) for vm in vms]
        sizes: dict[str, int] = {}
        for _, values in read_properties(instance, machines, vim.VirtualMachine, LAYOUT):
            sizes |= _sizes_of(values)
        return sizes

    try:
        return await look(link, link.session.call(ask)) or {}
    except VmkopsError as error:  # a VM or the vCenter went away meanwhile: the list is useful without sizes
        log.info("the sizes of the snapshots could not be read: %s", error)
        return {}


def _of_vm(vm: Vm, sizes: dict[str, int], now: datetime) -> Iterator[ListedSnapshot]:
    for each in vm.snapshots:
        yield ListedSnapshot(
            vcenter=vm.vcenter,
            vm=vm.name,
            vm_moref=vm.moref,
            moref=each.moref,
            name=each.name,
            description=each.description,
            created_at=each.created_at,
            age_seconds=max(0, int((now - datetime.fromisoformat(each.created_at)).total_seconds())),
            size=sizes.get(each.moref),
            depth=each.depth,
            quiesced=each.quiesced,
            ours=each.name.startswith(OURS),
            foreign_product=each.product,
        )


def _sizes_of(values: Mapping[str, Any]) -> dict[str, int]:
    current = getattr(values.get("snapshot.currentSnapshot"), "_moId", "")
    return _sizes(values.get("layoutEx"), list(values.get("snapshot.rootSnapshotList", [])), current)


def _sizes(layout: Any, tree: list[Any], current: str) -> dict[str, int]:
    """The bytes of each snapshot, by moref: its memory and state files, and the delta disks that came with it.

    The layout of a snapshot has each disk's chain of files at that time. The files that the next chain adds (that of
    a child, or of the running VM) are the ones that were written since.
    """
    if layout is None or not layout.snapshot:
        return {}
    size = {file.key: int(file.size) for file in layout.file or []}
    chains = {item.key._moId: _chains(item.disk) for item in layout.snapshot}
    later: dict[str, list[dict[int, list[list[int]]]]] = {moref: [] for moref in chains}
    for parent, child in _parents_and_children(tree):
        if parent in later and child in chains:
            later[parent].append(chains[child])
    if current in later:
        later[current].append(_chains(layout.disk))
    sizes = {}
    for item in layout.snapshot:
        moref = item.key._moId
        files = {item.dataKey, getattr(item, "memoryKey", -1)}
        for after in later[moref]:
            for disk, units in after.items():
                known = len(chains[moref].get(disk, []))
                files |= set(units[known]) if known < len(units) else set()
        sizes[moref] = sum(size.get(key, 0) for key in files)
    return sizes


def _chains(disks: Iterable[Any]) -> dict[int, list[list[int]]]:
    return {disk.key: [list(unit.fileKey) for unit in disk.chain] for disk in disks or []}


def _parents_and_children(tree: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for item in tree:
        children = list(item.childSnapshotList or [])
        yield from ((item.snapshot._moId, child.snapshot._moId) for child in children)
        yield from _parents_and_children(children)
