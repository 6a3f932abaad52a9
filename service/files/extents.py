"""Where the bytes of a file are in the files of the package, where the disk has them as they are."""

from __future__ import annotations

from service.files.disk_files import Slice
from service.files.trees import MOST_RUNS, Node, Tree
from service.files.values import Extent

LEAST_NAMED = 1 << 20
"""Bytes from which it is worth it; fewer are read at once."""


def extents_of(tree: Tree, source: Slice, file: Node, offset: int, end: int) -> list[Extent]:
    """The extents of the bytes from `offset` to `end`; empty when they must be read through the tree of the volume."""
    runs = tree.runs(file) if end - offset >= LEAST_NAMED else None
    found: list[Extent] = []
    at = 0
    for start, length in runs or ():
        first, last = max(offset, at), min(end, at + length)
        within, at = first - at, at + length
        if first >= last:
            continue
        own = [Extent("", 0, last - first)] if start is None else source.extents(start + within, last - first)
        if own is None or len(found) + len(own) > MOST_RUNS:
            return []
        found += own
    return found if at >= end else []
