"""Cards of the written procedures: the results of a search, and one procedure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.blocks import Message, bold, code, context, escape, header, message, section
from bot.cards.links import page_link
from bot.cards.markdown import mrkdwn, sections

SHOWN_SECTIONS = ("Before", "Steps", "Check")
"""The sections of a procedure that someone on call needs; "Before" has the warnings."""


def search_card(
    words: str, hits: Sequence[Mapping[str, Any]], lookups: Sequence[Mapping[str, Any]], service_url: str
) -> Message:
    """The procedures that match the words, best match first, and the lookup that explains each code among the words.

    Each hit is a mapping with `slug`, `title` and `summary`, and each lookup one with `query` and `meaning`, as the
    service's search returns them.
    """
    explained = [section(code(f"/vmkerr {lookup['query']}"), escape(lookup["meaning"])) for lookup in lookups]
    if not hits:
        below = explained or [context("Try other words, or fewer words")]
        return message(f"No procedure matches {words}.", [section(f"No procedure matches {code(words)}."), *below])
    lines = [section(f"{bold(hit['title'])} {code(hit['slug'])}", escape(hit["summary"])) for hit in hits] + explained
    hint = f"To see the first one, type {code('/kb ' + hits[0]['slug'])}"
    link = page_link(service_url, "/procedures", "all procedures")
    return message("Procedures: " + ", ".join(hit["title"] for hit in hits), [*lines, context(hint, link)])


def procedure_card(page: Mapping[str, Any], service_url: str) -> Message:
    """One procedure: what it is for, what to know before, its steps and its check, and a link to the complete page.

    `page` is a procedure as the service returns it; this reads `slug`, `title`, `summary`, `body` (Markdown),
    `applies_to` (a list), `entry_points` (a list of mappings with `slack`), `obsolete_since` and `obsolete_reason`
    (each text may be empty).
    """
    parts = dict(sections(page["body"]))
    blocks = [header(page["title"]), section(escape(page["summary"]))]
    if page["obsolete_since"]:
        blocks.append(section(f"⚠️ Obsolete since {escape(page['obsolete_since'])}: {escape(page['obsolete_reason'])}"))
    blocks += [section(bold(name), mrkdwn(parts[name])) for name in SHOWN_SECTIONS if name in parts]
    forms = [code(each["slack"]) for each in page["entry_points"] if each["slack"]]
    if forms:
        blocks.append(context(f"With vmkops: {', '.join(forms)}"))
    link = page_link(service_url, f"/procedures/{page['slug']}", "complete procedure")
    blocks.append(context(link, escape(", ".join(page["applies_to"]))))
    return message(f"{page['title']}: {page['summary']}", blocks)
