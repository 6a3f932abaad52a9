"""The check of a folder reports, by file and line, what would mislead a reader."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from knowledge.procedure_store.check import check_folder
from knowledge.procedure_store.folders import BUILT_IN, built_in_pages
from knowledge.procedure_store.templates import KINDS, template

PAGE = """---
title: Fan failed
summary: What to do when a fan fails.
subjects: [hardware]
applies_to: [any]
source: [ours]
aliases:
  - FanFailed
  - turbine
---
## When
x
## Before
x
## Steps
LINE
## Check
x
## Undo
x
"""


def faults(folder: Path, line: str = "x", **changes: str) -> list[str]:
    """What is wrong with a page that has this line in its steps."""
    text = PAGE.replace("LINE", line)
    for old, new in changes.items():
        text = text.replace(old, new)
    (folder / "fan.md").write_text(text)
    _, broken = check_folder(folder, elsewhere=built_in_pages())
    return [str(one).removeprefix(f"{folder}/") for one in broken]


@pytest.mark.parametrize(
    "link",
    [
        "[a](backup-failed.md)",
        "[a](fan.md#steps)",
        "[a](#steps)",
        "[a](/runs)",
        "[a](https://example.com/x_(y).md)",
        "[a](mailto:team@example.com)",
        "`[a](gone.md)` and `` `[a](gone.md)` ``",
        "```text\n[a](gone.md)\n```",
        "[not a link] (gone.md)",
    ],
)
def test_links_that_lead_somewhere_are_right(tmp_path: Path, link: str) -> None:
    assert faults(tmp_path, link) == []


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("[a](gone.md)", "links to gone.md, which does not exist"),
        ("[a](gone.md#steps)", "links to gone.md, which does not exist"),
        ("![a](fan.png)", "links to fan.png, which vmkops cannot show"),
        ("[a](../wiki/fan.html)", "links to ../wiki/fan.html, which vmkops cannot show"),
        ("[a](//example.com)", "links to //example.com, which vmkops cannot show"),
        ("[a](https:///fan)", "links to https:///fan, which has no host"),
        ("[a](javascript:alert)", "links to javascript:alert: browsers open only"),
        ("[a](http://[fan)", "links to http://[fan, which is not an address"),
    ],
)
def test_links_that_lead_nowhere_are_reported(tmp_path: Path, link: str, message: str) -> None:
    (fault,) = faults(tmp_path, f"First line.\n{link}")
    assert fault.startswith(f"fan.md:17: {message}")


def test_link_that_leads_nowhere_is_named_once_and_very_many_are_counted(tmp_path: Path) -> None:
    again = faults(tmp_path, "[a](gone.md) [b](gone.md)\n[c](gone.md)")
    many = faults(tmp_path, "\n".join(f"[a](gone-{number}.md)" for number in range(25)))

    assert again == ["fan.md:16: links to gone.md, which does not exist (3 times in this page)"]
    assert len(many) == 21
    assert many[-1] == "fan.md:36: and 5 more links lead nowhere"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("vmkops vmz {vm}", "there is no command vmkops vmz; did you mean vmkops vm?"),
        ("vmkops action powr-off {vm}", "there is no action powr-off; did you mean power-off?"),
        ("vmkops", "there is no command vmkops; `vmkops --help` lists the commands"),
        ("vmkops vm {cluster}", "a live block knows no {cluster}: use {vm}, {host}, {datastore}"),
        ("esxcli vm process list", "a live block has only commands of vmkops"),
        ("vmkops vm '{vm}", "the quotes of this command do not match"),
    ],
)
def test_live_blocks_that_cannot_work_are_reported(tmp_path: Path, command: str, message: str) -> None:
    (fault,) = faults(
        tmp_path, f"1. Look:\n\n   ```vmkops\n   # a comment {{x}}\n   vmkops vm {{vm}}\n   {command}\n   ```"
    )
    assert fault.startswith(f"fan.md:21: {message}")


def test_name_of_another_page_is_reported_with_that_page(tmp_path: Path) -> None:
    (tmp_path / "pump.md").write_text(PAGE.replace("Fan failed", "Pump failed").replace("  - turbine\n", ""))

    assert faults(tmp_path, FanFailed="fan_failed", turbine="backup-failed") == [
        "fan.md:2: 'Fan failed' is also a name of the page pump, so that it leads to only one of them: "
        "remove it from one page",
        "fan.md:8: 'fan_failed' is also a name of the page pump, so that it leads to only one of them: "
        "remove it from one page",
        "fan.md:9: 'backup-failed' is also a name of the page backup-failed, so that it leads to only one of them: "
        "remove it from one page",
        "pump.md:8: 'FanFailed' is also a name of the page fan, so that it leads to only one of them: "
        "remove it from one page",
    ]


def test_alias_that_is_there_twice_is_reported_but_not_another_spelling(tmp_path: Path) -> None:
    assert faults(tmp_path, turbine="fan failed") == []
    assert faults(tmp_path, turbine="fanfailed") == ["fan.md:9: the alias 'fanfailed' is here twice: remove one"]


def test_page_that_replaces_a_built_in_one_may_have_its_names(tmp_path: Path) -> None:
    (tmp_path / "backup-failed.md").write_text((BUILT_IN / "backup-failed.md").read_text())

    count, broken = check_folder(tmp_path, elsewhere=built_in_pages())

    assert (count, broken) == (1, [])


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_words_of_a_template_are_wrong_with_it(tmp_path: Path, kind: str) -> None:
    (tmp_path / "my-page.md").write_text(template(kind))

    count, broken = check_folder(tmp_path, elsewhere=built_in_pages())

    assert count == 1
    assert {one.message.partition(":")[0] for one in broken} == {"the words of the template are still here"}
    assert "[!" in template(kind) or kind == "reference"


@pytest.mark.parametrize("kind", KINDS)
def test_each_line_that_a_template_asks_for_is_reported_until_it_is_replaced(tmp_path: Path, kind: str) -> None:
    lines = template(kind).split("\n")
    (tmp_path / "my-page.md").write_text("\n".join(lines))
    _, broken = check_folder(tmp_path)
    reported = [lines[one.line - 1].strip() for one in broken]
    for one in broken:
        lines[one.line - 1] = re.sub(r"(\w[\w ]*\w)(?=\W*$)", f"our own {one.line}", lines[one.line - 1])
    (tmp_path / "my-page.md").write_text("\n".join(lines))

    assert {"For each step that changes something: how to go back, or that there is no way back."} <= {*reported} or (
        kind in ("maintenance", "reference")
    )
    assert {line.partition(":")[0] for line in reported} >= {"title", "summary"}
    assert check_folder(tmp_path) == (1, [])


@pytest.mark.parametrize(
    "line", ["[" * 200_000, "`" * 200_000, "](" * 100_000, "` `` " * 40_000, "vmkfstools " * 20_000, "[a](b" * 40_000]
)
def test_hostile_line_takes_no_longer_than_a_page(tmp_path: Path, line: str) -> None:
    began = time.monotonic()
    faults(tmp_path, line)
    assert time.monotonic() - began < 20
