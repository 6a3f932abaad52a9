"""Cards of the written procedures: search results, and one procedure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.cards.kb import procedure_card, search_card
from tests.bot.slack_limits import assert_slack_takes, drawn

URL = "https://ops.example.com"


def page(**changes: Any) -> dict[str, Any]:
    return {
        "slug": "reset-lun",
        "title": "Reset a LUN",
        "summary": "The last resort.",
        "body": "## When\n\nNever.\n\n## Before\n\nCall support.\n\n## Steps\n\n1. Wait.\n\n## Check\n\nLook.\n",
        "applies_to": ["ESX 3.0 and later"],
        "entry_points": [{"slack": "/action rescan HOST"}, {"slack": ""}],
        "obsolete_since": "",
        "obsolete_reason": "",
        "weak": False,
        **changes,
    }


def found(*hits: dict[str, Any], lookups: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """What the search of the service returns."""
    return {"results": hits, "lookups": lookups, "searched": {"pages": 41, "folders": ["/built-in", "/team"]}}


def test_procedure_shows_its_warnings_its_steps_its_check_and_a_link_to_the_rest() -> None:
    assert drawn(procedure_card(page(), URL)).splitlines() == [
        "Reset a LUN",
        "The last resort.",
        "*Before*",
        "Call support.",
        "*Steps*",
        "1. Wait.",
        "*Check*",
        "Look.",
        "With vmkops: `/action rescan HOST`",
        "Work through it as a team",
        "<https://ops.example.com/procedures/reset-lun|complete procedure> · ESX 3.0 and later",
    ]


def test_procedure_has_a_button_that_starts_a_run_for_its_targets() -> None:
    (buttons,) = [block for block in procedure_card(page(), URL, {"vm": "web-01"}).blocks if block["type"] == "actions"]
    (button,) = buttons["elements"]
    assert button["text"]["text"] == "Work through it as a team"
    assert json.loads(button["value"]) == {"procedure": "reset-lun", "targets": {"vm": "web-01"}}


def test_obsolete_procedure_has_a_warning() -> None:
    card = procedure_card(page(obsolete_since="ESX 4.0", obsolete_reason="The command is gone."), URL)
    assert "⚠️ Obsolete since ESX 4.0: The command is gone." in drawn(card)


def test_search_shows_how_to_open_the_first_result() -> None:
    assert drawn(search_card("lun", found(page()), URL)).splitlines() == [
        "*Reset a LUN* `reset-lun`",
        "The last resort.",
        "To see the first one, type `/kb reset-lun` · <https://ops.example.com/procedures|all procedures>",
    ]


def test_search_without_a_result_shows_what_was_searched_and_how_to_write_a_page() -> None:
    assert drawn(search_card("dance", found(), URL)).splitlines() == [
        "No procedure matches `dance`.",
        "Searched 41 pages in `/built-in` and `/team`. Try other words, or write a page: put what `vmkops kb template` "
        "prints into the folder that `VMKOPS_PROCEDURES_DIR` names.",
    ]


def test_weak_match_is_called_one() -> None:
    assert drawn(search_card("dance lun", found(page(weak=True)), URL)).splitlines()[:4] == [
        "No procedure fits `dance lun` well. The nearest ones:",
        "*Reset a LUN* `reset-lun`",
        "The last resort.",
        "_weak match_",
    ]
    assert "fits" not in drawn(search_card("lun", found(page(), page(weak=True)), URL))


def test_search_shows_the_lookup_of_each_code_above_the_procedures() -> None:
    lookups = [{"command": "vmkerr", "query": "0xbad0014", "meaning": "0xbad0014 Out of memory <VMK_NO_MEMORY>"}]
    explained = "`/vmkerr 0xbad0014`\n0xbad0014 Out of memory &lt;VMK_NO_MEMORY&gt;"
    nothing = drawn(search_card("0xbad0014", found(lookups=lookups), URL))
    assert nothing.startswith(f"{explained}\nNo procedure matches `0xbad0014`.\n")
    assert drawn(search_card("lun 0xbad0014", found(page(), lookups=lookups), URL)).startswith(
        f"{explained}\n*Reset a LUN* `reset-lun`\n"
    )


@given(st.text("<>&*`# \na|", max_size=4_000))
def test_slack_accepts_any_procedure(text: str) -> None:
    assert_slack_takes(procedure_card(page(title=text, summary=text, body=f"## Steps\n{text}"), URL))
