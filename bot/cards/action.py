"""Cards of the host actions: what there is, and what a pre-flight found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.blocks import Message, bold, code, context, escape, header, message, section
from service.api.client import ActionPreview

ICONS = {"refuse": "❌", "warn": "⚠️", "info": "ℹ️"}
IN_A_SECTION = 8


def actions_card(actions: Sequence[dict[str, Any]]) -> Message:
    """Every action with its parameters."""
    lines = [f"{code(_usage(action))}\n{escape(action['summary'])}" for action in actions]
    groups = [lines[place : place + IN_A_SECTION] for place in range(0, len(lines), IN_A_SECTION)]
    return message(
        "Actions: " + ", ".join(action["name"] for action in actions),
        [
            header("Host actions"),
            *(section(*group) for group in groups),
            context(f"{code('dry_run=true')} behind any of them only checks", "[ ] can be left out"),
        ],
    )


def preview_card(preview: ActionPreview) -> Message:
    """What an action would do, and what speaks against it; nothing was touched."""
    icon, verdict = ("✅", "may go ahead") if preview.allowed else ("❌", "is refused")
    found = [f"{ICONS[check.severity]} {escape(check.message)}" for check in preview.checks]
    title = f"{preview.action} of {preview.target} {verdict}"
    return message(
        title,
        [
            section(f"{icon} {bold(preview.action)} of {bold(preview.target)} {verdict}"),
            *([section(*found)] if found else []),
            context("A dry run: nothing was touched", escape(" → ".join(preview.steps))),
        ],
    )


def _usage(action: dict[str, Any]) -> str:
    schema = action["parameters"]
    words = []
    for place, name in enumerate(schema.get("properties", {})):
        word = name.upper() if place == 0 else f"{name}=…"
        words.append(word if name in schema.get("required", []) else f"[{word}]")
    return " ".join([action["name"], *words])
