"""The argparse parser of every command: what is wrong is told in one line, with what was meant.

Exit status 2 for wrong usage, as argparse has it.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

from vmkops.commands._near import did_you_mean, shown


class Parser(argparse.ArgumentParser):
    """A parser that names the option or the subcommand that somebody probably meant."""

    _mixed = False
    """Whether options and plain words are read in two rounds, so that the first one leaves words over."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The options and no rest: a subcommand reports by itself what it does not know, under its own name."""
        options, unknown = super().parse_known_args(self._with_dashes(args), namespace)
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

    def error(self, message: str) -> NoReturn:
        """End with what is wrong; where no subcommand is typed, with all of them."""
        from vmkops.commands._misuse import subcommand_missing, wrong_usage

        below = next((each for each in self._actions if isinstance(each, argparse._SubParsersAction)), None)
        if below is not None and message.endswith(f"required: {below.metavar}"):
            summaries = {each.dest: each.help or "" for each in below._choices_actions}
            raise SystemExit(subcommand_missing(self.prog, summaries))
        message = message.removeprefix("argument COMMAND: ").removeprefix("argument ")
        raise SystemExit(wrong_usage(self.prog, message))

    def _with_dashes(self, args: Any) -> list[str]:
        """The words, with `--dry_run` written as `--dry-run`; what is after `--` stays."""
        words = list(sys.argv[1:] if args is None else args)
        for place, word in enumerate(words):
            if word == "--":
                break
            option, equals, value = word.partition("=")
            dashed = option.replace("_", "-")
            if option.startswith("--") and option not in self._option_string_actions:
                words[place] = f"{dashed}{equals}{value}" if dashed in self._option_string_actions else word
        return words

    def _unknown(self, words: list[str]) -> str:
        option = next((word.partition("=")[0] for word in words if word.startswith("-") and word != "-"), None)
        if option is None:
            known = [each for each in self._option_string_actions if each.startswith("--")]
            meant = f"--{words[0].partition('=')[0]}".replace("_", "-")
            near = f". Did you mean {meant}?" if meant in known else ""
            return f"there are too many words: {shown(' '.join(words))}{near}"
        return f"there is no option {shown(option)}.{did_you_mean(option, self._option_string_actions)}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(each) for each in action.choices]
        given = shown(str(value))
        what = f"{given} is not possible" if action.option_strings else f"there is no {given}"
        near = did_you_mean(str(value), choices) or f" Choose one of: {', '.join(choices)}."
        raise argparse.ArgumentError(action, f"{what}.{near}")
