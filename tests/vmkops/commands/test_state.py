"""`vmkops state` writes the state to a file that is private, and puts it back; what is wrong is said in words."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.vmkops.terminal import run_forked


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with the data directory of a service that has one token."""
    done = run_forked(tmp_path, "token", "create", "bot", "--scope", "read", "--init")
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_lost_database_is_put_back(home: Path) -> None:
    exported = run_forked(home, "state", "export", "x.state", "--json")
    assert exported.returncode == 0, exported.stderr
    assert json.loads(exported.stdout)["parts"]["tokens"] == 1
    shutil.copytree(home / "data" / "signing", home / "signing")
    shutil.rmtree(home / "data")

    refused = run_forked(home, "state", "import", "x.state")
    assert (refused.returncode, [*home.glob("data")]) == (2, [])
    assert "--init" in refused.stderr
    unknown = run_forked(home, "state", "import", "x.state", "--init")
    assert unknown.returncode == 1
    assert "signing/public.pem" in unknown.stderr
    shutil.copytree(home / "signing", home / "data" / "signing", dirs_exist_ok=True)
    done = run_forked(home, "state", "import", "x.state", "--init")

    assert done.returncode == 0, done.stderr
    assert "tokens  1 added" in done.stdout
    assert "vmkops token list" in done.stderr
    assert run_forked(home, "token", "list").stdout.startswith("bot  read")
    again = run_forked(home, "state", "import", "x.state", "--json")
    assert json.loads(again.stdout)["parts"]["tokens"]["added"] == 0
    with closing(sqlite3.connect(home / "data" / "vmkops.sqlite")) as found:
        events = [event for (event,) in found.execute("SELECT event FROM vmkops_audit ORDER BY at")]
    assert events == ["token.created", "state.imported", "state.imported"]


def test_dry_run_changes_nothing_and_shows_strange_names_harmlessly(home: Path) -> None:
    with closing(sqlite3.connect(home / "data" / "vmkops.sqlite")) as found, found:
        found.execute("UPDATE vmkops_tokens SET name = 'a\x1b[31m\u202e'")
    assert run_forked(home, "state", "export", "x.state").returncode == 0
    with closing(sqlite3.connect(home / "data" / "vmkops.sqlite")) as found, found:
        found.execute("UPDATE vmkops_tokens SET name = 'bot', hash = ?", ("0" * 64,))
    before = (home / "data" / "vmkops.sqlite").read_bytes()

    done = run_forked(home, "state", "import", "x.state", "--dry-run")

    assert (done.returncode, done.stdout.count("\x1b")) == (1, 0)
    assert "not that of a token" in done.stderr
    assert (home / "data" / "vmkops.sqlite").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["export", "data/vmkops.lock"], 1, "exists already"),
        (["export", "nowhere/x.state"], 1, "nowhere/x.state cannot be written"),
        (["import", "nowhere"], 1, "There is no nowhere"),
        (["import", "data/vmkops.sqlite"], 1, "not packed with gzip"),
        (["import", "data"], 1, "not a regular file"),
        (["import"], 2, "FILE"),
        (["restore", "x"], 2, "there is no restore"),
    ],
)
def test_what_is_wrong_with_the_command_is_said(home: Path, words: list[str], status: int, says: str) -> None:
    (home / "data" / "vmkops.lock").touch()

    done = run_forked(home, "state", *words)

    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr
