"""Live blocks: code blocks of the language ``vmkops``, one command on each line, that vmkops fills in for a target.

Elsewhere such a block is what it looks like: commands to run. ``{vm}``, ``{host}`` and ``{datastore}`` stand for the
object that the reader has in mind.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import NamedTuple

from knowledge.procedure_store.body import body_lines

TARGETS = ("vm", "host", "datastore")
"""What a live block can be filled in for."""

_LIVE_FENCE = re.compile(r"([ >]*)(`{3,}|~{3,})\s*vmkops\s*")
_PLACEHOLDER = re.compile(rf"{{({'|'.join(TARGETS)})}}")


class LiveCommand(NamedTuple):
    """A command of a live block: the line of the body, from 1, and the command with its placeholders."""

    line: int
    text: str

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of its placeholders, such as ``vm``."""
        return tuple(dict.fromkeys(_PLACEHOLDER.findall(self.text)))


def live_commands(body: str) -> tuple[LiveCommand, ...]:
    """Return the commands of all live blocks of a body, in order; empty lines and comments are not commands."""
    found, live = [], False
    for line in body_lines(body.split("\n"), 0):
        if line.kind == "open":
            live = bool(_LIVE_FENCE.fullmatch(line.text))
        elif line.kind == "code" and live and (text := line.text.strip(" >")) and not text.startswith("#"):
            found.append(LiveCommand(line.number, text))
    return tuple(found)


def with_targets(text: str, targets: Mapping[str, str]) -> str:
    """Return a command or a text in which each target that is given replaces its placeholder, quoted for a shell."""
    return _PLACEHOLDER.sub(lambda found: shlex.quote(targets[found[1]]) if targets.get(found[1]) else found[0], text)


def filled_body(body: str, targets: Mapping[str, str], answer: Callable[[int], str]) -> str:
    """Return the body with its live blocks filled in: the targets in the commands, and below each block the answers.

    ``answer`` returns the answer to the command on a line of the body; an empty one is left out. Code outside of live
    blocks has the targets too. An answer that two commands of a block have, such as a dry run and its action, stands
    once.
    """
    lines: list[str] = []
    prefix, live, answers = "", False, list[str]()
    for line in body_lines(body.split("\n"), 0):
        if line.kind == "open" and (fence := _LIVE_FENCE.fullmatch(line.text)):
            prefix, live, answers = fence[1], True, []
        elif line.kind == "open":
            live = False
        lines.append(with_targets(line.text, targets) if line.kind == "code" else line.text)
        if line.kind == "code" and live and (text := answer(line.number)) and text not in answers:
            answers.append(text)
        if line.kind == "close" and live and answers:
            lines += [prefix.rstrip(), *_text_block("\n".join(answers), prefix)]
    return "\n".join(lines)


def _text_block(text: str, prefix: str) -> list[str]:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return [f"{prefix}{line}".rstrip() for line in (f"{fence}text", *text.rstrip("\n").split("\n"), fence)]
