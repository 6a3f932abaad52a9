"""Folders and datacenters: the path of one for people, from the live inventory, and the paths of all VMs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pyVmomi import vim

from service.vsphere.live import Inventory, Kind
from service.vsphere.selectors import FIELDS, Located
from service.vsphere.session import Instance, Session, read_all

KEPT_SECONDS = 60.0
"""How long what was read is used again."""
SECONDS = 120.0
"""How long the folders of all VMs may take to read."""
DEEPEST = 50
"""Levels of folders that a path has."""
ABOVE = {vim.Folder: "parent", vim.Datacenter: "parent", vim.VirtualApp: "parentFolder", vim.VirtualMachine: "parent"}
"""What can be above a VM, and its property with what is above it. The VMs of a vApp are in the folder of the vApp."""

Path = tuple[str, ...]


class Folder(Located):
    """A folder or a datacenter; `parent` is the moref of the one above it."""

    parent: str = ""

    @classmethod
    def read(cls, vcenter: str, moref: str, values: dict[str, Any]) -> Folder:
        """Make a folder from property names and values as the PropertyCollector returns them."""
        parent = values["parent"]._moId if "parent" in values else ""
        return cls(vcenter=vcenter, moref=moref, name=values.get("name", ""), parent=parent)


FOLDERS = Kind(vim.Folder, ["name", "parent"], Folder.read, FIELDS)
DATACENTERS = Kind(vim.Datacenter, ["name", "parent"], Folder.read, FIELDS)


def folder_path(inventory: Inventory, moref: str) -> str:
    """The inventory path of a folder, such as `/DC0/vm/web`; empty when it is not known.

    vCenter's root folder has no name in a path, and does not belong to the inventory.
    """
    names: list[str] = []
    while moref and len(names) < DEEPEST:
        found = inventory.find(FOLDERS, "moref", moref) or inventory.find(DATACENTERS, "moref", moref)
        if not found:
            break
        names.insert(0, found[0].name)
        moref = found[0].parent
    return f"/{'/'.join(names)}" if names else ""


class _Node(NamedTuple):
    name: str
    above: str


class Folders:
    """The folders above the VMs of one vCenter, also above those in vApps, which the inventory does not follow.

    They are read in a few calls, and used again for a minute.
    """

    def __init__(self, session: Session, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._clock = clock
        self._lock = asyncio.Lock()
        self._paths: tuple[float, Mapping[str, Path]] | None = None

    async def of_vms(self) -> Mapping[str, Path]:
        """The folders above each VM, the outermost first, by the moref of the VM, such as `("DC0", "vm", "prod")`.

        The root folder is left out. A VM that vCenter shows in no folder is missing. Raises what the session raises.
        """
        async with self._lock:
            if self._paths is None or self._clock() - self._paths[0] > KEPT_SECONDS:
                self._paths = self._clock(), await self._session.call(_read, limit=SECONDS)
            return self._paths[1]


def _read(instance: Instance) -> Mapping[str, Path]:
    root = instance.content.rootFolder._moId
    nodes: dict[str, _Node] = {}
    vms: dict[str, str] = {}
    for kind, above in ABOVE.items():
        is_vm = kind is vim.VirtualMachine
        names = [above, *(["parentVApp"] if kind in (vim.VirtualMachine, vim.VirtualApp) else []), "name"]
        for found, values in read_all(instance, kind, names[:-1] if is_vm else names):
            parent = _id(values.get(above)) or _id(values.get("parentVApp"))
            if is_vm:
                vms[found._moId] = parent
            else:
                nodes[found._moId] = _Node(values.get("name", ""), parent)
    known: dict[str, Path | None] = {root: ()}
    paths = {moref: _path(nodes, parent, known) for moref, parent in vms.items()}
    return {moref: path for moref, path in paths.items() if path is not None}


def _path(nodes: Mapping[str, _Node], moref: str, known: dict[str, Path | None]) -> Path | None:
    """The path of a folder; None for one that the account may not read."""
    above: list[str] = []
    while moref not in known and moref in nodes and len(above) < DEEPEST:
        above.append(moref)
        moref = nodes[moref].above
    path = known.get(moref)
    for each in reversed(above):
        path = None if path is None else (*path, nodes[each].name)
        known[each] = path
    return path


def _id(found: Any) -> str:
    return found._moId if found is not None else ""
