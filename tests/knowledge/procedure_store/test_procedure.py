"""One page: what is accepted, and what is refused with its line and how to correct it."""

from collections.abc import Callable

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge.procedure_store.body import page_links
from knowledge.procedure_store.front_matter import read_front_matter
from knowledge.procedure_store.procedure import MAX_BYTES, Broken, BrokenPageError, Procedure, parse_page
from knowledge.procedure_store.text import plain_text

PAGE = """---
title: Fan failed
summary: What to do when a fan fails.
subjects: [hardware, fans]
applies_to:
  - any
source: "ours, 2024: by hand"
aliases:
  - FanFailed
---

## When

The alert.

## Before

Nothing.

## Steps

1. Look.

   ```sh
   # not a heading
   ```

## Check

It turns.

## Undo

None.
"""


def parse(text: str, slug: str = "fan-failed") -> Procedure:
    return parse_page(text.encode(), slug=slug, file=f"{slug}.md")


def faults(text: str | bytes, slug: str = "fan-failed") -> list[str]:
    data = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(BrokenPageError) as caught:
        parse_page(data, slug=slug, file=f"{slug}.md")
    return [str(problem) for problem in caught.value.problems]


def test_a_page_is_parsed_to_its_front_matter_and_its_body() -> None:
    page = parse(PAGE)
    assert (page.title, page.summary) == ("Fan failed", "What to do when a fan fails.")
    assert page.subjects == ("hardware", "fans")
    assert page.applies_to == ("any",)
    assert page.source == ("ours, 2024: by hand",)
    assert page.aliases == ("FanFailed",)
    assert page.obsolete_since == ""
    assert page.body.startswith("## When\n")
    assert page.body.endswith("None.\n")


@pytest.mark.parametrize(
    "written", [PAGE.replace("\n", "\r\n"), "\ufeff" + PAGE, PAGE.replace("---\n", "---  \n"), PAGE.rstrip("\n")]
)
def test_how_an_editor_ends_lines_or_marks_a_file_does_not_matter(written: str) -> None:
    assert parse(written).body == parse(PAGE).body


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda page: page[4:], "fan-failed.md:1: the page must start with a line of ---"),
        (lambda page: page.replace("---\n\n", "\n"), "fan-failed.md:1: the front matter is not closed"),
        (lambda page: page.replace("title: Fan failed\n", ""), "fan-failed.md:1: 'title' is missing"),
        (lambda page: page.replace("title:", "titel:"), "fan-failed.md:2: unknown key 'titel'; did you mean 'title'?"),
        (lambda page: page.replace("title: Fan failed", "title:"), "fan-failed.md:2: 'title' is empty"),
        (lambda page: page.replace("title: Fan failed", "title: [a, b]"), "fan-failed.md:2: 'title' is one value"),
        (lambda page: page.replace("Fan failed", "Fan: failed"), "fan-failed.md:2: ': ', ' #' and tabs have"),
        (lambda page: page.replace("Fan failed", "*fan"), "fan-failed.md:2: a value cannot start with *"),
        (lambda page: page.replace("Fan failed", '"Fan'), "fan-failed.md:2: the quotes do not match"),
        (lambda page: page.replace("summary:", "title: x\nsummary:"), "fan-failed.md:3: 'title' is here twice"),
        (lambda page: page.replace("summary:", "  - x\nsummary:"), "fan-failed.md:3: a list item without its key"),
        (lambda page: page.replace("summary: What", f"summary: {'x' * 200}"), "fan-failed.md:3: the summary has"),
        (
            lambda page: page.replace("aliases:", "obsolete_since: 2011\naliases:"),
            "fan-failed.md:8: add 'obsolete_",
        ),
        (lambda page: page.replace("## Undo", "## Revert"), "fan-failed.md:34: the section '## Undo' is missing"),
        (lambda page: page.replace("It turns.", ""), "fan-failed.md:28: the section '## Check' is empty"),
        (
            lambda page: page.replace("## Check", "## Steps"),
            "fan-failed.md:28: the section '## Steps' is here twice",
        ),
        (lambda page: page.replace("## When", "# When"), "fan-failed.md:12: the title belongs in the front matter"),
        (lambda page: page.replace("```sh", "```"), "fan-failed.md:24: the code block has no language"),
        (lambda page: page.replace("   ```\n", ""), "fan-failed.md:24: the code block is not closed"),
        (
            lambda page: page.replace("## When", "## X").replace("## Before", "## When").replace("## X", "## Before"),
            "fan-failed.md:12: the sections must be in this order: When, Before, Steps, Check, Undo",
        ),
        (lambda page: page.replace("It turns", "It\0turns"), "fan-failed.md:30: the character U+0000 is not allowed"),
    ],
)
def test_a_fault_is_reported_by_file_and_line(change: Callable[[str], str], problem: str) -> None:
    assert any(fault.startswith(problem) for fault in faults(change(PAGE))), faults(change(PAGE))


