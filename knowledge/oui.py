"""Who owns an OUI, the first three octets of an IEEE identifier.

Source: the registry of the IEEE, as the package netaddr has it.
"""

from __future__ import annotations

from functools import lru_cache

USERS = {"00-14-05": "Linux-IO (LIO)"}
"""Who uses the OUI of another organization (source: Linux, ``drivers/target/target_core_spc.c``)."""


@lru_cache(maxsize=4096)
def owner(oui: str) -> str:
    """Return the organization of an OUI such as ``00-14-05``, or an empty string when none is registered."""
    from netaddr import OUI, NotRegisteredError  # reads an index, so it is imported only for a name that has an OUI

    try:
        registered = str(OUI(oui).registration()["org"])
    except NotRegisteredError:
        return ""
    return f"{registered}, used by {USERS[oui]}" if oui in USERS else registered
