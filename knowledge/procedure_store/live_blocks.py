"""Live blocks: code blocks of the language ``vmkops``, one command on each line, that vmkops fills in for a target.

Elsewhere such a block is what it looks like: commands to run. ``{vm}``, ``{host}`` and ``{datastore}`` stand for the
object that the reader has in mind, and so do ``VM``, ``HOST`` and ``DATASTORE`` in any code block (``placeholders``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from knowledge.procedure_store.body import body_lines, language_of
from knowledge.procedure_store.placeholders import placeholders, with_targets

_LIVE_FENCE = re.compile(r"([ >]*)(`{3,}|~{3,})\s*vmkops\s*")


class LiveCommand(NamedTuple):
    """A command of a live block: the line of the body, from 1, and the command with its placeholders."""

    line: int
    text: str

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of its placeholders, such as ``vm``."""
        return placeholders(self.text)


def live_commands(body: str) -> tuple[LiveCommand, ...]:
    """Return the commands of all live blocks of a body, in order; empty lines and comments are not commands."""
    found, live = [], False
    for line in body_lines(body.split("\n"), 0):
        if line.kind == "open":
            live = bool(_LIVE_FENCE.fullmatch(line.text))
        elif line.kind == "code" and live and (text := line.text.strip(" >")) and not text.startswith("#"):
            found.append(LiveCommand(line.number, text))
    return tuple(found)


def filled_body(body: str, targets: Mapping[str, str], answer: Callable[[int], str]) -> str:
    """Return the body with its live blocks filled in: the targets in the commands, and below each block the answers.

    ``answer`` returns the answer to the command on a line of the body; an empty one is left out. Code outside of live
    blocks has the targets too, quoted for its language. An answer that two commands of a block have, such as a dry run
    and its action, stands once.
    """
    lines: list[str] = []
    prefix, live, answers, language = "", False, list[str](), ""
    for line in body_lines(body.split("\n"), 0):
        if line.kind == "open" and (fence := _LIVE_FENCE.fullmatch(line.text)):
            prefix, live, answers = fence[1], True, []
        elif line.kind == "open":
            live = False
        if line.kind == "open":
            language = language_of(line.text)
        lines.append(with_targets(line.text, targets, language) if line.kind == "code" else line.text)
        if line.kind == "code" and live and (text := answer(line.number)) and text not in answers:
            answers.append(text)
        if line.kind == "close" and live and answers:
            lines += [prefix.rstrip(), *_text_block("\n".join(answers), prefix)]
    return "\n".join(lines)


def _text_block(text: str, prefix: str) -> list[str]:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return [f"{prefix}{line}".rstrip() for line in (f"{fence}text", *text.rstrip("\n").split("\n"), fence)]
