"""The words that may come next on a command line of vmkops: commands, options, values and names of the service."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from importlib import import_module

from vmkops import commands
from vmkops.commands._general import COLORS, GENERAL
from vmkops.commands._misplaced import subcommands
from vmkops.commands._names_cache import cached

Word = list[str]
"""A word that may come next, and what it is; the second may be empty."""

PARAMETERS = "parameters-"
KINDS = {
    ("vm", "one"): "vms",
    ("host", "one"): "hosts",
    ("datastore", "one"): "datastores",
    ("vms", "one"): "vms",
    ("hosts", "one"): "hosts",
    ("datastores", "one"): "datastores",
    ("schedules", "one"): "schedules",
    ("schedules", "name"): "schedules",
    ("vcenters", "one"): "vcenters",
    ("jobs", "id"): "jobs",
    ("backups", "id"): "backups",
    ("backup", "vm"): "vms",
    ("action", "name"): "actions",
    ("actions", "name"): "actions",
}
"""What the plain words of a command name, by the command and the `dest` of the argument."""
OPTIONS = {
    "--vm": "vms",
    "--host": "hosts",
    "--datastore": "datastores",
    "--vcenter": "vcenters",
    "--action": "actions",
}
"""What the value of an option names."""
OF_PARAMETERS = {
    "vm": "vms",
    "onto": "vms",
    "peer": "vms",
    "host": "hosts",
    "datastore": "datastores",
    "backup": "backups",
    "snapshot": "snapshots",
    "vcenter": "vcenters",
    "action": "actions",
}
"""What the value of a parameter of an action names."""


def complete(words: Sequence[str]) -> list[Word]:
    """What the last of these words, the words after `vmkops`, may become; the last may be empty."""
    *before, current = words or [""]
    return [each for each in _candidates(before, current) if each[0].startswith(current) and each[0] != current]


def _candidates(before: list[str], current: str) -> Iterable[Word]:
    if before and before[-1] == "--service":
        return _services()
    if before and before[-1] == "--color":
        return [[each, ""] for each in COLORS]
    rest = _without_general(before)
    if not rest:
        if current.startswith("-"):
            return [[each, ""] for each in (*GENERAL, "--help", "--version")]
        return [[name, ""] for name in commands.names()]  # to describe them would import all of them
    if rest[0] not in commands.names():
        return []
    if rest[0] == "help":
        from vmkops.manual import TOPICS

        topics = dict.fromkeys([*TOPICS, *commands.names()])  # some commands have a page of their own, too
        return [[name, ""] for name in (topics if len(rest) == 1 else [])]
    parser = import_module(f"vmkops.commands.{rest[0]}").parser()
    return _of_parser(parser, rest[0], rest[1:], current)


def _of_parser(parser: argparse.ArgumentParser, command: str, before: list[str], current: str) -> Iterable[Word]:
    plain: list[str] = []
    waiting: argparse.Action | None = None
    for place, word in enumerate(before):
        if waiting is not None:
            waiting = None
        elif word.startswith("-") and len(word) > 1:
            option, equals, _ = word.partition("=")
            action = parser._option_string_actions.get(option)
            waiting = action if action and action.nargs != 0 and not equals else None
        elif below := subcommands(parser).get(word) if not plain else None:
            return _of_parser(below, command, before[place + 1 :], current)
        else:
            plain.append(word)
    if waiting is not None:
        return _values(waiting, command)
    if current.startswith("-"):
        return _options(parser, current, command)
    if below_it := subcommands(parser):
        return [[name, each.description or ""] for name, each in below_it.items()] if not plain else []
    if command == "action" and plain:
        return _of_action(plain, current)
    positional = [each for each in parser._actions if not each.option_strings]
    return _values(positional[len(plain)], command) if len(plain) < len(positional) else []


def _options(parser: argparse.ArgumentParser, current: str, command: str) -> Iterable[Word]:
    """The options, or after `--option=` its values."""
    option, equals, _ = current.partition("=")
    if equals and (action := parser._option_string_actions.get(option)):
        return [[f"{option}={value}", what] for value, what in _values(action, command)]
    shown = (each for each in parser._actions if each.help != argparse.SUPPRESS)
    return [[name, each.help or ""] for each in shown for name in each.option_strings if name.startswith("--")]


def _values(action: argparse.Action, command: str) -> Iterable[Word]:
    if action.choices:
        return [[str(each), ""] for each in action.choices]
    named = [OPTIONS[each] for each in action.option_strings if each in OPTIONS]
    kind = named[0] if named else KINDS.get((command, action.dest), "")
    if action.dest == "slug":
        return _procedures()
    if (command, action.dest) in (("login", "service"), ("logout", "service")):
        return _services()
    if (command, action.dest) == ("config", "name"):
        from service.api.config_file import NAMES

        return [[name, ""] for name in sorted(NAMES)]
    return _known(kind)


def _known(kind: str) -> list[Word]:
    """The names of this kind; those of actions are known without a service, too."""
    found = cached(kind) if kind else []
    if found or kind != "actions":
        return found
    from knowledge.procedure_store.entry_points import action_names

    return [[name, ""] for name in action_names()]


def _of_action(plain: list[str], current: str) -> Iterable[Word]:
    """The target and the parameters of an action, each as `NAME=`, and the values that are known."""
    name, *given = plain
    found = cached(f"{PARAMETERS}{name}")
    key, equals, _ = current.partition("=")
    if equals:
        kind = OF_PARAMETERS.get(key, "")
        return [*found, *([f"{key}={value}", what] for value, what in _known(kind))]
    taken = {f"{word.partition('=')[0]}=" for word in given}
    names = [each for each in found if each[0].endswith("=") and each[0] not in taken]
    # The target, which needs no name, is the first parameter.
    target = OF_PARAMETERS.get(names[0][0].removesuffix("="), "") if names and not given else ""
    return [*_known(target), *names]


def _without_general(before: list[str]) -> list[str]:
    from vmkops.commands._general import take_all, take_leading

    rest = list(before)
    unused: dict[str, str] = {}
    take_leading(rest, unused)
    if rest:
        take_all(rest, unused)
    # Names come from the service that the command line chooses.
    os.environ.update({name: value for name, value in unused.items() if name == "VMKOPS_PROFILE"})
    return rest


def _services() -> list[Word]:
    from service.api.config_file import SERVICES
    from service.api.settings_source import read_config

    tables = read_config(os.environ).get(SERVICES)
    return [[name, ""] for name in tables] if isinstance(tables, dict) else []


def _procedures() -> list[Word]:
    from knowledge.procedure_store.folders import BUILT_IN

    return [[each.stem, ""] for each in BUILT_IN.glob("*.md")]
