"""Reads the beginning of a package that comes over the network: its descriptor, and no more than that."""

from __future__ import annotations

import io
import tarfile

from knowledge.bounded_tar import BoundedHeader, HeaderRefusedError
from knowledge.ovf.package import is_archive
from service.errors import PackageRefused
from service.packages.contents import START, refuse_unless_descriptor
from service.packages.descriptor import Outline, outline, parse_deployable


def read_start(file: bytes, name: str) -> Outline | None:
    """The outline of the package that begins with `file`; None for an archive whose descriptor does not end in it.

    `name` is the name of a descriptor by itself. Raises PackageRefused. A parser process runs this.
    """
    if not is_archive(file[:START]):
        return outline(parse_deployable(name, file))
    found = first_entry(file)
    return None if found is None else outline(parse_deployable(*found))


def first_entry(head: bytes) -> tuple[str, bytes] | None:
    """Name and content of the descriptor at the beginning of an archive; None when `head` is too short for it.

    Raises PackageRefused when the archive begins with something else.
    """
    try:
        entry = tarfile.TarFile(fileobj=io.BytesIO(head), tarinfo=BoundedHeader).next()
    except HeaderRefusedError as refused:
        raise PackageRefused(f"The archive cannot be read: {refused}.") from refused
    except (tarfile.TarError, ValueError, OverflowError, OSError):
        return None
    if entry is None:
        return None
    if not entry.isreg() or entry.sparse is not None:
        raise PackageRefused("The archive does not begin with a regular file; an OVA contains regular files only.")
    name = entry.name.removeprefix("./")
    refuse_unless_descriptor(name)
    end = entry.offset_data + entry.size
    return (name, head[entry.offset_data : end]) if end <= len(head) else None
