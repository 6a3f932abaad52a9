"""The pieces that every card is made of, within the limits of Block Kit; pure.

Limits: https://docs.slack.dev/reference/block-kit/blocks (header 150, section 3,000, 50 blocks in a message); the sum
of about 13,000 characters is not documented and was found by those who met `msg_blocks_too_long`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Block = dict[str, Any]

HEADER_LENGTH = 150
SECTION_LENGTH = 3_000
PREFORMATTED_LENGTH = 2_800
"""Leaves room in a section for the marks around it and a line above."""

CONTEXT_LENGTH = 2_000
FALLBACK_LENGTH = 3_000
BLOCKS_LENGTH = 50
MESSAGE_LENGTH = 12_000
"""Characters of all blocks together; a little below what Slack takes."""

CUT_OFF = "…and more, which does not fit into one message."


class Message(NamedTuple):
    """What Slack is given: text for notifications and screen readers, and the blocks that are drawn."""

    text: str
    blocks: list[Block]


class Reply(NamedTuple):
    """The answer to a command; a public one is seen by the whole channel."""

    message: Message
    public: bool = False


def escape(text: str) -> str:
    """Text as Slack wants it: only `&`, `<` and `>` are special, so mentions and links cannot be smuggled in."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def bold(text: str) -> str:
    """Bold text; line breaks and asterisks of its own, which would end it, are replaced."""
    plain = " ".join(text.replace("*", "∗").split())
    return f"*{escape(plain)}*" if plain else ""


def code(text: str) -> str:
    """Text in the typewriter face; line breaks and backticks of its own, which would end it, are replaced."""
    plain = " ".join(text.replace("`", "ʹ").split())
    return f"`{escape(plain)}`" if plain else ""


def preformatted(text: str) -> str:
    """Lines in the typewriter face, just as they are; only three backticks, which would end it, are replaced."""
    plain = escape(text.strip("\n").replace("```", "ʹʹʹ"))
    return f"```\n{shortened(plain, PREFORMATTED_LENGTH)}\n```"


def shortened(text: str, length: int) -> str:
    """The text, or its beginning and an ellipsis; never cut inside `&amp;` or its like."""
    if len(text) <= length:
        return text
    kept = text[: length - 1]
    entity = kept.rfind("&")
    if entity >= 0 and ";" not in kept[entity:]:
        kept = kept[:entity]
    return kept + "…"


def header(text: str) -> Block:
    """A heading; plain text, so nothing needs escaping."""
    plain = " ".join(text.split()) or "vmkops"
    return {"type": "header", "text": {"type": "plain_text", "text": shortened(plain, HEADER_LENGTH)}}


def section(*lines: str) -> Block:
    """A paragraph of mrkdwn lines; empty lines are left out."""
    text = "\n".join(line for line in lines if line)
    return {"type": "section", "text": {"type": "mrkdwn", "text": shortened(text or " ", SECTION_LENGTH)}}


def context(*parts: str) -> Block:
    """Small print: mrkdwn parts with a dot between them; empty parts are left out."""
    text = " · ".join(part for part in parts if part)
    return {
        "type": "context",
        "elements": [{"type": "mrkdwn", "text": shortened(text or " ", CONTEXT_LENGTH)}],
    }


def message(text: str, blocks: Iterable[Block]) -> Message:
    """A message that Slack takes, from plain text for notifications and blocks.

    Of blocks that do not fit only the first are kept, with a note.
    """
    wanted = list(blocks)
    kept: list[Block] = []
    note = section(CUT_OFF)
    room = MESSAGE_LENGTH - _length(note)
    for place, block in enumerate(wanted):
        room -= _length(block)
        last = place == len(wanted) - 1
        if room < 0 or (len(kept) == BLOCKS_LENGTH - 1 and not last):
            kept.append(note)
            break
        kept.append(block)
    return Message(text=shortened(escape(text), FALLBACK_LENGTH), blocks=kept)


def bullets(lines: Sequence[str], *, at_most: int = 10) -> str:
    """The lines as a list; of a long one the first, and how many more there are."""
    shown = [f"•  {line}" for line in lines[:at_most]]
    if len(lines) > at_most:
        shown.append(f"•  …and {len(lines) - at_most} more")
    return "\n".join(shown)


def person(actor: str) -> str:
    """Who somebody is: a mention for an actor such as `slack:U123`, the plain name for any other."""
    kind, _, user = actor.partition(":")
    return f"<@{user}>" if kind == "slack" and user.isalnum() else escape(actor)


def _length(block: Block) -> int:
    """The characters in a block that are drawn or sent back."""
    total = 0
    for value in block.values():
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, dict):
            total += _length(value)
        elif isinstance(value, list):
            total += sum(_length(item) for item in value)
    return total
