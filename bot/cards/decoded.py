"""The card of a pasted log line: what each code, status and name in it means."""

from __future__ import annotations

from collections.abc import Sequence

from bot.blocks import Message, bold, code, context, escape, message, section, shortened
from bot.cards.vmkerr import release_names
from service.api.client import LogFinding

MOST = 12
"""Findings of one line that are shown; a line of a vmkernel log rarely has more than five."""
LINE_SHOWN = 300


def decoded_card(line: str, findings: Sequence[LogFinding], known: Sequence[str], *, asked_by: str) -> Message:
    """What was found in the line, in its order; `known` holds the ids of the known releases, oldest first."""
    shown = findings[:MOST]
    blocks = [section(code(shortened(line, LINE_SHOWN)))]
    blocks += [section(f"{code(each.text)} {bold(each.summary)}", *_more(each, known)) for each in shown]
    if len(findings) > MOST:
        blocks.append(context(f"and {len(findings) - MOST} more"))
    blocks.append(context(f"asked by {asked_by}"))
    return message("; ".join(each.summary for each in shown), blocks)


def _more(finding: LogFinding, known: Sequence[str]) -> list[str]:
    readings = finding.matches if len(finding.matches) > 1 else ()
    lines = [f"• {escape(each.description)} — {escape(release_names(each.releases, known))}" for each in readings]
    lines += [escape(note) for note in finding.notes]
    if finding.reason:
        lines.append(f"_{escape(finding.reason)}_")
    return lines
