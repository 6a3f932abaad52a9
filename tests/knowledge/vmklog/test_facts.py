"""The tables of facts about logs: every row has known words, a source, and procedures that exist."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from knowledge.diagnosis import FaultClass, Where
from knowledge.procedure_store.folders import BUILT_IN, find_pages
from knowledge.vmklog.esx_events import all_events
from knowledge.vmklog.facts import Fact, facts

TABLES = {
    "esx_events.tsv": all_events(),
    **{
        table: tuple(facts(table).values())
        for table in (
            *("log_phrases.tsv", "psod_headings.tsv", "cpu_exceptions.tsv", "vim_faults.tsv", "quiesce_errors.tsv"),
            *("iscsi_login_status.tsv", "iscsi_connection_errors.tsv"),
        )
    },
}


@pytest.mark.parametrize("rows", TABLES.values(), ids=TABLES)
def test_every_row_uses_the_words_of_a_diagnosis_and_names_procedures_that_exist(rows: tuple[Fact, ...]) -> None:
    slugs = {page.slug for page in find_pages(BUILT_IN)}
    for row in rows:
        assert row.meaning, row.key
        assert row.source, row.key
        assert row.where in ("", *get_args(Where)), row.key
        assert row.class_ in ("", *get_args(FaultClass)), row.key
        assert set(row.procedures) <= slugs, row.key


@pytest.mark.parametrize("rows", TABLES.values(), ids=TABLES)
def test_a_next_step_can_be_read_alone(rows: tuple[Fact, ...]) -> None:
    """A summary shows it without the meaning, so a pronoun follows the noun that it stands for."""
    for row in rows:
        if pronoun := re.search(r"\b(?:it|its|itself|they|their|them)\b", row.next):
            before = row.next[: pronoun.start()]
            assert re.search(r"\b(?:the|an?|all|each|every|this|other)\b", before, re.IGNORECASE), row.next
        assert not row.next.startswith("Nothing"), row.key
        assert row.next.endswith(".") or not row.next, row.key
