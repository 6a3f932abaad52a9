"""The page of faults is the table that the tests run, and every action is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.actions import all_actions
from tests.e2e.faults.action_cases import ACTIONS
from tests.e2e.faults.backup_cases import BACKUP, MOUNTING
from tests.e2e.faults.cases import WITHOUT_ROWS, Row
from tests.e2e.faults.export_cases import EXPORT
from tests.e2e.faults.page import page
from tests.e2e.faults.restore_cases import ONTO, RESTORE

ROWS = (*BACKUP, *MOUNTING, *RESTORE, *ONTO, *EXPORT, *ACTIONS)


def test_page_of_faults_is_what_is_tested() -> None:
    assert Path("docs/faults.md").read_text() == page(), "python -m tests.e2e.faults > docs/faults.md"


def test_no_row_hides_another() -> None:
    names = [row.name for row in ROWS]

    assert len(set(names)) == len(names)


def test_every_action_has_rows_or_a_reason_to_have_none() -> None:
    with_rows = {row.action for row in ROWS}

    assert with_rows | WITHOUT_ROWS.keys() == set(all_actions())
    assert with_rows.isdisjoint(WITHOUT_ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_names_a_step_of_its_action(row: Row) -> None:
    action = all_actions()[row.action]
    onto = {"onto": "moref:vm-42"}
    words = action.step_words(onto)
    assert row.step in {*action.steps, *(words.get(name, name) for name in action.steps_of(onto))}
