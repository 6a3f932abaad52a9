"""Cards of the host actions: the list of actions, and the result of a dry run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.blocks import Message, bold, code, context, escape, header, message, section
from service.api.client import ActionPreview
from service.api.previews import DEPENDS, REFUSED, asks, findings, verdict

ICONS = {"refuse": "❌", "warn": "⚠️", "info": "ℹ️"}
ACTIONS_PER_SECTION = 8


def actions_card(actions: Sequence[Mapping[str, Any]]) -> Message:
    """Every action with its parameters.

    Each action is a mapping with `name`, `summary`, `class` and `parameters` (a JSON Schema), as in the service's list.
    """
    lines = [f"{code(_usage(action))}  {_class(action)}\n{escape(action['summary'])}" for action in actions]
    groups = [lines[place : place + ACTIONS_PER_SECTION] for place in range(0, len(lines), ACTIONS_PER_SECTION)]
    return message(
        "Actions: " + ", ".join(action["name"] for action in actions),
        [
            header("Host actions"),
            *(section(*group) for group in groups),
            context(
                "vmkops shows the dry run of a disruptive or destructive action, and waits for your yes",
                f"Add {code('dry_run=true')} to check an action without running it",
                "[ ] means optional",
            ),
        ],
    )


def preview_card(preview: ActionPreview) -> Message:
    """The result of a dry run: whether the action is allowed, what the checks found, and the steps it would take."""
    words = verdict(preview)
    icon = "✅" if preview.allowed else "❌" if words == REFUSED else "✋"
    found = [f"{ICONS[check.severity]} {escape(check.message)}" for check in findings(preview)]
    asked = f"vmkops asks {asks(preview)}" if asks(preview) else ""
    return message(
        f"{preview.action} of {preview.target} {words}",
        [
            section(f"{icon} {bold(preview.action)} of {bold(preview.target)} {words}"),
            *([section(*found)] if found else []),
            context(
                "Dry run: nothing was changed",
                f"{preview.class_} action",
                escape(" → ".join(preview.steps)),
                escape(asked),
            ),
        ],
    )


def _class(action: Mapping[str, Any]) -> str:
    return DEPENDS if action.get("class_depends") else str(action.get("class", ""))


def _usage(action: Mapping[str, Any]) -> str:
    """The action as it is typed after `/action`: the first parameter is the target, optional ones are in `[ ]`."""
    schema = action["parameters"]
    words = []
    for place, name in enumerate(schema.get("properties", {})):
        word = name.upper() if place == 0 else f"{name}=…"
        words.append(word if name in schema.get("required", []) else f"[{word}]")
    return " ".join([action["name"], *words])
