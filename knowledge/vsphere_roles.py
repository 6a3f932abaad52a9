"""The privileges that vmkops needs in vSphere, by tier of what it is allowed to do, and the roles that grant them.

The table is ``knowledge/data/vsphere_privileges.tsv``, which names the source of each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from knowledge.data_files import data_lines

TIERS = ("look", "back-up", "restore", "operate")
"""What an account may do; each tier but the first also needs the privileges of ``look``."""
LOOK = "look"
IMPLICIT = "System."
"""What the ids of privileges begin with that each role has; no role is created with them."""
Format = Literal["powercli", "govc"]


@dataclass(frozen=True, slots=True)
class Privilege:
    """A privilege that one tier needs."""

    tier: str
    id: str
    """As vSphere spells it, such as ``VApp.Export``."""
    object: str
    """The type of the objects that need it, such as ``VirtualMachine``, or ``any``."""
    needed_for: str
    certainty: str
    """``documented``, or ``likely`` where no public page names the privilege for this call."""
    source: str


@cache
def privileges() -> tuple[Privilege, ...]:
    """Return every privilege of every tier."""
    return tuple(Privilege(*line.split("\t")) for line in data_lines("vsphere_privileges.tsv"))


def of_tier(tier: str) -> tuple[Privilege, ...]:
    """Return the privileges that a tier adds to those of ``look``."""
    return tuple(each for each in privileges() if each.tier == tier)


def role_name(tier: str) -> str:
    """Return the name of the role for a tier, such as ``vmkops-back-up``."""
    return f"vmkops-{tier}"


def role_ids(tier: str) -> list[str]:
    """Return the ids with which the role of a tier is created, in alphabetical order."""
    return sorted({each.id for each in of_tier(tier) if not each.id.startswith(IMPLICIT)})


def role_commands(tier: str, how: Format) -> str:
    """Return the lines that create the role of a tier and grant it to an account on the whole vCenter."""
    name, ids = role_name(tier), role_ids(tier)
    if how == "govc":
        words = " \\\n  ".join([f"govc role.create {name}", *ids])
        return f"{words}\ngovc permissions.set -principal 'vmkops@vsphere.local' -role {name} -propagate=true /\n"
    create = f"New-VIRole -Name '{name}'"
    if ids:
        listed = ",\n  ".join(f"'{each}'" for each in ids)
        create += f" -Privilege (Get-VIPrivilege -Id @(\n  {listed}))"
    grant = (
        "New-VIPermission -Entity (Get-Folder -NoRecursion) -Principal 'VSPHERE.LOCAL\\vmkops' "
        f"-Role '{name}' -Propagate $true"
    )
    return f"{create}\n{grant}\n"
