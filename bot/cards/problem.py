"""The cards for what failed: what happened, what it means, and what to type next."""

from __future__ import annotations

from bot.blocks import Message, bold, bullets, code, escape, message, section
from bot.cards.help import example_line
from service.api.client import Problem
from service.api.redaction import redact

CANDIDATES = {400, 404, 409}
"""Statuses whose suggestions complete a command. The suggestions of other statuses are sentences."""


def problem_card(problem: Problem, *, command: str = "") -> Message:
    """A refusal by the service; with a `command` such as `/backup`, the suggestions are commands that can be copied."""
    icon = "❌" if problem.status >= 500 else "⚠️"
    lines = [f"{icon} {bold(problem.title)}", escape(problem.detail)]
    if problem.suggestions:
        lines += ["", *_suggestions(problem, command)]
    return message(f"{problem.title}. {problem.detail}".strip(), [section("\n".join(lines))])


def usage_card(usage: str, reason: str, examples: tuple[str, ...]) -> Message:
    """The reply to arguments that cannot be read: the reason, the usage and the examples of the command."""
    reason = redact(reason)  # it may repeat what was typed, such as a signed URL
    return message(
        f"{reason} Usage: {usage}",
        [section(f"⚠️ {escape(reason)}", f"Usage: {code(usage)}", example_line(examples))],
    )


def internal_error_card(reference: str) -> Message:
    """The reply to an unexpected error; `reference` marks the error in the bot's log."""
    text = "vmkops failed because of an internal error."
    return message(text, [section(f"❌ {text}", f"An administrator can find it in the log under {code(reference)}.")])


def _suggestions(problem: Problem, command: str) -> list[str]:
    if problem.status not in CANDIDATES or not command:
        return [bullets([escape(suggestion) for suggestion in problem.suggestions])]
    return ["Try:", bullets([code(f"{command} {suggestion}") for suggestion in problem.suggestions])]
