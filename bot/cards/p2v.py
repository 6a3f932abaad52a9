"""The cards of a Linux P2V: the checklist at a glance with the commands that decide it, an estimate, the tools."""

from __future__ import annotations

from collections.abc import Sequence

from bot.blocks import Message, bold, bullets, code, context, escape, header, message, section, shortened
from service.api.client import P2vChecklist, P2vEstimate, P2vItem, P2vTool

DECIDING = ("build-initrd", "clone-")
"""How the ids of the steps begin whose exact commands decide whether the copy arrives and boots."""

SHOWN = 6
"""Deciding steps that one card shows; each disk has one."""

SUPPORT = {"full": "✅", "partly": "⚠️", "no": "❌"}


def checklist_card(checklist: P2vChecklist, *, page: str, asked_by: str = "") -> Message:
    """The phases with their counts, and the deciding commands; `page` is where the whole of it is."""
    system = f"{checklist.distribution} {checklist.source.version}".strip()
    items = [item for phase in checklist.phases for item in phase.items]
    phases = [f"{bold(phase.title)}  {_count(phase.items)}" for phase in checklist.phases]
    deciding = [item for item in items if item.id.startswith(DECIDING)]
    blocks = [header(f"Linux P2V: {system}")]
    if checklist.notes:
        blocks.append(section(bullets([_short(note) for note in checklist.notes])))
    blocks.append(section(*phases))
    blocks += [section(*_step(item)) for item in deciding[:SHOWN]]
    if (more := len(deciding) - SHOWN) > 0:
        blocks.append(section(f"…and {more} more such steps."))
    blocks.append(context(f"Every step with its check: {_where(page)}", f"asked by {asked_by}" if asked_by else ""))
    return message(f"Linux P2V of {system}: {len(items)} steps in {len(phases)} phases", blocks)


def estimate_card(estimate: P2vEstimate, *, asked_by: str = "") -> Message:
    """How large, and how long it takes."""
    takes = f"{estimate.duration} at {estimate.rate:g} MB/s"
    size = f"{estimate.gb:.3f} GB of 1024³ bytes, {estimate.decimal_gb:.3f} GB of 10⁹"
    blocks = [
        section(bold(takes), f"{size}, {estimate.blocks} blocks of 1 KiB"),
        context(*map(_short, estimate.notes)),
    ]
    if asked_by:
        blocks.append(context(f"asked by {asked_by}"))
    return message(f"{size}: {takes}", blocks)


def tools_card(tools: Sequence[P2vTool], *, asked_by: str = "") -> Message:
    """Which tools support Linux."""
    blocks = [header("P2V tools and Linux")]
    blocks += [section(f"{SUPPORT.get(tool.linux, '')} {bold(tool.name)}", _short(tool.caveat)) for tool in tools]
    blocks.append(context("✅ full, ⚠️ partly, ❌ not", f"asked by {asked_by}" if asked_by else ""))
    return message("P2V tools: " + ", ".join(f"{tool.name} ({tool.linux})" for tool in tools), blocks)


def _step(item: P2vItem) -> list[str]:
    commands = [f"{escape(command.on)}: {code(shortened(command.run, 400))}" for command in item.commands]
    return [bold(shortened(item.title, 200)), *commands, f"⚠️ {_short(item.warning)}" if item.warning else ""]


def _count(items: Sequence[P2vItem]) -> str:
    steps = "1 step" if len(items) == 1 else f"{len(items)} steps"
    optional = sum(item.optional for item in items)
    return f"{steps}, {optional} optional" if optional else steps


def _where(page: str) -> str:
    return code(page) if page.startswith("/") else f"<{escape(page)}|the whole checklist>"


def _short(text: str) -> str:
    return escape(shortened(text, 300))
