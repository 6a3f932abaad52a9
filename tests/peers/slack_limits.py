"""What Slack refuses in a message and local-slack lets through. Pure; numbers from Slack's Block Kit reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
MESSAGE_TEXT = 40_000
TEXT_LIMITS = {"section": 3000, "header": 150, "context": 3000, "button": 75, "label": 2000, "title": 24}
FIELD_TEXT = 2000
BUTTON_VALUE = 2000
ACTION_ID = 255
ACTIONS_ELEMENTS = 25
CONTEXT_ELEMENTS = 10
SECTION_FIELDS = 10


def refusal(method: str, arguments: dict[str, Any]) -> tuple[str, list[str]] | None:
    """Slack's error and its reasons for a call with too much in it, or None when Slack would take it."""
    if len(str(arguments.get("text") or "")) > MESSAGE_TEXT:
        return "msg_too_long", [f"text is longer than {MESSAGE_TEXT} characters"]
    view = arguments.get("view")
    blocks = view.get("blocks") if isinstance(view, dict) else arguments.get("blocks")
    if not isinstance(blocks, list):
        return None
    limit = VIEW_BLOCKS if isinstance(view, dict) else MESSAGE_BLOCKS
    problems = [f"{method}: more than {limit} blocks"] if len(blocks) > limit else []
    for index, block in enumerate(blocks):
        problems += [f"blocks/{index}: {problem}" for problem in block_problems(block)]
    named = [block["block_id"] for block in blocks if block.get("block_id")]
    problems += [f"block_id {name!r} is there twice" for name in sorted(set(named)) if named.count(name) > 1]
    return ("invalid_blocks", problems) if problems else None


def block_problems(block: dict[str, Any]) -> Iterator[str]:
    """What Slack would say against one block."""
    kind = block.get("type")
    elements = block.get("elements") or []
    fields = block.get("fields") or []
    if kind in ("section", "header"):
        yield from text_problems(block.get("text"), TEXT_LIMITS[kind], needed=not fields)
    if len(fields) > SECTION_FIELDS:
        yield f"more than {SECTION_FIELDS} fields"
    for field in fields:
        yield from text_problems(field, FIELD_TEXT, needed=True)
    if kind == "context":
        if len(elements) > CONTEXT_ELEMENTS:
            yield f"more than {CONTEXT_ELEMENTS} context elements"
        for element in elements:
            if element.get("type") in ("mrkdwn", "plain_text"):
                yield from text_problems(element, TEXT_LIMITS["context"], needed=True)
    if kind == "actions":
        if not 0 < len(elements) <= ACTIONS_ELEMENTS:
            yield f"an actions block has 1 to {ACTIONS_ELEMENTS} elements"
        for element in elements:
            yield from element_problems(element)
    for element in (block.get("accessory"), block.get("element")):
        if element:
            yield from element_problems(element)


def element_problems(element: dict[str, Any]) -> Iterator[str]:
    """What Slack would say against a button or another thing to press."""
    if element.get("type") == "button":
        yield from text_problems(element.get("text"), TEXT_LIMITS["button"], needed=True)
        if len(str(element.get("value") or "")) > BUTTON_VALUE:
            yield f"a button's value is longer than {BUTTON_VALUE} characters"
    if len(str(element.get("action_id") or "")) > ACTION_ID:
        yield f"an action_id is longer than {ACTION_ID} characters"


def text_problems(text: Any, limit: int, *, needed: bool) -> Iterator[str]:
    """What Slack would say against a text object."""
    said = text.get("text") if isinstance(text, dict) else None
    if not said:
        if needed:
            yield "a text is missing or empty"
    elif len(said) > limit:
        yield f"a text of {len(said)} characters, at most {limit} are allowed"
