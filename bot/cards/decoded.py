"""The card of a pasted log line: what each code, status and name in it means."""

from __future__ import annotations

from collections.abc import Sequence

from bot.blocks import Message, bold, code, context, escape, message, section, shortened
from bot.cards.links import page_link
from bot.cards.vmkerr import release_names
from service.api.client import LogFinding
from service.api.units import count

MAX_FINDINGS = 12
"""Findings that one card shows; a line of a vmkernel log rarely has more than five."""

MAX_PROCEDURES = 6

LINE_LENGTH = 300
"""Characters of the log line that the card shows."""


def decoded_card(
    line: str, findings: Sequence[LogFinding], known: Sequence[str], *, service_url: str, asked_by: str
) -> Message:
    """What each finding in the line means and what to do next, in the order of the line.

    `known` holds the ids of the known releases, oldest first; `service_url` is for the links to procedures; `asked_by`
    is a mention.
    """
    shown = findings[:MAX_FINDINGS]
    blocks = [section(code(shortened(line, LINE_LENGTH)))]
    shown_next: set[str] = set()
    for each in shown:
        blocks.append(section(f"{code(each.text)} {bold(each.summary)}", *_details(each, known)))
        if each.next and each.next not in shown_next:
            shown_next.add(each.next)
            blocks.append(section(f"*Next:* {escape(each.next)}"))
    if slugs := dict.fromkeys(slug for each in shown for slug in each.procedures):
        links = [page_link(service_url, f"/procedures/{slug}", slug) for slug in slugs]
        blocks.append(context(f"Procedures: {' · '.join(links[:MAX_PROCEDURES])}"))
    if (more := len(findings) - MAX_FINDINGS) > 0:
        blocks.append(context(f"…and {count(more, 'more finding')}"))
    blocks.append(context(f"requested by {asked_by}"))
    return message("; ".join(each.summary for each in shown), blocks)


def _details(finding: LogFinding, known: Sequence[str]) -> list[str]:
    meanings = finding.matches if len(finding.matches) > 1 else ()
    about = ", ".join(filter(None, (finding.class_, finding.where)))
    lines = [escape(about)] if about else []
    lines += [f"• {escape(each.description)} — {escape(release_names(each.releases, known))}" for each in meanings]
    lines += [escape(note) for note in finding.notes]
    if finding.reason:
        lines.append(f"_{escape(finding.reason)}_")
    return lines
