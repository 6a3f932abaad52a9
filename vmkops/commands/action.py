"""`vmkops action`: any host action."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._options import add_job_options, add_yes_option
from vmkops.commands._parser import Parser

SUMMARY = "start any host action and follow the job, or only check it (--dry-run)"
DESCRIPTION = (
    "start any host action and follow the job, or only check it (--dry-run). Before a disruptive or destructive "
    "action, the command shows the dry run and waits for your yes"
)
GROUP = SERVICE


MOST_TAKERS = 3
"""How many actions that take a parameter are named."""


class _Parser(Parser):
    """A parser that knows that the parameters of an action are no options: `report_to=...`, not `--report-to`."""

    def _unknown(self, words: list[str]) -> str:
        message = super()._unknown(words)
        option, _, value = next((each for each in words if each.startswith("--")), "").partition("=")
        name = _parameter(option.removeprefix("--"))
        if not name or "Did you mean" in message:
            return message
        from vmkops.commands._action_help import takers_of

        takers = takers_of(name)
        if not takers:
            return message
        of = f" of {' and '.join(takers)}" if len(takers) <= MOST_TAKERS else ""
        return f"{message} It is a parameter{of}: write {shlex.quote(f'{name}={value or name.upper()}')}."


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = _Parser(
        prog="vmkops action",
        description=DESCRIPTION,
        epilog="`vmkops actions` lists the actions. `vmkops action NAME --help` explains the parameters of one.",
    )
    made.add_argument("name", nargs="?", metavar="NAME", help="the action, such as power-on")
    made.add_argument(
        "words",
        nargs="*",
        metavar="TARGET key=value",
        help="the VM, host or other thing that it acts on, and its parameters",
    )
    made.add_argument("--list", action="store_true", help="list the actions, as `vmkops actions` does")
    add_yes_option(made)
    add_job_options(made)
    return made


def run(argv: Sequence[str]) -> int:
    """Start the action and follow its job, or only check it.

    0 when that went well, 1 otherwise, 2 when the action needs a yes and nobody can be asked.
    """
    if {"-h", "--help"} & set(argv) and argv[0][:1] != "-":
        from vmkops.commands._action_help import print_help

        return print_help(argv[0])
    options = parser().parse_args(argv)
    if options.list:
        from vmkops.commands.actions import run as list_actions

        return list_actions(["--json"] if options.json else [])
    if options.name is None:
        parser().error("name the action; --list lists them")
    words = list(options.words)
    # A signed URL has = too, but not after the name of a parameter.
    is_pair = bool(words) and "=" in words[0] and _parameter(words[0].partition("=")[0]).isidentifier()
    target = words.pop(0) if words and not is_pair else None
    params: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        key = _parameter(key)
        if not key or not equals:
            parser().error(f"{word!r} is not key=value")
        if key in params:
            parser().error(f"the parameter {key} is given twice")
        params[key] = value

    from vmkops.commands._console import carry_out

    return carry_out(options, options.name, target, params)


def _parameter(word: str) -> str:
    """The name of a parameter, which people also write with dashes."""
    return word.replace("-", "_")
