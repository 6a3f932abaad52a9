"""Completion in the shells themselves: a person types a part of a word and presses the tab key."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.vmkops.shell import line_after_tab, offered_by_fish
from tests.vmkops.terminal import run_forked
from vmkops.commands._complete import complete
from vmkops.commands._names_cache import OLD_SECONDS, cache_file, write
from vmkops.commands._names_renewed import _newest, _parameters

NAMES = {
    "vms": [["web-01", "default"], ["a b", "default"]],
    "backups": [["046f3e7e01bdc7c1", "web-01"], ["newest:web-01", "its newest good backup"]],
    "parameters-restore": [["backup=", "Which backup"], ["onto=", "An existing VM"]],
}
"""What the service said when it was last asked; nothing answers any more."""
COMPLETED = {
    "vmkops deco": "vmkops decode ",
    "vmkops backup we": "vmkops backup web-01 ",
    "vmkops backup a": r"vmkops backup a\ b ",
    "vmkops action restore-di": "vmkops action restore-disk ",
    "vmkops action restore newest:we": "vmkops action restore newest:web-01 ",
    "vmkops action restore newest:web-01 on": "vmkops action restore newest:web-01 onto=",
    "vmkops action restore newest:web-01 onto=we": "vmkops action restore newest:web-01 onto=web-01 ",
    "vmkops config show VMKOPS_DATA_D": "vmkops config show VMKOPS_DATA_DIR ",
}


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A person in an empty folder, with names that are a week old and no service."""
    monkeypatch.chdir(tmp_path)
    mine = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "VMKOPS_SERVICE_URL": "http://127.0.0.1:1"}
    for kind, names in NAMES.items():
        file = Path(cache_file(kind, {**mine, "PWD": str(tmp_path)}))
        file.parent.mkdir(parents=True, exist_ok=True)
        write(str(file), names)
        week_ago = time.time() - 7 * 24 * 3600
        assert week_ago < time.time() - OLD_SECONDS
        os.utime(file, (week_ago, week_ago))
    return mine


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_tab_key_completes_the_line_from_the_last_known_names(
    tmp_path: Path, environment: dict[str, str], shell: str
) -> None:
    lines = {typed: line_after_tab(shell, typed, tmp_path, environment) for typed in COMPLETED}

    assert lines == COMPLETED


def test_fish_offers_the_words_from_the_last_known_names(tmp_path: Path, environment: dict[str, str]) -> None:
    offered = {typed: offered_by_fish(typed, tmp_path, environment) for typed in COMPLETED}

    words = {typed: line.split(" ", typed.count(" "))[-1].strip() for typed, line in COMPLETED.items()}
    assert offered == {typed: [word.replace("\\", "")] for typed, word in words.items()}


def test_actions_are_known_without_a_service(tmp_path: Path, environment: dict[str, str]) -> None:
    done = run_forked(tmp_path, "completion", "words", "fish", "vmkops action power-", "power-", **environment)

    assert done.stdout.split() == ["power-off", "power-on"]


def test_backups_are_offered_by_their_vms_too() -> None:
    def of(*vms: tuple[str, str]) -> list[str]:
        return [name for name, _ in _newest([{"vm": {"vcenter": vcenter, "name": name}} for vcenter, name in vms])]

    assert of(("prod", "web-01"), ("prod", "web-01"), ("prod", "db-01")) == ["newest:web-01", "newest:db-01"]
    assert of(("prod", "web-01"), ("lab", "web-01")) == ["newest:prod/web-01", "newest:lab/web-01"]


@pytest.mark.parametrize("words", [["help", ""], ["--"]])
def test_no_word_is_offered_twice(words: list[str]) -> None:
    offered = [word for word, _ in complete(words)]

    assert len(offered) == len(set(offered))
    assert words != ["--"] or "--local" in offered


def test_value_that_is_empty_is_not_offered() -> None:
    schema = {"enum": ["", "keep", "new"], "description": "UUIDs and MAC addresses: keep or new."}

    offered = [word for word, _ in _parameters({"parameters": {"properties": {"identity": schema}}})]

    assert offered == ["identity=", "identity=keep", "identity=new"]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    (tmp_path / f"names.json.{os.getpid()}").touch()  # of a writer that died, in another container

    write(str(tmp_path / "names.json"), [["web-01", ""]])

    assert (tmp_path / "names.json").read_text() == '[["web-01", ""]]'
    assert (tmp_path / "names.json").stat().st_mode & 0o777 == 0o600
