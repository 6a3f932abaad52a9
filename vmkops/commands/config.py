"""`vmkops config`: the settings, where each comes from, and everything that is wrong with them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from vmkops.commands import SERVICE

if TYPE_CHECKING:
    from service.api.settings_reading import Reading

SUMMARY = "show the settings and where each comes from, and check them"
GROUP = SERVICE
HIDDEN = "(hidden)"


class Shown(NamedTuple):
    """One setting as people see it."""

    name: str
    value: str
    """As it is written, without secrets; the default of one that is not set, empty when there is none."""
    origin: str
    """`environment`, `vmkops.toml, line 3`, both perhaps with `(NAME_FILE: path)`, or `default`."""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = argparse.ArgumentParser(prog="vmkops config", description=SUMMARY)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, does: Callable[[bool], int], summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=does)
        return command

    add("show", _show, "print each setting, its value and where it comes from; secrets are hidden")
    add("check", _check, "print everything that is wrong with the settings; exit status 1 when there is something")
    return made


def run(argv: Sequence[str]) -> int:
    """Run one of the commands: `show` exits with 0, `check` with 0 when every setting is good and 1 otherwise."""
    options = parser().parse_args(argv)
    return int(options.run(options.json))


def _show(as_json: bool) -> int:
    from service.api.config_file import NAMES, VCENTERS
    from service.api.settings_reading import read_all
    from vmkops.commands._settings import all_problems, print_misspelt

    reading = read_all((*NAMES, VCENTERS))
    found = [*_settings(reading), *_tables(reading)]
    if as_json:
        print(json.dumps({"file": reading.file.path, "settings": [each._asdict() for each in found]}))
    else:
        for each in found:
            print(f"{each.name} = {each.value}".rstrip() + f"  [{each.origin}]")
    print_misspelt()
    for problem in all_problems():
        print(f"wrong: {problem}", file=sys.stderr)
    return 0


def _check(as_json: bool) -> int:
    from vmkops.commands._settings import all_problems, untold

    problems, warnings = all_problems(), untold()
    if as_json:
        print(json.dumps({"ok": not problems, "problems": problems, "warnings": warnings}))
        return 1 if problems else 0
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    for problem in problems:
        print(problem)
    if not problems:
        print("Every setting can be read. `vmkops doctor` tries the connections.")
    return 1 if problems else 0


def _settings(reading: Reading) -> Iterator[Shown]:
    from service.api.config_file import NAMES, SECRET
    from vmkops.manual import setting_defaults

    defaults = setting_defaults()
    for name in sorted(NAMES):
        if name in reading.failed:
            yield Shown(name, "", "cannot be read")
        elif name in reading.values:
            value = HIDDEN if SECRET.search(name) else _text(reading.values[name])
            yield Shown(name, value, reading.origins[name])
        else:
            yield Shown(name, defaults[name], "default" if defaults[name] else "not set")


def _tables(reading: Reading) -> Iterator[Shown]:
    from service.api.config_file import VCENTERS

    tables = reading.values.get(VCENTERS)
    for vcenter, table in tables.items() if isinstance(tables, dict) else ():
        for key, value in table.items() if isinstance(table, dict) else ():
            place = (VCENTERS, vcenter, key)
            yield Shown(".".join(place), HIDDEN if key == "password" else _text(value), reading.file.place(place))


def _text(value: Any) -> str:
    """A value of the environment or of TOML, as people write it, without the secret parts of URLs."""
    from service.api.redaction import redact

    if isinstance(value, bool):
        return str(value).lower()
    return redact(" ".join(map(str, value)) if isinstance(value, list) else str(value))
