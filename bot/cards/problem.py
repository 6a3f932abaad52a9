"""The cards for what did not work: what happened, what it means, what to type next."""

from __future__ import annotations

from bot.blocks import Message, bold, bullets, code, escape, message, section
from service.api.client import Problem

CANDIDATES = {400, 404, 409}
"""Statuses whose suggestions are other things to ask for; those of the others are sentences."""


def problem_card(problem: Problem, *, command: str = "") -> Message:
    """A refusal of the service; its suggestions become commands that can be copied when `command` is given."""
    icon = "❌" if problem.status >= 500 else "⚠️"
    lines = [f"{icon} {bold(problem.title)}", escape(problem.detail)]
    if problem.suggestions:
        lines += ["", *_suggestions(problem, command)]
    return message(f"{problem.title}. {problem.detail}".strip(), [section("\n".join(lines))])


def usage_card(usage: str, why: str, examples: tuple[str, ...]) -> Message:
    """The answer to words that could not be read."""
    return message(
        f"{why} Usage: {usage}",
        [section(f"⚠️ {escape(why)}", f"Usage: {code(usage)}", _example_line(examples))],
    )


def trouble_card(reference: str) -> Message:
    """The calm answer when something broke that nobody expected; the reference finds it in the log."""
    text = "Something went wrong on my side."
    return message(text, [section(f"❌ {text}", f"Whoever runs vmkops finds it in the log under {code(reference)}.")])


def _suggestions(problem: Problem, command: str) -> list[str]:
    if problem.status not in CANDIDATES or not command:
        return [bullets([escape(suggestion) for suggestion in problem.suggestions])]
    return ["Try:", bullets([code(f"{command} {suggestion}") for suggestion in problem.suggestions])]


def _example_line(examples: tuple[str, ...]) -> str:
    return f"For example: {', '.join(code(example) for example in examples)}" if examples else ""
