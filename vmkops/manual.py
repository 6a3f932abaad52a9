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
from vmkops.commands import _backups_adopt, _mounts_renew

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_INSTALLED = Path(__file__).with_name("docs")
DOCS = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[1] / "docs"
"""The pages of the manual: in the package when it is installed, and in the repository otherwise."""

TOPICS = {
    "start": DOCS / "start.md",
    "install": DOCS / "install.md",
    "slack": BUILT_IN / "slack-setup.md",
    "vcenter": DOCS / "vcenter.md",
    "permissions": DOCS / "permissions.md",
    "alerts": BUILT_IN / "alerts-setup.md",
    "metrics": DOCS / "metrics.md",
    "backups": BUILT_IN / "backup-setup.md",
    "schedules": DOCS / "schedules.md",
    "files": DOCS / "files.md",
    "commands": DOCS / "commands.md",
    "settings": DOCS / "settings.md",
    "procedures": DOCS / "procedures.md",
    "team-pages": DOCS / "team-pages.md",
    "security": DOCS.parent / "SECURITY.md",
    "signed-backups": DOCS / "signed-backups.md",
    "save": DOCS / "save.md",
    "copies": DOCS / "copies.md",
    "adopt": DOCS / "adopt.md",
    "state": DOCS / "state.md",
    "mount": DOCS / "mount.md",
    "audit": DOCS / "audit.md",
    "architecture": DOCS / "architecture.md",
    "faults": DOCS / "faults.md",
    "real-vsphere": DOCS / "real-vsphere.md",
    "subjects": DOCS / "subjects.md",
    "upgrade": DOCS / "upgrade.md",
}
"""The topics of `vmkops help` in the order to read them."""


_SHARED = """\
## What all commands share

| exit status | meaning |
| --- | --- |
| 0 | found, valid or done; also for an empty list |
| 1 | not found, invalid, refused or failed; a job that was followed failed, was cancelled or is only partly done |
| 2 | wrong usage, or a setting keeps the command from starting |
| 3 | the service does not answer |
| 130 | stopped with Ctrl-C; a job that was followed goes on |

Answers go to standard output. Everything else, such as progress, warnings and `No jobs.`, goes to standard error. A
table has a heading on a terminal only: a pipe gets the rows alone, for `cut`, `awk` and `sort`. Wrong usage is told in
one line with what to change; a command with subcommands, typed alone, lists them. Times for people have
one form, `2026-11-26 18:19 +01:00`: the clock of this computer, and its offset from UTC. The preview of a schedule has
the clock of the schedule's time zone, in the same form. The times of `decode --summary` are those that the log has, to
the second, with its zone. Sizes are decimal: 1 MB is 1,000,000 bytes. Settings in MiB, and `--max-size`, take binary
units. JSON has RFC 3339 times in UTC.

The lists (`vms`, `hosts`, `datastores`, `snapshots`, `jobs`, `backups`, `mounts`, `schedules`, `procedures`, `tokens`,
`vcenters`) print one form of JSON with `--json`: an object with the list under the name of the command, and `next`,
which `--cursor` takes for what comes after it, or null. The things in the list are those of the HTTP API, and so
are all other keys:

```json
{"jobs": [{"id": "046f3e7e01bdc7c1", "action": "backup", "target": "web-01", "state": "succeeded"}], "next": null}
```

The same filters are parameters of the HTTP calls, such as `GET
/jobs?state=failed&since=2026-11-26T00:00:00Z&limit=10`. `--watch` shows a list again whenever it changes. Where an
ID is taken, the beginning of it (four characters or more) is enough if it means one thing only; otherwise the
candidates are listed.

Options and the parameters of actions may be written with `-` or `_`: `--dry_run`, `wait-seconds=60`.

Before a command, and after one that can ask a service, you can write `--service NAME_OR_URL` to ask another service,
`--local`, `--color auto|always|never` and `--no-pager`. `--service` takes the name of a table of `vmkops.toml`:

```toml
[services.lab]
url = "https://vmkops.lab.example.com"
token_file = "/home/anna/lab-token"  # or token, or what `vmkops login lab` keeps
ca_file = "/etc/ssl/lab-ca.pem"      # only if the system does not trust its CA
```

The token is the first of these that there is: the token of that table, `VMKOPS_TOKEN` or `VMKOPS_TOKEN_FILE` in the
environment, and what `vmkops login` kept. A token elsewhere in `vmkops.toml` is for `VMKOPS_SERVICE_URL` alone.

Completion asks the service while you type. A `vmkops.toml` in the current folder counts for it only if you own the file
and nobody else can change it. If the file chooses the service, completion sends only a token that is written in it.
For everything in the file to count, name it in `VMKOPS_CONFIG`.

`vmkerr`, `decode` and `kb` are answered on this computer. When you name a service (`--service`, `VMKOPS_PROFILE` or
`VMKOPS_SERVICE_URL`), they also use the tables that were imported there, and `kb` its pages, those of the team among
them. When the service does not answer within 2 seconds, they use what is on this computer and say so in one line on
standard error. A token that the service refuses ends them with 1. With `--local`, or `VMKOPS_LOCAL=1` in the
environment, they ask no service. A token goes to the service by the rule for completion.

| door | tables of codes | procedures |
| --- | --- | --- |
| HTTP, Slack | built in, and imported into the service | built in, and those of the team |
| the shell, with a service named | those of the service, and imported on this computer | those of the service |
| the shell otherwise | built in, and imported on this computer | built in, and your own folder |

How far each table is verified is shown over HTTP only: `GET /releases` and the page `/vmkerr` have its `certainty` and
its `source`. The shell and Slack add a note to an answer that depends on it, such as for a release without a table
of its own.

States and severities have a color on a terminal, without `NO_COLOR` and `TERM=dumb`. What is longer than the screen
goes through the pager in `VMKOPS_PAGER` or `PAGER`, or through `less -FRX`.

`backup`, `action` and `jobs ID --watch` show the progress of a job: bars on a terminal, and lines elsewhere, with
`NO_COLOR` set, and with `TERM=dumb`. When the service goes away, they say so, ask again, and end after `--patience`
(5 minutes) with 3.
"""
"""The part of the page of commands that no parser has."""


