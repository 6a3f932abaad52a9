"""Who owns an OUI, the first three octets of an IEEE identifier.

Source: the registry of the IEEE, as the package netaddr has it.
"""

from __future__ import annotations

import mmap
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

USERS = {"00-14-05": "Linux-IO (LIO)"}
"""Who uses the OUI of another organization (source: Linux, ``drivers/target/target_core_spc.c``)."""


@lru_cache(maxsize=4096)
def owner(oui: str) -> str:
    """Return the organization of an OUI such as ``00-14-05``, or an empty string when none is registered."""
    registry = _registry()
    at = registry.find(f"{oui}   (hex)".encode())
    if at < 0:
        return ""
    line = registry[at : registry.find(b"\n", at)].decode("utf-8", "replace")
    registered = line.partition("(hex)")[2].strip()
    return f"{registered}, used by {USERS[oui]}" if oui in USERS else registered


@cache
def _registry() -> mmap.mmap:
    """Return the registry in the format of the IEEE.

    To import netaddr takes 0.2 seconds, because it loads its indexes; the text that it carries is searched instead.
    """
    package = find_spec("netaddr")
    assert package is not None
    assert package.origin is not None
    with (Path(package.origin).parent / "eui" / "oui.txt").open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
