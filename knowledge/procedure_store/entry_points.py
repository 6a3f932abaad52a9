"""Where vmkops does the work of a page: the commands, calls, Slack forms and actions that belong to each procedure.

The table ``knowledge/data/entry_points.tsv`` connects both ways; a page also has the entry points whose commands it
names. Tests compare it with the commands, the routes of the
service, the Slack commands and the actions, so that none of them is without a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import takewhile

from knowledge.data_files import data_lines
from knowledge.procedure_store.procedure import Page


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryPoint:
    """One thing that vmkops does, and the ways to ask for it; a way that does not exist is empty."""

    what: str
    """What it does, as an instruction: ``Check an iSCSI name``."""
    command: str
    """In the shell, with placeholders in capitals: ``vmkops iscsi validate NAME``."""
    calls: tuple[str, ...]
    """Over HTTP: method and path, with variables in braces as in the OpenAPI document."""
    slack: str
    """In Slack: ``/iscsi NAME``."""
    action: str
    """The name of the host action, if it is one: ``power-on``."""
    procedures: tuple[str, ...]
    """The slugs of the pages about it; the first one is the most helpful."""

    @property
    def ways(self) -> tuple[str, ...]:
        """The command, the Slack form and the calls, without those that do not exist."""
        return tuple(filter(None, (self.command, self.slack, *self.calls)))


@cache
def entry_points() -> tuple[EntryPoint, ...]:
    """Return all entry points, in the order of the table."""
    return tuple(_entry_point(*line.split("\t")) for line in data_lines("entry_points.tsv"))


def entry_points_of(page: Page) -> tuple[EntryPoint, ...]:
    """Return what belongs to a page: what the table lists with it, then the commands that are in its text."""
    listed = [each for each in entry_points() if page.slug in each.procedures]
    named = [each for each in entry_points() if each not in listed and _names(page.body, each)]
    return (*listed, *named)


def _names(text: str, entry: EntryPoint) -> bool:
    words = list(takewhile(lambda word: not word.isupper(), entry.command.split()))
    if not words or words == ["vmkops", "action"]:  # a page that names an action has the entry point of that action
        return False
    return bool(re.search(rf"{re.escape(' '.join(words))}(?![\w-])", text))


@cache
def procedures_of_call(method: str, path: str) -> tuple[str, ...]:
    """Return the slugs of the pages about a call; ``path`` has its variables in braces."""
    return _procedures(each for each in entry_points() if f"{method} {path}" in each.calls)


def procedures_of_command(name: str) -> tuple[str, ...]:
    """Return the slugs of the pages about a command of the shell, such as ``iscsi``, and all its subcommands."""
    found = (each for each in entry_points() if each.command.split()[1:2] == [name])
    return _procedures(each for each in found if name != "action" or not each.action)


def procedures_of_slack(name: str) -> tuple[str, ...]:
    """Return the slugs of the pages about a Slack command, such as ``/iscsi``."""
    found = (each for each in entry_points() if each.slack.split()[:1] == [name])
    return _procedures(each for each in found if name != "/action" or not each.action)


def action_names() -> list[str]:
    """Return the names of all host actions in alphabetical order, without importing their code."""
    return sorted({each.action for each in entry_points() if each.action})


def procedures_of_action(name: str) -> tuple[str, ...]:
    """Return the slugs of the pages about a host action."""
    return _procedures(each for each in entry_points() if each.action == name)


def _procedures(found: Iterable[EntryPoint]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(slug for each in found for slug in each.procedures))


def _entry_point(what: str, command: str, calls: str, slack: str, action: str, procedures: str) -> EntryPoint:
    return EntryPoint(
        what=what,
        command=command,
        calls=tuple(calls.split(" | ")) if calls else (),
        slack=slack,
        action=action,
        procedures=tuple(procedures.split(", ")),
    )
