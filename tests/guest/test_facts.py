"""The page about scripts in the guest has each fact of the table, and each fact has its source."""

from __future__ import annotations

from knowledge.data_files import data_lines
from knowledge.procedure_store.folders import BUILT_IN


def test_the_page_has_each_place_argument_limit_setting_and_message() -> None:
    page = (BUILT_IN / "quiesce-scripts.md").read_text("utf-8")
    rows = [line.split("\t") for line in data_lines("quiesce_scripts.tsv")]

    assert [value for _, _, _, value, _, _ in rows if value not in page] == []
    assert [row for row in rows if not row[4] or not row[5]] == []
