"""`vmkops action`: any host action."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from vmkops.commands import SERVICE
from vmkops.commands._options import add_job_options

SUMMARY = "start any host action and follow the job, or only check it (--dry-run)"
GROUP = SERVICE


def parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    made = argparse.ArgumentParser(
        prog="vmkops action", description=SUMMARY, epilog="`vmkops actions` lists the actions with their parameters."
    )
    made.add_argument("name", metavar="NAME", help="the action, such as power-on")
    made.add_argument(
        "words",
        nargs="*",
        metavar="TARGET key=value",
        help="the VM, host or other thing that it acts on, and its parameters",
    )
    add_job_options(made)
    return made


def run(argv: Sequence[str]) -> int:
    """Start the action and follow its job, or only check it; 0 when that went well, 1 otherwise."""
    options = parser().parse_args(argv)
    words = list(options.words)
    # A signed URL has = too, but not after the name of a parameter.
    is_pair = bool(words) and "=" in words[0] and words[0].partition("=")[0].isidentifier()
    target = words.pop(0) if words and not is_pair else None
    params: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not key or not equals:
            parser().error(f"{word!r} is not key=value")
        if key in params:
            parser().error(f"the parameter {key} is given twice")
        params[key] = value

    from vmkops.commands._console import carry_out

    return carry_out(options, options.name, target, params)
