"""`vmkops ovf`: check an OVF package, and what OVF gives."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from knowledge.ovf import GAINS, PRACTICES, WAYS, Finding, lint
from knowledge.ovf.about import Fact
from vmkops.commands import OFFLINE
from vmkops.commands._subcommands import Subcommands

SUMMARY = "lint OVF and OVA packages, or show facts about OVF"
GROUP = OFFLINE

_EXAMPLES = """\
examples:
  vmkops ovf lint appliance.ova
  vmkops ovf lint backups/web01/        (the folder of a package)
  vmkops ovf about

Exit status: 0 nothing to fix, 1 errors or warnings, 2 wrong usage.
"""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return _commands().parser


def run(argv: list[str]) -> int:
    """Run one `vmkops ovf` command; returns 0 when clean, 1 with errors or warnings, 2 for wrong usage."""
    return _commands().run(argv)


def _commands() -> Subcommands:
    commands = Subcommands("ovf", SUMMARY, _EXAMPLES)
    commands.add("lint", _lint, "check an .ovf file, an .ova file or a folder").add_argument(
        "path", metavar="PATH", help="the .ovf file, the .ova file, or a folder that has them"
    )
    commands.add("about", _about, "show what OVF gives, how to make a package, and best practices")
    return commands


def _lint(options: argparse.Namespace) -> int:
    try:
        findings = lint(options.path)
    except (OSError, ValueError) as broken:
        print(f"vmkops ovf lint: cannot read {options.path!r}: {broken}", file=sys.stderr)
        return 2
    if options.json:
        _print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        print("\n".join([line for finding in findings for line in _lines(finding)] or ["nothing to fix"]))
    return 1 if any(finding.severity != "info" for finding in findings) else 0


def _about(options: argparse.Namespace) -> int:
    sections = {"What OVF gives": GAINS, "How to make a package": WAYS, "Best practices for appliances": PRACTICES}
    if options.json:
        keys = ("gains", "ways", "practices")
        _print_json({key: [asdict(fact) for fact in facts] for key, facts in zip(keys, sections.values(), strict=True)})
        return 0
    for title, facts in sections.items():
        print(title)
        for fact in facts:
            print("\n".join(_fact_lines(fact)))
    return 0


def _lines(finding: Finding) -> list[str]:
    return [f"{finding.severity}  {finding.rule}  {finding.where}: {finding.message}", f"    {finding.fix}"]


def _fact_lines(fact: Fact) -> list[str]:
    return [f"  {fact.topic}: {fact.text}", *(f"      {command}" for command in fact.commands)]


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, indent=2))
