"""Shows the dry run of an action on a terminal, and waits for the yes before one that can do harm."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TextIO

from service.api.client import ActionPreview

DONE, NOT_ALLOWED, NO_TERMINAL = 0, 1, 2
"""Exit statuses."""
YES = "yes"


def print_preview(preview: ActionPreview, *, as_json: bool = False, to: TextIO | None = None) -> int:
    """Print a dry run, on standard output unless `to` is given; exit 0 when the action may go ahead, 1 otherwise."""
    if as_json:
        print(preview.model_dump_json(), file=to)
    else:
        verdict = "may go ahead" if preview.allowed else "is refused"
        print(f"{preview.action} of {preview.target}: {verdict}", file=to)
        for check in preview.checks:
            print(f"{check.severity:<6}  {check.message}", file=to)
        print(f"steps   {', '.join(preview.steps)}", file=to)
        print(f"class   {preview.class_}", file=to)
    return DONE if preview.allowed else NOT_ALLOWED


def ask_first(check: Callable[[], ActionPreview]) -> int:
    """Show the dry run that `check` makes, and wait for a yes; 0 after the yes, otherwise the exit status.

    An action that needs no yes with these parameters is neither shown nor asked about.
    The yes counts only for what was shown: when the checks find something else after it, the question comes again.
    """
    preview = check()
    while True:
        if preview.allowed and not preview.class_.asks_first:
            return DONE
        if print_preview(preview, to=sys.stderr) != DONE:
            return NOT_ALLOWED
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            print(
                f"vmkops {preview.action}: this {preview.class_} action needs a yes, and there is no terminal to ask "
                "on. Nothing was started. In a script, add --yes.",
                file=sys.stderr,
            )
            return NO_TERMINAL
        label = preview.label or f"{preview.action} of {preview.target}"
        print(f"Type {YES} to {label[0].lower()}{label[1:]}: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() != YES:
            print("Nothing was started.", file=sys.stderr)
            return NOT_ALLOWED
        shown, preview = preview, check()
        if preview.fingerprint == shown.fingerprint:
            return DONE
        print("What the checks find has changed:", file=sys.stderr)
