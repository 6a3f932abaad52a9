"""Cards of a Linux P2V: an overview of the checklist with its decisive commands, an estimate, and the tools."""

from __future__ import annotations

from collections.abc import Sequence

from bot.blocks import Message, bold, bullets, code, context, escape, header, message, section, shortened
from service.api.client import P2vChecklist, P2vEstimate, P2vItem, P2vTool
from service.api.units import count

DECISIVE = ("build-initrd", "clone-")
"""Prefixes of the ids of the steps whose exact commands decide whether the copy arrives and boots."""

MAX_STEPS = 6
"""Decisive steps that one card shows; there is one for each disk."""

SUPPORT = {"full": "✅", "partly": "⚠️", "no": "❌"}


def checklist_card(checklist: P2vChecklist, *, page: str, asked_by: str = "") -> Message:
    """The phases with their numbers of steps, and the decisive commands.

    `page` is a mrkdwn link to the complete checklist, `asked_by` a mention.
    """
    system = f"{checklist.distribution} {checklist.source.version}".strip()
    items = [item for phase in checklist.phases for item in phase.items]
    phases = [f"{bold(phase.title)}  {_count(phase.items)}" for phase in checklist.phases]
    decisive = [item for item in items if item.id.startswith(DECISIVE)]
    blocks = [header(f"Linux P2V: {system}")]
    if checklist.notes:
        blocks.append(section(bullets([_short(note) for note in checklist.notes])))
    blocks.append(section(*phases))
    blocks += [section(*_step(item)) for item in decisive[:MAX_STEPS]]
    if (more := len(decisive) - MAX_STEPS) > 0:
        blocks.append(section(f"…and {count(more, 'more step')} of this kind."))
    blocks.append(context(page, f"requested by {asked_by}" if asked_by else ""))
    return message(f"Linux P2V of {system}: {count(len(items), 'step')} in {count(len(phases), 'phase')}", blocks)


def estimate_card(estimate: P2vEstimate, *, asked_by: str = "") -> Message:
    """How large the disk is, and how long the transfer takes."""
    time = f"{estimate.duration} at {estimate.rate:g} MB/s"
    size = f"{estimate.gb:.3f} GB of 1024³ bytes, {estimate.decimal_gb:.3f} GB of 10⁹"
    blocks = [
        section(bold(time), f"{size}, {estimate.blocks} blocks of 1 KiB"),
        context(*map(_short, estimate.notes)),
    ]
    if asked_by:
        blocks.append(context(f"requested by {asked_by}"))
    return message(f"{size}: {time}", blocks)


def tools_card(tools: Sequence[P2vTool], *, asked_by: str = "") -> Message:
    """The P2V tools and whether they support Linux."""
    blocks = [header("P2V tools and Linux")]
    blocks += [section(f"{SUPPORT.get(tool.linux, '')} {bold(tool.name)}", _short(tool.caveat)) for tool in tools]
    blocks.append(
        context("✅ full support, ⚠️ partial support, ❌ no support", f"requested by {asked_by}" if asked_by else "")
    )
    return message("P2V tools: " + ", ".join(f"{tool.name} ({tool.linux})" for tool in tools), blocks)


def _step(item: P2vItem) -> list[str]:
    commands = [f"{escape(command.on)}: {code(shortened(command.run, 400))}" for command in item.commands]
    return [bold(shortened(item.title, 200)), *commands, f"⚠️ {_short(item.warning)}" if item.warning else ""]


def _count(items: Sequence[P2vItem]) -> str:
    steps = count(len(items), "step")
    optional = sum(item.optional for item in items)
    return f"{steps}, {optional} optional" if optional else steps


def _short(text: str) -> str:
    return escape(shortened(text, 300))
