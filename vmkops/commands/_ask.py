"""Shows the dry run of an action on a terminal, and waits for the yes before one that can do harm."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from service.api.client import ActionPreview, TypeAgainHint
from service.api.previews import asks, class_words, findings, verdict
from vmkops.commands._color import painted
from vmkops.commands._shown import for_people

DONE, NOT_ALLOWED, NO_TERMINAL = 0, 1, 2
"""Exit statuses."""
YES = "yes"


def print_preview(
    preview: ActionPreview, *, as_json: bool = False, to: TextIO | None = None, typed: Sequence[str] = ()
) -> int:
    """Print a dry run, on standard output unless `to` is given; exit 0 when the action may go ahead, 1 otherwise.

    With `typed`, the words of the command that starts the action, it also says what is asked first, and what to type in
    a script instead.
    """
    if as_json:
        print(preview.model_dump_json(), file=to)
    else:
        print(for_people(f"{preview.action} of {preview.target}: {verdict(preview)}"), file=to)
        for check in findings(preview):
            print(f"{painted(f'{check.severity:<6}', to)}  {for_people(check.message)}", file=to)
        print(for_people(f"steps   {', '.join(preview.steps)}"), file=to)
        starts = ", and starts at once" if preview.allowed and not preview.class_.asks_first else ""
        print(f"class   {class_words(preview.class_)}{starts}", file=to)
        if typed and (words := asks(preview)):
            print(for_people(f"asks    {words}"), file=to)
            print(for_people(f"script  {for_a_script(preview, typed)}"), file=to)
    return DONE if preview.allowed else NOT_ALLOWED


def for_a_script(preview: ActionPreview, typed: Sequence[str]) -> str:
    """The command that starts the action without a question, from the words that were typed."""
    again = preview.type_again
    kept = [word for word in typed if again is None or not word.startswith(f"{again.parameter}=")]
    named = [f"{again.parameter}={again.name}"] if again else []
    return shlex.join(["vmkops", *kept, *named, "--yes"])


@contextmanager
def stopped_before(nothing: str) -> Iterator[None]:
    """Questions that Ctrl-C may end: `nothing`, such as `Nothing was started.`, then says that nothing happened."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"\n{nothing}", file=sys.stderr)
        raise


def ask_first(
    check: Callable[[Mapping[str, str]], ActionPreview], typed: Sequence[str] = ()
) -> tuple[int, dict[str, str]]:
    """Show the dry run, and wait for a yes; 0 after the yes, otherwise the exit status.

    An action that needs no yes with these parameters is neither shown nor asked about.
    `check` makes the dry run, with the further parameters that it gets; `typed` are the words of the command. The yes
    counts only for what was shown: when the checks find something else after it, the question comes again. Where an
    action wants a name typed again, that is asked after the yes, and the second result has it, by the name of its
    parameter.
    """
    preview = check({})
    while True:
        if preview.allowed and not preview.class_.asks_first:
            return DONE, {}
        print_preview(preview, to=sys.stderr)
        if not preview.may_be_asked:
            return NOT_ALLOWED, {}
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            print(
                for_people(
                    f"vmkops {preview.action}: this {preview.class_} action needs a yes, and there is no terminal to "
                    "ask on. Nothing was started. In a script, add --yes. The whole command:\n  "
                    + for_a_script(preview, typed)
                ),
                file=sys.stderr,
            )
            return NO_TERMINAL, {}
        label = for_people(preview.label or f"{preview.action} of {preview.target}")
        print(f"Type {YES} to {label[0].lower()}{label[1:]}: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() != YES:
            print("Nothing was started.", file=sys.stderr)
            return NOT_ALLOWED, {}
        shown, preview = preview, check({})
        if preview.fingerprint == shown.fingerprint:
            return _ask_to_type(check, preview.type_again) if preview.type_again else (DONE, {})
        print("What the checks find has changed:", file=sys.stderr)


def _ask_to_type(
    check: Callable[[Mapping[str, str]], ActionPreview], hint: TypeAgainHint
) -> tuple[int, dict[str, str]]:
    """Ask for the name; it counts when the checks accept it."""
    print(f"Type {for_people(hint.what)}: ", end="", file=sys.stderr, flush=True)
    typed = {hint.parameter: sys.stdin.readline().strip()}
    preview = check(typed)
    if preview.allowed:
        return DONE, typed
    refusals = [for_people(each.message) for each in preview.checks if each.severity == "refuse"]
    print("\n".join([*refusals, "Nothing was started."]), file=sys.stderr)
    return NOT_ALLOWED, {}
