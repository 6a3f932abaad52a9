"""Cards of the written procedures: the results of a search, and one procedure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.blocks import (
    VALUE_LENGTH,
    Block,
    Message,
    bold,
    button,
    code,
    context,
    escape,
    header,
    message,
    section,
    shortened,
)
from bot.cards.links import page_link
from bot.cards.markdown import mrkdwn, sections
from service.api.client import ActionClass

START = "procedure_start"
"""The start of the action ids of the buttons that start an action; the value is JSON with `action` and `params`."""

RUN = "procedure_run"
"""The action id of the button that starts a run; the value is JSON with `procedure` and `targets`."""

MOST_BUTTONS = 5

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
            f"Searched {searched['pages']} pages in {folders}. Try other words, or write a page: put what "
            f"{code('vmkops kb template')} prints into the folder that {code('VMKOPS_PROCEDURES_DIR')} names."
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


def procedure_card(page: Mapping[str, Any], service_url: str, targets: Mapping[str, str] | None = None) -> Message:
    """One procedure: what it is for, what to know before, its steps and its check, and a link to the complete page.

    `targets` are what a run of it is about, by `vm`, `host` and `datastore`.

    `page` is a procedure as the service returns it; this reads `slug`, `title`, `summary`, `body` (Markdown),
    `applies_to` (a list), `entry_points` (a list of mappings with `slack`), `obsolete_since` and `obsolete_reason`
    (each text may be empty).

    A page whose live blocks are filled in also has `blocks`, of which this reads `command`, `action` (the host action
    that may start, otherwise empty), `class` and `params`; each of those becomes a button.
    """
    parts = dict(sections(page["body"]))
    blocks = [header(page["title"]), section(escape(page["summary"]))]
    if page["obsolete_since"]:
        blocks.append(section(f"⚠️ Obsolete since {escape(page['obsolete_since'])}: {escape(page['obsolete_reason'])}"))
    blocks += [section(bold(name), mrkdwn(parts[name])) for name in SHOWN_SECTIONS if name in parts]
    forms = [code(each["slack"]) for each in page["entry_points"] if each["slack"]]
    if forms:
        blocks.append(context(f"With vmkops: {', '.join(forms)}"))
    buttons = [_start_button(block) for block in page.get("blocks", []) if _fits(block)]
    blocks.append({"type": "actions", "elements": [*buttons[:MOST_BUTTONS], _run_button(page["slug"], targets or {})]})
    link = page_link(service_url, f"/procedures/{page['slug']}", "complete procedure")
    blocks.append(context(link, escape(", ".join(page["applies_to"]))))
    return message(f"{page['title']}: {page['summary']}", blocks)


def _fits(block: Mapping[str, Any]) -> bool:
    return bool(block["action"]) and len(json.dumps(block["params"])) < VALUE_LENGTH - 200


def _run_button(slug: str, targets: Mapping[str, str]) -> dict[str, Any]:
    """A button that starts a run of the procedure, which the team then ticks off."""
    return button(RUN, "Work through it as a team", json.dumps({"procedure": slug, "targets": dict(targets)}))


def _start_button(block: Mapping[str, Any]) -> dict[str, Any]:
    """A button that starts the action of a live block: after a dialog, or the card of an action that can do harm."""
    value = json.dumps({"action": block["action"], "params": block["params"]})
    made = button(f"{START}:{block['line']}", f"Start {block['action']}", value)
    if block.get("class") not in (ActionClass.READ, ActionClass.SAFE):
        return made
    return made | {
        "confirm": {
            "title": {"type": "plain_text", "text": "Start this action?"},
            "text": {
                "type": "plain_text",
                "text": shortened(f"{block['command']}\nIts dry run found no obstacle.", 300),
            },
            "confirm": {"type": "plain_text", "text": "Start"},
            "deny": {"type": "plain_text", "text": "Don't start"},
        }
    }