def test_all_faults_of_a_page_are_reported_at_once() -> None:
    assert len(faults(PAGE.replace("title: Fan failed\n", "").replace("## Undo", "## Revert"))) == 2


def test_a_byte_that_is_not_utf_8_is_named_with_its_line() -> None:
    data = PAGE.encode().replace(b"It turns", b"It \xe4urns")
    assert faults(data) == ["fan-failed.md:30: byte 0xe4 is not UTF-8: save the page as UTF-8"]


def test_a_page_that_is_too_long_for_use_on_call_is_refused() -> None:
    assert "the most that is read" in faults(PAGE + "x" * MAX_BYTES)[0]


@pytest.mark.parametrize("slug", ["", "Fan", "fan failed", "../fan", "fan--failed", "-fan", "fan.md", "x" * 81, "fän"])
def test_a_page_cannot_have_a_name_that_is_not_a_slug(slug: str) -> None:
    assert "cannot be the name of a page" in faults(PAGE, slug)[0]


def test_links_to_pages_are_found_only_outside_of_code() -> None:
    text = (
        "[a](one.md) and [b](two.md#steps) not [c](https://example.com/x.md)\n```text\n[d](three.md)\n```\n[e](four.md)"
    )
    assert [tuple(link) for link in page_links(text.split("\n"))] == [(1, "one"), (1, "two"), (5, "four")]


def test_plain_text_keeps_the_words_and_drops_the_markup() -> None:
    words = "## When\n\n- see **the** [log](x.md) of `snap_shot`\n\n```sh\nls -l *.vmdk\n```\n\n"
    markdown = words + "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    assert plain_text(markdown) == "When see the log of snap_shot ls -l *.vmdk a b 1 2"


def problems(data: bytes) -> list[Broken]:
    """Return what is wrong with a page; empty when it is correct."""
    try:
        parse_page(data, slug="any", file="any.md")
    except BrokenPageError as error:
        return error.problems or [Broken(file="", line=0, message="broken without a reason")]
    return []


@given(st.binary())
@example(b"---\n---\n")
@example(b"---\n\xff\n---\n")
@example(PAGE.encode())
def test_any_bytes_are_a_page_or_broken_by_file_and_line(data: bytes) -> None:
    last_line = len(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
    assert [one for one in problems(data) if one.file != "any.md" or not 1 <= one.line <= last_line] == []


LINES = st.one_of(
    st.sampled_from(["## When", "## Before", "## Steps", "## Check", "## Undo", "```", "```sh", "~~~", "words", ""]),
    st.text(max_size=20),
)


@given(st.lists(LINES, max_size=30))
def test_any_body_is_a_page_or_broken_by_file_and_line(lines: list[str]) -> None:
    text = PAGE[: PAGE.index("## When")] + "\n".join(lines)
    last_line = len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    assert [one for one in problems(text.encode()) if not 1 <= one.line <= last_line] == []


VALUES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=12),
    st.text("abc'\"\\:#-[], ", max_size=8),
)


@given(st.dictionaries(st.sampled_from(["title", "summary", "aliases"]), VALUES | st.lists(VALUES, max_size=3)))
def test_accepted_front_matter_means_the_same_to_a_yaml_parser(facts: dict[str, str | list[str]]) -> None:
    lines = ["---"]
    for key, value in facts.items():
        lines += [f"{key}: {value}"] if isinstance(value, str) else [f"{key}:", *(f"  - {item}" for item in value)]
    head = read_front_matter([*lines, "---"])
    if not head.faults:
        by_yaml = yaml.load("\n".join(lines[1:]), Loader=yaml.BaseLoader) or {}
        ours = {key: entry.value or "" for key, entry in head.entries.items()}
        assert ours == {key: value or "" for key, value in by_yaml.items()}


@pytest.mark.parametrize(
    "hostile",
    [
        " ".join("`" * length for length in range(1, 300)),
        "`" * 100_000,
        "[a](" * 50_000,
        "![" * 50_000,
        "|" + " " * 200_000,
        " " * 200_000 + "x",
        "*a_ " * 50_000,
        "```\n" * 50_000,
    ],
    ids=["runs of ticks", "one run of ticks", "links", "images", "table", "blanks", "emphasis", "fences"],
)
@pytest.mark.timeout(60)
def test_plain_text_of_a_hostile_page_takes_a_time_that_is_linear_in_its_size(hostile: str) -> None:
    assert isinstance(plain_text(hostile), str)