def commands_page() -> str:
    """The page of all commands in Markdown, made from their parsers."""
    lines = [
        "# Commands",
        "",
        "Each command takes `--help`. This page is made from the parsers of the commands: `python -m vmkops.manual`.",
        "",
        *_SHARED.splitlines(),
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
    lines = [
        "# Settings",
        "",
        "Set them in the environment or in `vmkops.toml` (or the file that `VMKOPS_CONFIG` names) under the same",
        "names; the environment takes precedence. Each can also come from a file:",
        "`VMKOPS_TOKEN_FILE=/run/secrets/token`. `vmkops config show` prints where each setting comes from, and",
        "`vmkops config check` everything that is wrong. This page is made from the code: `python -m vmkops.manual`.",
        "",
        "| setting | what it is | default |",
        "| --- | --- | --- |",
    ]
    for field in _setting_fields():
        if field.description:
            default = _default(field)
            lines.append(f"| `{field.alias}` | {field.description} | {f'`{default}`' if default else ''} |")
    return "\n".join(lines) + "\n"


def setting_defaults() -> dict[str, str]:
    """The default of each setting by name, as people write it; empty for one without."""
    return {str(field.alias): _default(field) for field in _setting_fields()}


def _setting_fields() -> list[FieldInfo]:
    from bot.settings import BotSettings
    from service.api.settings import Settings

    return [*Settings.model_fields.values(), *BotSettings.model_fields.values()]


def _command(parser: argparse.ArgumentParser, name: str, summary: str, *, level: int) -> Iterator[str]:
    yield from (f"{'#' * level} {name}", "", f"{summary[0].upper()}{summary[1:].rstrip('.')}.", "")
    rows = [row for action in parser._actions if (row := _argument(action))]
    if rows:
        yield from (*rows, "")
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from _command(inner, f"{name} {word}", inner.description or "", level=level + 1)
    if name == "vmkops backups":  # which has no subcommands: its plain word is the id of a backup
        yield from _command(
            _backups_adopt.parser(), f"{name} {_backups_adopt.ADOPT}", _backups_adopt.SUMMARY, level=level + 1
        )
    if name == "vmkops mounts":
        yield from _command(
            _mounts_renew.parser(), f"{name} {_mounts_renew.RENEW}", _mounts_renew.SUMMARY, level=level + 1
        )


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
    if field.is_required() or value is None:
        return ""
    if isinstance(value, frozenset | tuple):
        return " ".join(map(str, sorted(value)))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value if isinstance(value, Enum) else value)


def main() -> None:
    """Write the pages that are made from the code."""
    (DOCS / "commands.md").write_text(commands_page(), "utf-8")
    (DOCS / "settings.md").write_text(settings_page(), "utf-8")


if __name__ == "__main__":
    main()
