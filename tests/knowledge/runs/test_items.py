"""The steps and checks of a page are the items of a run."""

from __future__ import annotations

import pytest

from knowledge.procedure_store.folders import BUILT_IN, find_pages, read_page
from knowledge.runs.items import LONGEST_TITLE, Box, procedure_items, section_text

BODY = """## When

- The bell rings.

## Before

Read [this](other.md).

## Steps

First words.

1. Look at `a`, see
   [the other page](other.md).

   ```sh
   1. not a step
   ## not a section
   ```

2. > [!CAUTION]
   > Not a box, because it stands on the line of the number.

   Stop it.

   > [!WARNING]
   > Affects the host,
   > and its VMs.

   ```sh
   stop
   ```

   - a part of step 2

### On old hosts

* Wait.

Then go on.

## Check

It is quiet.

## Undo

1. Start it.
"""


def test_each_item_of_the_outermost_list_is_a_step() -> None:
    items = procedure_items(BODY)

    assert [item.id for item in items] == ["step-1", "step-2", "step-3", "check-1"]
    assert [item.title for item in items] == [
        "First words.",
        "Stop it.",
        "Wait.",
        "It is quiet.",
    ]
    assert {item.section for item in items} == {"Steps", "Check"}


def test_no_text_of_the_two_sections_is_lost() -> None:
    first, second, third, check = (item.text for item in procedure_items(BODY))

    assert first == (
        "First words.\n\nLook at `a`, see\n[the other page](other.md).\n\n```sh\n1. not a step\n## not a section\n```"
    )
    assert second.endswith("```sh\nstop\n```\n\n- a part of step 2")
    assert third == "### On old hosts\n\nWait.\n\nThen go on."
    assert check == "It is quiet."


def test_section_without_a_list_has_an_item_for_each_heading() -> None:
    items = procedure_items("## Steps\n\nFirst.\n\n### Look ###\n\nAt it.\n\n### Act\n\n```sh\n### no\n```\n")

    assert [(item.title, item.text) for item in items] == [
        ("First.", "First."),
        ("Look", "### Look ###\n\nAt it."),
        ("Act", "### Act\n\n```sh\n### no\n```"),
    ]


def test_boxes_of_a_step_are_named() -> None:
    assert procedure_items(BODY)[1].boxes[-1] == Box(kind="WARNING", text="Affects the host, and its VMs.")


def test_title_is_short_without_links_and_not_cut_inside_code() -> None:
    (item,) = procedure_items(f"## Steps\n\n1. See [words](page.md) {'x' * 170} `{'y' * 100}`\n")

    assert item.title.startswith("See words x")
    assert len(item.title) <= LONGEST_TITLE
    assert item.title.endswith("x …")


def test_section_is_found_by_its_heading() -> None:
    assert section_text(BODY, "Before") == "Read [this](other.md)."
    assert section_text(BODY, "After") == ""


@pytest.mark.parametrize("page", [read_page(found) for found in find_pages(BUILT_IN)], ids=lambda page: page.slug)
def test_each_page_has_steps_and_checks_with_titles(page) -> None:
    items = procedure_items(page.body)

    assert {item.section for item in items} == {"Steps", "Check"}
    assert all(item.title and item.text for item in items)
    assert page.body.count("[!CAUTION]") >= sum(box.kind == "CAUTION" for item in items for box in item.boxes)
