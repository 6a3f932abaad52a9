"""The table of subjects is correct: every call and command in it exists, and every procedure."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.running_service import RunningService
from vmkops.commands import names

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in Path("docs/subjects.md").read_text().split("\n## Facts")[0].splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| subject"))
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_call_is_declared_and_every_procedure_exists(plain_service: RunningService, row: list[str]) -> None:
    paths = plain_service.call("GET", "/openapi.json", token="")[1]["paths"]
    called = re.findall(r"`(GET|POST|PATCH) (/[^`?]*)", row[1])
    assert called
    for method, path in called:
        fitting = [known for known in paths if re.fullmatch(re.sub(r"{\w+}", "[^/]+", known), path)]
        assert any(method.lower() in paths[known] for known in fitting), f"{method} {path}"
    for command in re.findall(r"`vmkops (\w+)", row[2]):
        assert command in names()
    for slug in re.findall(r"`([a-z0-9-]+)`", row[4]):
        assert plain_service.call("GET", f"/procedures/{slug}", token="")[0] == 200
