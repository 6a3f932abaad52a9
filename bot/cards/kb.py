"""Cards of the written procedures: the results of a search, and one procedure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.blocks import Block, Message, bold, code, context, escape, header, message, section
from bot.cards.links import page_link
from bot.cards.markdown import mrkdwn, sections

SHOWN_SECTIONS = ("Before", "Steps", "Check")
"""The sections of a procedure that someone on call needs; "Before" has the warnings."""


def search_card(words: str, found: Mapping[str, Any], service_url: str) -> Message:
    """What each code among the words means, then the procedures that match the words, best match first.

    `found` is what the service's search returns: `results`, each with `slug`, `title`, `summary` and `weak`; `lookups`,
    each with `query` and `meaning`; and `searched` with the number of `pages` and the `folders`.
    """
    hits, lookups = found["results"], found["lookups"]
    explained = [section(code(f"/vmkerr {lookup['query']}"), escape(lookup["meaning"])) for lookup in lookups]
    if not hits:
        searched = found["searched"]
        folders = " and ".join(code(folder) for folder in searched["folders"])
        below = context(
            f"Searched {searched['pages']} pages in {folders}. Try other words, or write a page: copy "
            f"{code('TEMPLATE.md')} into the folder that {code('VMKOPS_PROCEDURES_DIR')} names."
        )
        return message(
            f"No procedure matches {words}.", [*explained, section(f"No procedure matches {code(words)}."), below]
        )
    lines = [_hit(hit) for hit in hits]
    if all(hit["weak"] for hit in hits):
        lines.insert(0, context(f"No procedure fits {code(words)} well. The nearest ones:"))
    hint = f"To see the first one, type {code('/kb ' + hits[0]['slug'])}"
    link = page_link(service_url, "/procedures", "all procedures")
    titles = "Procedures: " + ", ".join(hit["title"] for hit in hits)
    return message(titles, [*explained, *lines, context(hint, link)])


def _hit(hit: Mapping[str, Any]) -> Block:
    weak = ["_weak match_"] if hit["weak"] else []
    return section(f"{bold(hit['title'])} {code(hit['slug'])}", escape(hit["summary"]), *weak)


def procedure_card(page: Mapping[str, Any], service_url: str) -> Message:
    """One procedure: what it is for, what to know before, its steps and its check, and a link to the complete page.

    `page` is a procedure as the service returns it; this reads `slug`, `title`, `summary`, `body` (Markdown),
    `applies_to` (a list), `obsolete_since` and `obsolete_reason` (both may be empty).
    """
    parts = dict(sections(page["body"]))
    blocks = [header(page["title"]), section(escape(page["summary"]))]
    if page["obsolete_since"]:
        blocks.append(section(f"⚠️ Obsolete since {escape(page['obsolete_since'])}: {escape(page['obsolete_reason'])}"))
    blocks += [section(bold(name), mrkdwn(parts[name])) for name in SHOWN_SECTIONS if name in parts]
    link = page_link(service_url, f"/procedures/{page['slug']}", "complete procedure")
    blocks.append(context(link, escape(", ".join(page["applies_to"]))))
    return message(f"{page['title']}: {page['summary']}", blocks)
