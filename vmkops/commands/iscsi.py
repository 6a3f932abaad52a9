"""`vmkops iscsi`: check, explain and build iSCSI names; read addresses; how targets are found."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from knowledge.iscsi import BuildRefused, build, check_alias, discovery, parse_address, validate
from knowledge.iscsi.values import Address, FieldVerdict, Name, Problem
from service.api.words import counted
from vmkops.commands import OFFLINE
from vmkops.commands._subcommands import Subcommands

SUMMARY = "check and build iSCSI names, addresses and aliases, and explain discovery"
GROUP = OFFLINE

_PRINTED = frozenset(
    {"date", "naming_authority", "string", "vmware_host", "oui", "mac", "naa_name", "vendor_specific", "extension"}
)
"""The parts that are printed; `--json` has all of them."""

_EXAMPLES = """\
examples:
  vmkops iscsi validate iqn.2001-04.com.example:disk1
  vmkops iscsi address '[2001:db8::10]:3260,iqn.2001-04.com.example:disk1'
  vmkops iscsi build iqn --domain example.com --date 2001-04 --string disk1
  vmkops iscsi build naa --hex 52004567BA64678D
  vmkops iscsi alias 'Mail store, rack 4'
  vmkops iscsi discovery

Exit status: 0 valid, 1 invalid, 2 wrong usage.
"""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    return _commands().parser


def run(argv: list[str]) -> int:
    """Run one `vmkops iscsi` command; returns 0 for valid, 1 for invalid, 2 for wrong usage."""
    return _commands().run(argv)


def _commands() -> Subcommands:
    commands = Subcommands("iscsi", SUMMARY, _EXAMPLES)
    commands.add("validate", _validate, "check and explain a name").add_argument(
        "name", metavar="NAME", help="an iSCSI name, such as iqn.2001-04.com.example:disk1"
    )
    commands.add("address", _address, "read host[:port],name").add_argument(
        "address", metavar="ADDRESS", help="a host, its port after : and a name after a comma"
    )
    commands.add("alias", _alias, "check an alias").add_argument("alias", metavar="TEXT", help="the alias")
    commands.add("discovery", _discovery, "explain the three ways to find targets, and what ESX supports")
    make = commands.add("build", _build, "build a name from its parts")
    make.add_argument("type", choices=("iqn", "eui", "naa"), help="the kind of name")
    make.add_argument("--domain", default="", help="iqn: a domain you own, such as example.com")
    make.add_argument("--date", default="", help="iqn: a month in which you owned it, such as 2001-04")
    make.add_argument("--string", help="iqn: what makes the name unique among yours")
    make.add_argument("--hex", default="", help="eui, naa: the hexadecimal digits")
    return commands


def _validate(options: argparse.Namespace) -> int:
    verdict = validate(options.name)
    _answer(options, verdict, _name_lines(verdict))
    return 0 if verdict.valid else 1


def _address(options: argparse.Namespace) -> int:
    address = parse_address(options.address)
    _answer(options, address, _address_lines(address))
    return 0 if address.valid else 1


def _alias(options: argparse.Namespace) -> int:
    alias = check_alias(options.alias)
    count = f"{counted(alias.characters, 'character')}, {counted(alias.bytes, 'byte')} of UTF-8"
    _answer(options, alias, [f"{_word(alias.valid)}: {count}", *_problem_lines(alias.problems)])
    return 0 if alias.valid else 1


def _build(options: argparse.Namespace) -> int:
    try:
        name = build(
            options.type,
            domain=options.domain,
            date=options.date,
            string=options.string,
            hex_digits=options.hex,
        )
    except BuildRefused as refused:
        if options.json:
            _print_json({"valid": False, "problems": [asdict(problem) for problem in refused.problems]})
        else:
            print("\n".join(["no name was built", *_problem_lines(refused.problems)]))
        return 1
    if options.json:
        _print_json(asdict(name))
    else:
        print(name.normalized)
        for line in [*_problem_lines(name.problems), *_field_lines("Valid, but refused by", name.refused_by)]:
            print(line, file=sys.stderr)
    return 0


def _discovery(options: argparse.Namespace) -> int:
    found = discovery()
    lines = [found.needed_for_a_session]
    for mechanism in found.mechanisms:
        lines += ["", f"{mechanism.name} ({', '.join(mechanism.also_called)})"]
        lines += [f"  needs  {', '.join(mechanism.needs)}", f"  suits  {mechanism.suits}"]
        lines += [f"  {number}. {step}" for number, step in enumerate(mechanism.steps, 1)]
        for support in mechanism.support:
            lines.append(f"  {support.release}: {support.detail} [{support.certainty}: {support.source}]")
            lines += [f"      {command}" for command in support.commands]
    _answer(options, found, [*lines, "", found.note])
    return 0


def _name_lines(verdict: Name) -> list[str]:
    lines = [f"{_word(verdict.valid)}: {_shown(verdict.name)}"]
    lines += [f"  {sentence}" for sentence in verdict.explanation]
    if verdict.normalized not in (None, verdict.name):
        lines.append(f"  normalized        {verdict.normalized}")
    if verdict.parts:
        filled = {key: value for key, value in asdict(verdict.parts).items() if key in _PRINTED and value is not None}
        lines += [f"  {key.replace('_', ' '):<17} {_shown(str(value))}" for key, value in filled.items()]
    lines += _problem_lines(verdict.problems)
    lines += [f"did you mean  {name}" for name in verdict.suggestions if name != verdict.normalized]
    lines += _field_lines("Valid, but refused by", verdict.refused_by)
    return lines + _field_lines("Invalid, but accepted by", verdict.accepted_by)


def _address_lines(address: Address) -> list[str]:
    lines = [f"{_word(address.valid)}: {_shown(address.address)}"]
    if address.host:
        lines.append(f"  host  {address.host} ({address.host_kind})")
    if address.host and address.port:
        lines.append(f"  port  {address.port}{' (assumed)' if address.port_assumed else ''}")
    if address.portal_group is not None:
        lines.append(f"  portal group  {address.portal_group}")
    if address.name:
        lines.append(f"  name  {address.name}")
    lines += _problem_lines(address.problems)
    return lines + [f"did you mean  {suggestion}" for suggestion in address.suggestions]


def _problem_lines(problems: Iterable[Problem]) -> list[str]:
    return [
        f"{problem.severity}  {problem.rule}: {_shown(problem.message)}"
        + (f" [{problem.source}]" if problem.source else "")
        for problem in problems
    ]


def _field_lines(title: str, verdicts: Iterable[FieldVerdict]) -> list[str]:
    lines = [f"  {verdict.who}: {verdict.why} [{verdict.source}]" for verdict in verdicts]
    return [title, *lines] if lines else []


def _word(valid: bool) -> str:
    return "valid" if valid else "invalid"


def _shown(text: str) -> str:
    """The text with everything that is not printable escaped, so that no input can control the terminal."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _answer(options: argparse.Namespace, value: Any, lines: list[str]) -> None:
    if options.json:
        _print_json(asdict(value))
    else:
        print("\n".join(lines))


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, indent=2))
