"""The page of faults is the list that the tests run."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.faults.action_cases import ACTIONS
from tests.e2e.faults.backup_cases import BACKUP
from tests.e2e.faults.page import page
from tests.e2e.faults.restore_cases import RESTORE


def test_page_of_faults_is_what_is_tested() -> None:
    assert Path("docs/faults.md").read_text() == page(), "python -m tests.e2e.faults > docs/faults.md"


def test_no_row_hides_another() -> None:
    names = [row.name for row in (*BACKUP, *RESTORE, *ACTIONS)]

    assert len(set(names)) == len(names)
