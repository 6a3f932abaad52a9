"""What volumes are used as: from `/etc/fstab` of the one that looks like a root, and `C:` for the one with Windows."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from service.errors import DiskUnreadable
from service.files.trees import Tree
from service.files.values import Volume

LARGEST_FSTAB = 64 << 10
MOST_NAMES = 2000
"""Names that are looked at in the top folder of a volume."""


def used_as(every: Sequence[Volume], readable: Sequence[Volume], tree_of: Callable[[Volume], Tree]) -> dict[str, str]:
    """Where each volume is mounted, by its name; those that are not known are left out. Damage is no error."""
    found: dict[str, str] = {}
    roots: list[tuple[Volume, bytes]] = []
    windows: list[Volume] = []
    for volume in readable:
        with contextlib.suppress(OSError, DiskUnreadable):
            names, fstab = _top(tree_of(volume))
            if volume.type == "ntfs" and {b"windows", b"program files"} <= {name.lower() for name in names}:
                windows.append(volume)
            elif b"etc" in names and names & {b"usr", b"bin"}:
                roots.append((volume, fstab))
    if len(windows) == 1:
        found[windows[0].name] = "C:"
    if len(roots) > 1:  # the one that its own table calls the root
        roots = [
            (root, text)
            for root, text in roots
            if _of_fstab(text.decode("utf-8", "replace"), [root]) == {root.name: "/"}
        ]
    if len(roots) == 1:
        root, fstab = roots[0]
        found |= _of_fstab(fstab.decode("utf-8", "replace"), every)
        found = {name: at for name, at in found.items() if at != "/"} | {root.name: "/"}
    return found


def _top(tree: Tree) -> tuple[set[bytes], bytes]:
    """The names in the top folder, and the text of `/etc/fstab`."""
    names = set()
    for node, _ in zip(tree.nodes(tree.root()), range(MOST_NAMES), strict=False):
        names.add(node.name)
    etc = tree.find(tree.root(), b"etc") if b"etc" in names else None
    fstab = tree.find(etc, b"fstab") if etc is not None and etc.kind == "folder" else None
    if fstab is None or fstab.kind != "file":
        return names, b""
    return names, b"".join(tree.pieces(fstab, 0, LARGEST_FSTAB))


def _of_fstab(text: str, every: Sequence[Volume]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 2 or fields[0].startswith("#") or not fields[1].startswith("/") or not fields[1].isprintable():
            continue
        parts = [part for part in fields[1].split("/") if part]
        if ".." in parts:
            continue
        for volume in every:
            if fields[0] in _names_of(volume):
                found.setdefault(volume.name, "/" + "/".join(parts))
    return found


def _names_of(volume: Volume) -> set[str]:
    """What `/etc/fstab` may call a volume; `/dev/sda1` is none of them, because the order of disks changes."""
    names = set()
    if volume.uuid:
        names |= {
            f"{key}{value}" for key in ("UUID=", "/dev/disk/by-uuid/") for value in (volume.uuid, volume.uuid.lower())
        }
    if volume.label:
        names |= {f"LABEL={volume.label}", f"/dev/disk/by-label/{volume.label}"}
    group, slash, logical = volume.name.partition("/")
    if slash and not volume.file:
        mapped = f"{group.replace('-', '--')}-{logical.replace('-', '--')}"
        names |= {f"/dev/{volume.name}", f"/dev/mapper/{mapped}"}
    return names
