"""Builds messages from Block Kit blocks that stay within Slack's limits. Pure: no I/O.

Limits: https://docs.slack.dev/reference/block-kit/blocks (header 150, section 3,000, 50 blocks in a message). Slack
also refuses a message with more than about 13,000 characters in all blocks (`msg_blocks_too_long`); that limit is
known from experience and is not documented.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

Block = dict[str, Any]

HEADER_LENGTH = 150
SECTION_LENGTH = 3_000
PREFORMATTED_LENGTH = 2_800
"""Leaves space in a section for the fences and for a line above."""

CONTEXT_LENGTH = 2_000
FALLBACK_LENGTH = 3_000
LABEL_LENGTH = 75
VALUE_LENGTH = 2_000
"""Characters of the label and of the value of a button."""

BLOCKS_LENGTH = 50
MESSAGE_LENGTH = 12_000
"""Maximum characters in all blocks together; a little below what Slack accepts."""

CUT_OFF = "…and more. The rest does not fit into one message."


class Message(NamedTuple):
    """A Slack message: the text for notifications and screen readers, and the blocks that Slack shows."""

    text: str
    blocks: list[Block]


class Reply(NamedTuple):
    """The reply to a command: for the whole channel if public, otherwise only for the user who typed it.

    The reply to a click `replaces` the message with the button, or is a message of its own.
    """

    message: Message
    public: bool = False
    replaces: bool = False


def escape(text: str) -> str:
    """Text with `&`, `<` and `>` escaped, so that it cannot contain a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def bold(text: str) -> str:
    """Bold text. Line breaks and asterisks in it, which would end the formatting, are replaced."""
    plain = " ".join(text.replace("*", "∗").split())
    return f"*{escape(plain)}*" if plain else ""


def code(text: str) -> str:
    """Inline code. Line breaks and backticks in it, which would end the formatting, are replaced."""
    plain = " ".join(text.replace("`", "ʹ").split())
    return f"`{escape(plain)}`" if plain else ""


def preformatted(text: str) -> str:
    """A code block with these lines. Three backticks in it, which would end the block, are replaced."""
    plain = escape(text.strip("\n").replace("```", "ʹʹʹ"))
    return f"```\n{shortened(plain, PREFORMATTED_LENGTH)}\n```"


def shortened(text: str, length: int) -> str:
    """The text, or its beginning and an ellipsis in `length` characters; entities such as `&amp;` are not cut."""
    if len(text) <= length:
        return text
    kept = text[: length - 1]
    entity = kept.rfind("&")
    if entity >= 0 and ";" not in kept[entity:]:
        kept = kept[:entity]
    return kept + "…"


def header(text: str) -> Block:
    """A header block. It holds plain text, so nothing is escaped."""
    plain = " ".join(text.split()) or "vmkops"
    return {"type": "header", "text": {"type": "plain_text", "text": shortened(plain, HEADER_LENGTH)}}


def section(*lines: str) -> Block:
    """A section block of mrkdwn lines; empty lines are left out."""
    text = "\n".join(line for line in lines if line)
    return {"type": "section", "text": {"type": "mrkdwn", "text": shortened(text or " ", SECTION_LENGTH)}}


def context(*parts: str) -> Block:
    """A context block (small print): mrkdwn parts with a dot between them; empty parts are left out."""
    text = " · ".join(part for part in parts if part)
    return {
        "type": "context",
        "elements": [{"type": "mrkdwn", "text": shortened(text or " ", CONTEXT_LENGTH)}],
    }


def message(text: str, blocks: Iterable[Block]) -> Message:
    """A message that Slack accepts, from plain text for notifications and blocks.

    When the blocks do not fit, the first ones are kept and a note follows.
    """
    wanted = list(blocks)
    kept: list[Block] = []
    note = section(CUT_OFF)
    remaining = MESSAGE_LENGTH - _length(note)
    for place, block in enumerate(wanted):
        remaining -= _length(block)
        last = place == len(wanted) - 1
        if remaining < 0 or (len(kept) == BLOCKS_LENGTH - 1 and not last):
            kept.append(note)
            break
        kept.append(block)
    return Message(text=shortened(escape(text), FALLBACK_LENGTH), blocks=kept)


def button(action_id: str, label: str, value: str, style: str = "") -> Block:
    """A button of an actions block; `style` is `primary`, `danger` or empty. A label that is too long is cut."""
    text = {"type": "plain_text", "text": shortened(label, LABEL_LENGTH)}
    made = {"type": "button", "action_id": action_id, "value": value, "text": text}
    return made | ({"style": style} if style else {})


def text_field(action_id: str, label: str) -> Block:
    """A field for one line of text; a button of the same message hands its value to the bot."""
    return {
        "type": "input",
        "block_id": action_id,
        "label": {"type": "plain_text", "text": shortened(label, LABEL_LENGTH)},
        "element": {"type": "plain_text_input", "action_id": action_id, "max_length": 300},
    }


def bullets(lines: Sequence[str], *, at_most: int = 10) -> str:
    """The lines as a bulleted list; of a long list the first `at_most` lines, and how many more there are."""
    shown = [f"•  {line}" for line in lines[:at_most]]
    if len(lines) > at_most:
        shown.append(f"•  …and {len(lines) - at_most} more")
    return "\n".join(shown)


def person(actor: str, token: str = "") -> str:
    """A mention for an actor such as `slack:U123`, and the escaped name for any other actor; with its token, if any."""
    kind, _, user = actor.partition(":")
    if kind == "token" and user == token:
        token = ""
    via = f" via token {escape(token)}" if token else ""
    return (f"<@{user}>" if kind == "slack" and user.isalnum() else escape(actor)) + via


def _length(block: Block) -> int:
    """The number of characters in a block and everything in it."""
    total = 0
    for value in block.values():
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, dict):
            total += _length(value)
        elif isinstance(value, list):
            total += sum(_length(item) for item in value)
    return total
