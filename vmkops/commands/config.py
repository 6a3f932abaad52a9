"""`vmkops config`: the settings, where each comes from, and everything that is wrong with them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from service.api.words import counted, printable, printable_lines
from vmkops.commands import EXIT_DONE, EXIT_FAILED, SERVICE
from vmkops.commands._parser import Parser

if TYPE_CHECKING:
    from service.api.settings_reading import Reading

SUMMARY = "show the settings and where each comes from, and check them"
GROUP = SERVICE
CHECK = "print everything that is wrong with the settings; exit status 1 when one is wrong, 0 for warnings alone"
HIDDEN = "(hidden)"
DEFAULT, NOT_SET = "default", "not set"
UNSET = (DEFAULT, NOT_SET)
"""The origins of settings that nobody has set."""


class Shown(NamedTuple):
    """One setting as people see it."""

    name: str
    value: str
    """As it is written, without secrets; the default of one that is not set, empty when there is none."""
    origin: str
    """`environment`, `vmkops.toml, line 3`, both perhaps with `(NAME_FILE: path)`, or `default`."""


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = Parser(prog="vmkops config", description=SUMMARY)
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, does: Callable[[argparse.Namespace], int], summary: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=does)
        return command

    show = add(
        "show",
        _show,
        "print each setting, its value and its origin, those that are set first; secrets are hidden",
    )
    show.add_argument("name", nargs="?", default="", metavar="NAME", help="the setting to show; otherwise all of them")
    add("check", _check, CHECK)
    return made


def run(argv: Sequence[str]) -> int:
    """Run one of the commands.

    `check` exits with 1 when a setting is wrong, and with 0 for warnings alone; `show` with 1 without such a setting.
    """
    options = parser().parse_args(argv)
    return int(options.run(options))


def _show(options: argparse.Namespace) -> int:
    from service.api.config_file import COPY, NAMES, SAVE, SERVICES, VCENTERS
    from service.api.settings_reading import read_all
    from vmkops.commands._settings import all_problems, print_misspelt

    reading = read_all((*NAMES, VCENTERS, SERVICES, SAVE, COPY))
    found = [*_settings(reading), *_tables(reading)]
    if options.name:
        return _show_one(options, found)
    if options.json:
        settings = [each._asdict() for each in found]
        print(json.dumps({"file": reading.file.path, "settings": settings, "service": _service()}))
    else:
        was_set = [each for each in found if each.origin not in UNSET]
        for each in was_set:
            print(_line(each))
        if was_set:
            print("\nNot set:")
        for each in found:
            if each.origin in UNSET:
                print(_line(each))
        service = _service()
        profile = f"profile {service['profile']}, " if service["profile"] else ""
        asks = f"\nThe command line asks {service['url']}  [{profile}{service['token']}]" if service["url"] else ""
        print(printable_lines(asks))
    print_misspelt()
    for problem in all_problems():
        print(printable_lines(f"wrong: {problem}"), file=sys.stderr)
    return 0


def _show_one(options: argparse.Namespace, found: Sequence[Shown]) -> int:
    """Print one setting, or all settings of a table such as `vcenters.lab`; a name may be without `VMKOPS_`."""
    from vmkops.commands._near import nearest, shown

    name = options.name.upper().replace("-", "_")
    asked = (name, f"VMKOPS_{name}", options.name.upper())
    chosen = [each for each in found if each.name.upper() in asked]
    chosen = chosen or [each for each in found if each.name.startswith(f"{options.name}.")]
    if not chosen:
        names = [each.name for each in found]
        near = nearest(options.name, names) or nearest(f"VMKOPS_{options.name}", names)
        hint = f"Did you mean {near}?" if near else "vmkops config show lists all of them."
        print(f"vmkops config: there is no setting {shown(options.name)}. {hint}", file=sys.stderr)
        return EXIT_FAILED
    if options.json:
        print(json.dumps({"settings": [each._asdict() for each in chosen]}))
        return EXIT_DONE
    for each in chosen:
        print(_line(each))
    return EXIT_DONE


def _line(setting: Shown) -> str:
    return printable(f"{setting.name} = {setting.value}".rstrip() + f"  [{setting.origin}]")


def _service() -> dict[str, str]:
    """The service that the command line asks, its profile, and whether there is a token; all empty when none can be."""
    from service.errors import SettingError
    from vmkops.commands._service import chosen

    try:
        service = chosen()
        token = service.token
    except SettingError:
        return {"url": "", "profile": "", "token": ""}
    kept = "token of vmkops login" if token else "no token"
    words = "token of the settings" if service.own_token else kept
    return {"url": _text(service.url), "profile": service.profile, "token": words}


def _check(options: argparse.Namespace) -> int:
    from vmkops.commands._settings import all_problems, untold

    problems, warnings = all_problems(), untold()
    if options.json:
        print(json.dumps({"ok": not problems, "problems": problems, "warnings": warnings}))
        return 1 if problems else 0
    for warning in warnings:
        print(printable_lines(f"warning: {warning}"), file=sys.stderr)
    for problem in problems:
        print(printable_lines(problem))
    if not problems:
        more = f", with {counted(len(warnings), 'warning')}" if warnings else ""
        print(f"Every setting can be read{more}. `vmkops doctor` tries the connections.")
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
            yield Shown(name, defaults[name], DEFAULT if defaults[name] else NOT_SET)


def _tables(reading: Reading) -> Iterator[Shown]:
    from service.api.config_file import COPY, SAVE, SERVICES, VCENTERS

    for kind in (VCENTERS, SERVICES, SAVE, COPY):
        tables = reading.values.get(kind)
        for one, table in tables.items() if isinstance(tables, dict) else ():
            for key, value in table.items() if isinstance(table, dict) else ():
                place = (kind, one, key)
                shown = HIDDEN if key in ("password", "token", "environment") else _text(value)
                yield Shown(".".join(place), shown, reading.file.place(place))


def _text(value: Any) -> str:
    """A value of the environment or of TOML, as people write it, without the secret parts of URLs."""
    from service.api.redaction import redact

    if isinstance(value, bool):
        return str(value).lower()
    return redact(" ".join(map(str, value)) if isinstance(value, list) else str(value))
