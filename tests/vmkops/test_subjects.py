"""docs/subjects.md: each fact of the notes is shown by the command that it names, and no line is left out."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pytest

from vmkops.commands import OFFLINE

LINES = 1017
"""The notes are one text of this many lines, with single empty lines in between."""

STATUS_TABLE = "0ca56463127eb61767fc2a3651c368d8a118823454a0bff4187ea49f6e79d658"
"""SHA-256 of the 242 rows of the status table in lines 27 to 268: name, decimal, hex, errno and text with one space
between them, one row a line, the code 0 as in the notes, names and numbers that are joined there separated, and
straight apostrophes."""


class Fact(NamedTuple):
    """A row of the table: the first and last line of the notes, the fact, the command, and what its output contains."""

    first: int
    last: int
    words: str
    command: str
    shown: tuple[str, ...]


def _facts() -> Iterator[Fact]:
    table = Path("docs/subjects.md").read_text(encoding="utf-8").split("\n## Facts")[1]
    for row in re.findall(r"^\| (\d.*) \|$", table, re.MULTILINE):
        lines, words, command, shown = (cell.replace(r"\|", "|") for cell in re.split(r" (?<!\\)\| ", row))
        first, _, last = lines.partition("-")
        yield Fact(int(first), int(last or first), words, command.strip("`"), tuple(re.findall("`([^`]+)`", shown)))


FACTS = list(_facts())
BY_COMMAND = {
    command: list(facts)
    for command, facts in groupby(sorted(FACTS, key=lambda fact: fact.command), lambda f: f.command)
}


@pytest.fixture(autouse=True)
def without_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pages of a team, and no imported tables of codes."""
    monkeypatch.delenv("VMKOPS_PROCEDURES_DIR", raising=False)
    monkeypatch.delenv("VMKOPS_CONFIG", raising=False)
    monkeypatch.setenv("VMKOPS_DATA_DIR", str(tmp_path))


def output(command: str) -> str:
    """Run an offline command and return what it prints, with its notes; it must end with status 0."""
    _, name, *words = shlex.split(command)
    module = import_module(f"vmkops.commands.{name}")
    assert module.GROUP == OFFLINE
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as notes:
        assert module.run(words) == 0
    return out.getvalue() + "\n" + notes.getvalue()


def plain(text: str) -> str:
    """Return the text without Markdown marks, with one space between words."""
    return " ".join(re.sub(r"[`*]|\\(?=[_*|])", "", text).split())


@pytest.mark.parametrize("command", BY_COMMAND)
def test_command_shows_each_fact_that_the_table_claims(command: str) -> None:
    printed = plain(output(command))
    missing = [(fact.first, text) for fact in BY_COMMAND[command] for text in fact.shown if plain(text) not in printed]
    assert missing == []


def test_no_line_of_the_notes_is_without_a_fact() -> None:
    covered = {line for fact in FACTS for line in range(fact.first, fact.last + 1)}
    gaps = [line for line in range(1, LINES) if not covered & {line, line + 1}]  # one empty line between two facts
    assert (gaps, min(covered), max(covered)) == ([], 1, LINES)


def test_each_fact_has_words_a_command_and_a_text_that_proves_it() -> None:
    assert [fact for fact in FACTS if not (fact.words and fact.shown and 1 <= fact.first <= fact.last <= LINES)] == []
    assert len({(fact.first, fact.last, fact.words) for fact in FACTS}) == len(FACTS) > 300


def test_all_242_rows_of_the_status_table_are_as_in_the_notes() -> None:
    rows = [line.split(maxsplit=4) for line in output("vmkops vmkerr --list --release esx-3.5").splitlines()]
    rows = [row for row in rows if row and row[0].startswith("VMK_") and row[1].isdigit()]
    rows[0][2] = "0"
    assert len(rows) == 242
    text = "\n".join(" ".join(row) for row in rows)
    assert hashlib.sha256(text.encode()).hexdigest() == STATUS_TABLE
