"""The rules that say what SCSI and NVMe errors show: each is complete, can be reached, and has a source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import knowledge
from knowledge.data_files import data_lines
from knowledge.diagnosis import FaultClass, Where
from knowledge.scsi import diagnose_sense, diagnose_status, sense, status

TABLES = ("scsi_diagnosis.tsv", "nvme_diagnosis.tsv")
ROWS = [(table, line.split("\t")) for table in TABLES for line in data_lines(table)]
PROCEDURES = {page.stem for page in Path(knowledge.__file__).with_name("procedures").glob("*.md")}


@pytest.mark.parametrize(("table", "row"), ROWS, ids=[f"{table[:4]}-{row[0]}-{row[1]}" for table, row in ROWS])
def test_each_rule_uses_the_known_words_and_procedures_and_has_a_source(table: str, row: list[str]) -> None:
    _, _, certainty, where, class_, then, procedures, why, source = row
    assert certainty in ("certain", "likely")
    assert where in ("", *get_args(Where))
    assert class_ in ("", *get_args(FaultClass))
    assert where or class_
    assert re.fullmatch(r"[A-Z].*[.]", then), "the next step is a sentence"
    assert set(procedures.split()) <= PROCEDURES
    assert why or certainty == "certain", "what is only likely has a reason"
    assert source


@pytest.mark.parametrize("table", TABLES)
def test_no_rule_hides_a_later_one_with_the_same_pattern(table: str) -> None:
    seen: dict[str, set[str]] = {}
    for match, commands, *_ in (line.split("\t") for line in data_lines(table)):
        earlier = seen.setdefault(match, set())
        assert "" not in earlier, f"{match}: a rule for all commands stands before one for {commands or 'all'}"
        assert not earlier & set(commands.split() or [""]), match
        earlier |= set(commands.split() or [""])


def test_harmless_is_only_what_is_limited_to_commands() -> None:
    assert all(row[1] for _, row in ROWS if row[4] == "harmless")


def test_a_rule_for_exact_bytes_outranks_one_for_any_key_and_that_one_for_the_key() -> None:
    exact = diagnose_sense(sense(0x3, 0x4, 0x3), None)
    predicted = diagnose_sense(sense(0x3, 0x5D, 0x10), None)
    by_key = diagnose_sense(sense(0x3, 0x11, 0x0), None)
    assert (exact and exact.class_, predicted and predicted.class_, by_key and by_key.class_) == (
        "path loss",
        "hardware",
        "medium error",
    )


def test_a_number_whose_meanings_differ_shows_nothing() -> None:
    assert diagnose_status(status(0xD, 0, 0)) is None
    requeued = diagnose_status(status(0xD, 0, 0, (4, 4)))
    assert requeued is not None
    assert requeued.class_ == "transient"


def test_a_check_condition_shows_nothing_by_itself() -> None:
    assert diagnose_status(status(0, 0x2, 0)) is None
    assert diagnose_status(status(0, 0, 0)) is None
