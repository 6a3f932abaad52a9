"""The tests of a module are where its path says, or where a README of the tests says."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READMES = (Path("tests/README.md"), Path("tests/knowledge/README.md"))
ROOMS = ("bot", "knowledge", "service", "vmkops")
MODULES = sorted(
    path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py") if path.name != "__init__.py"
)


def table() -> list[tuple[str, tuple[str, ...]]]:
    """Each module pattern in the tables of the READMEs, with the test files of its row."""
    rows = []
    for readme in READMES:
        for line in (ROOT / readme).read_text("utf-8").splitlines():
            cells = [re.findall(r"`([^`]+)`", cell) for cell in line.strip("|").split("|")]
            if len(cells) == 2 and cells[0] and all(each.endswith(".py") for each in cells[0]):
                rows += [(module, tuple(cells[1])) for module in cells[0]]
    return rows


TABLE = table()


def own_test(module: Path) -> Path:
    """Where the tests of a module are unless a table says otherwise; `_base.py` has `test_base.py`."""
    return Path("tests") / module.parent / f"test_{module.stem.strip('_')}.py"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_each_module_has_a_test_at_its_path_or_a_row_in_a_table(module: Path) -> None:
    rows = [tests for pattern, tests in TABLE if fnmatch(str(module), pattern)]
    assert (ROOT / own_test(module)).is_file() or rows, (
        f"{own_test(module)} does not exist; add it, or a row for {module}"
    )


@pytest.mark.parametrize(("pattern", "tests"), TABLE, ids=lambda value: value if isinstance(value, str) else "")
def test_each_row_names_modules_and_tests_that_exist(pattern: str, tests: tuple[str, ...]) -> None:
    assert [module for module in MODULES if fnmatch(str(module), pattern)], f"no module is {pattern}"
    assert tests
    missing = [test for test in tests if not (ROOT / test).is_file()]
    assert not missing
