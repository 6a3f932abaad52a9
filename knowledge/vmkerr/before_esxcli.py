"""The commands of ESX 3.x for advice that names `esxcli storage` and the like, which came with ESXi 5.0.

Source: ESX Server 3 Configuration Guide, appendix A (ESX Server Technical Support Commands); ESX Server 3 Patch
Management Guide (`esxupdate query`).
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST_WITH_ESXCLI = 5
"""The first major version with the commands of `esxcli` that the advice names."""
COMMAND = re.compile(r"`esxcli ([^`]*)`")
BY_BEGINNING = {
    "storage core path list": "esxcfg-mpath -l",
    "storage core device list": "esxcfg-mpath -l",
    "storage nmp device list": "esxcfg-mpath -l",
    "storage core adapter list": "esxcfg-mpath -a",
    "storage core adapter rescan": "esxcfg-rescan vmhbaN",
    "storage nfs list": "esxcfg-nas -l",
    "storage nfs add": "esxcfg-nas -a -o SERVER -s /PATH NAME",
    "storage nfs remove": "esxcfg-nas -d NAME",
    "storage filesystem list": "vdf -h",
    "storage vmfs extent list": "esxcfg-vmhbadevs -m",
    "system version get": "vmware -v",
    "system module list": "esxcfg-module -l",
    "system module parameters list": "esxcfg-module -g MODULE",
    "system module set": "esxcfg-module -e MODULE",
    "network ip interface": "esxcfg-vmknic -l",
    "network ip route ipv4 list": "esxcfg-route",
    "network vswitch standard list": "esxcfg-vswitch -l",
    "network firewall ruleset list": "esxcfg-firewall -q",
    "software vib list": "esxupdate query",
}
"""What stands for a command of `esxcli` with this beginning; without its options, which differ."""
OTHERWISE = "Read the lines around it in `/var/log/vmkernel`."
"""The step when no other is left."""


def steps_before_esxcli(steps: Iterable[str]) -> tuple[str, ...]:
    """Return the steps with the commands of ESX 3.x, without those that it has no command for; at least one."""
    changed = (COMMAND.sub(_counterpart, step) for step in steps)
    return tuple(step for step in changed if "`esxcli " not in step) or (OTHERWISE,)


def _counterpart(found: re.Match[str]) -> str:
    known = (command for beginning, command in BY_BEGINNING.items() if found[1].startswith(beginning))
    return f"`{next(known, f'esxcli {found[1]}')}`"
