"""`vmkops vcenter`: the roles that the account of vmkops needs in vCenter, as commands that create them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from knowledge.vsphere_roles import TIERS, of_tier, role_commands, role_ids, role_name
from vmkops.commands import OFFLINE
from vmkops.commands._subcommands import Subcommands

SUMMARY = "print the role in vCenter for what vmkops is allowed to do"
GROUP = OFFLINE

_EXAMPLES = """\
examples:
  vmkops vcenter role back-up
  vmkops vcenter role restore --format govc

Each tier also needs `look`, which the role Read-only has. `vmkops doctor --vcenter NAME` shows what is missing.
"""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return _commands().parser


def run(argv: Sequence[str]) -> int:
    """Print a role; 2 for wrong usage."""
    return _commands().run(argv)


def _commands() -> Subcommands:
    commands = Subcommands("vcenter", SUMMARY, _EXAMPLES)
    role = commands.add("role", _role, "print the commands that create the role of a tier")
    role.add_argument("tier", choices=TIERS, metavar="TIER", help=f"what vmkops may do: {', '.join(TIERS)}")
    role.add_argument("--format", choices=("powercli", "govc"), default="powercli", help="for which program")
    return commands


def _role(options: argparse.Namespace) -> int:
    if options.json:
        rows = [asdict(each) for each in of_tier(options.tier)]
        print(json.dumps({"name": role_name(options.tier), "ids": role_ids(options.tier), "privileges": rows}))
        return 0
    print(role_commands(options.tier, options.format), end="")
    return 0
