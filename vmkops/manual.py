"""The manual: pages that `vmkops help` prints and the site shows, and those that are made from the code.

``python -m vmkops.manual`` writes docs/commands.md and docs/settings.md; a test compares them with the code.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.procedure_store.folders import BUILT_IN
from vmkops import commands

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_INSTALLED = Path(__file__).with_name("docs")
DOCS = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[1] / "docs"
"""The pages of the manual: in the package when it is installed, and in the repository otherwise."""

TOPICS = {
    "start": DOCS / "start.md",
    "slack": BUILT_IN / "slack-setup.md",
    "vcenter": DOCS / "vcenter.md",
    "permissions": DOCS / "permissions.md",
    "alerts": BUILT_IN / "alerts-setup.md",
    "backups": BUILT_IN / "backup-setup.md",
    "schedules": DOCS / "schedules.md",
    "commands": DOCS / "commands.md",
    "settings": DOCS / "settings.md",
    "procedures": DOCS / "procedures.md",
    "team-pages": DOCS / "team-pages.md",
    "security": DOCS.parent / "SECURITY.md",
    "signed-backups": DOCS / "signed-backups.md",
    "audit": DOCS / "audit.md",
    "architecture": DOCS / "architecture.md",
    "faults": DOCS / "faults.md",
    "real-vsphere": DOCS / "real-vsphere.md",
    "subjects": DOCS / "subjects.md",
    "upgrade": DOCS / "upgrade.md",
}
"""The topics of `vmkops help` in the order to read them."""


def whole_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line, for completion and documentation: each command with its arguments."""
    made = argparse.ArgumentParser(prog="vmkops", description="VMware on call.")
    made.add_argument("--version", action="store_true", help="print the version")
    found = made.add_subparsers(metavar="COMMAND")
    for name in commands.names():
        module = import_module(f"vmkops.commands.{name}")
        own: argparse.ArgumentParser = module.parser()
        found.add_parser(name, parents=[own], add_help=False, help=module.SUMMARY, description=own.description)
    return made


def commands_page() -> str:
    """The page of all commands in Markdown, made from their parsers."""
    lines = [
        "# Commands",
        "",
        "Each command takes `--help`. Exit status: 0 found or done, 1 not found or failed, 2 wrong usage. This page is",
        "made from the parsers of the commands: `python -m vmkops.manual`.",
        "",
    ]
    for group in commands.GROUPS:
        lines += [f"## {group}", ""]
        for name in commands.names():
            module = import_module(f"vmkops.commands.{name}")
            if group == module.GROUP:
                lines += _command(module.parser(), f"vmkops {name}", module.SUMMARY, level=3)
    return "\n".join(lines).rstrip() + "\n"


def settings_page() -> str:
    """The page of all settings in Markdown, made from their models."""
    from bot.settings import BotSettings
    from service.api.settings import Settings

    fields = [*Settings.model_fields.values(), *BotSettings.model_fields.values()]
    lines = [
        "# Settings",
        "",
        "Set them in the environment or in `vmkops.toml` (or the file that `VMKOPS_CONFIG` names) under the same",
        "names; the environment takes precedence. Each can also come from a file:",
        "`VMKOPS_TOKEN_FILE=/run/secrets/token`. This page is made from the code: `python -m vmkops.manual`.",
        "",
        "| setting | what it is | default |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{field.alias}` | {field.description} | {_default(field)} |" for field in fields if field.description]
    return "\n".join(lines) + "\n"


def _command(parser: argparse.ArgumentParser, name: str, summary: str, *, level: int) -> Iterator[str]:
    yield from (f"{'#' * level} {name}", "", f"{summary[0].upper()}{summary[1:]}.", "")
    rows = [row for action in parser._actions if (row := _argument(action))]
    if rows:
        yield from (*rows, "")
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from _command(inner, f"{name} {word}", inner.description or "", level=level + 1)


def _argument(action: argparse.Action) -> str:
    """The line of an argument in Markdown; empty for --help, for subcommands and for a hidden one."""
    if isinstance(action, (argparse._HelpAction, argparse._SubParsersAction)) or action.help == argparse.SUPPRESS:
        return ""
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    words = ", ".join(action.option_strings)
    takes_value = not action.option_strings or action.nargs != 0
    shown = f"{words} {value}".strip() if takes_value else words
    return f"- `{shown}`: {(action.help or '').replace('%(default)s', str(action.default))}"


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required() or value is None or value == frozenset():
        return ""
    if isinstance(value, frozenset):
        return f"`{' '.join(map(str, sorted(value)))}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def main() -> None:
    """Write the pages that are made from the code."""
    (DOCS / "commands.md").write_text(commands_page(), "utf-8")
    (DOCS / "settings.md").write_text(settings_page(), "utf-8")


if __name__ == "__main__":
    main()
