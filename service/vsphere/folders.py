"""Folders and datacenters in the live inventory: the path of what is in them."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from service.vsphere.live import Inventory, Kind
from service.vsphere.selectors import FIELDS, Located

DEEPEST = 50
"""Levels of folders that a path shows."""


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
