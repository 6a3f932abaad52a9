"""Every snapshot of every VM: whose it is, how old, and how much room it holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim

from service.errors import InvalidParams, NotFound
from service.vsphere.session import Instance, Session, read_all
from service.vsphere.snapshots import snapshot_name, snapshot_tree

OURS = snapshot_name("")
"""What the names of our own snapshots begin with."""

PROPERTIES = ["name", "layoutEx", "snapshot.currentSnapshot", "snapshot.rootSnapshotList"]


class ListedSnapshot(BaseModel):
    """A snapshot and the VM that has it; `vm` is its name, `vm_moref` its reference."""

    model_config = ConfigDict(frozen=True)

    vm: str
    vm_moref: str
    moref: str
    name: str
    description: str
    created_at: str
    age_seconds: int
    size: int | None
    """Bytes: what was written to the VM's disks since, and the memory kept; None where vCenter does not tell."""
    depth: int
    quiesced: bool
    ours: bool
    foreign_product: str
    """The product that made it, by its name; empty for one of ours or of a person."""


async def list_snapshots(session: Session) -> list[ListedSnapshot]:
    """Every snapshot that vCenter knows, the oldest first."""

    def ask(instance: Instance) -> list[ListedSnapshot]:
        now = instance.CurrentTime()
        found = read_all(instance, vim.VirtualMachine, PROPERTIES)
        return [each for vm, values in found for each in _of_vm(vm._moId, values, now)]

    return sorted(await session.call(ask), key=lambda each: -each.age_seconds)


async def find_snapshot(session: Session, moref: str) -> ListedSnapshot:
    """The snapshot with this moref, such as `snapshot-12`; raises NotFound with those of the nearest names."""
    wanted = moref.strip().removeprefix("moref:")
    if not wanted:
        raise InvalidParams("Name a snapshot by its moref, such as snapshot-12; GET /snapshots lists them.")
    snapshots = await list_snapshots(session)
    for each in snapshots:
        if each.moref == wanted:
            return each
    named = [each.moref for each in snapshots if wanted.lower() in f"{each.name} {each.vm}".lower()]
    raise NotFound(f"There is no snapshot {wanted!r}. GET /snapshots lists them, by moref.", named[:5])


def _of_vm(moref: str, values: dict[str, Any], now: datetime) -> Iterator[ListedSnapshot]:
    tree = list(values.get("snapshot.rootSnapshotList", []))
    current = getattr(values.get("snapshot.currentSnapshot"), "_moId", "")
    sizes = _sizes(values.get("layoutEx"), tree, current)
    for each in snapshot_tree(tree):
        yield ListedSnapshot(
            vm=values.get("name", ""),
            vm_moref=moref,
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


def _sizes(layout: Any, tree: list[Any], current: str) -> dict[str, int]:
    """What each snapshot holds: its memory and state files, and the delta disks that were begun when it was taken.

    The layout of a snapshot names each disk's chain of files as it was then; the files that a child's chain (or the
    running VM's) adds next are the ones that were written since.
    """
    if layout is None or not layout.snapshot:
        return {}
    size = {file.key: int(file.size) for file in layout.file or []}
    chains = {item.key._moId: _chains(item.disk) for item in layout.snapshot}
    later: dict[str, list[dict[int, list[list[int]]]]] = {moref: [] for moref in chains}
    for parent, child in _links(tree):
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
                begun = len(chains[moref].get(disk, []))
                files |= set(units[begun]) if begun < len(units) else set()
        sizes[moref] = sum(size.get(key, 0) for key in files)
    return sizes


def _chains(disks: Iterable[Any]) -> dict[int, list[list[int]]]:
    return {disk.key: [list(unit.fileKey) for unit in disk.chain] for disk in disks or []}


def _links(tree: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for item in tree:
        children = list(item.childSnapshotList or [])
        yield from ((item.snapshot._moId, child.snapshot._moId) for child in children)
        yield from _links(children)
