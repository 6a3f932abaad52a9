"""The argparse parser of every command: what is wrong is told with the usage of that command, and with what was meant.

Exit status 2 for wrong usage, as argparse has it.
"""

from __future__ import annotations

import argparse
from typing import Any

from vmkops.commands._near import did_you_mean, shown


class Parser(argparse.ArgumentParser):
    """A parser that names the option or the subcommand that somebody probably meant."""

    _mixed = False
    """Whether options and plain words are read in two rounds, so that the first one leaves words over."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The options and no rest: a subcommand reports by itself what it does not know, with its own usage."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown and not self._mixed:
            self.error(self._unknown(unknown))
        return options, unknown

    def parse_known_intermixed_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The same for a command whose options may stand between its words."""
        self._mixed = True
        try:
            options, unknown = super().parse_known_intermixed_args(args, namespace)
        finally:
            self._mixed = False
        if unknown:
            self.error(self._unknown(unknown))
        return options, unknown

    def _unknown(self, words: list[str]) -> str:
        option = next((word.partition("=")[0] for word in words if word.startswith("-") and word != "-"), None)
        if option is None:
            return f"there are too many words: {shown(' '.join(words))}"
        return f"there is no option {shown(option)}.{did_you_mean(option, self._option_string_actions)}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(each) for each in action.choices]
        given = shown(str(value))
        what = f"{given} is not possible" if action.option_strings else f"there is no {given}"
        near = did_you_mean(str(value), choices) or f" Choose one of: {', '.join(choices)}."
        raise argparse.ArgumentError(action, f"{what}.{near}")
