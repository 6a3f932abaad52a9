"""The commands from outside: found by their modules, and none promises what it does not have."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import vmkops
from tests.vmkops.terminal import run
from vmkops.commands import names

PROMISES = frozenset({"approve", "build", "cancel", "create", "lint", "merge", "reject", "remove", "revoke", "rotate"})
"""Words of a summary that promise a subcommand or an option of that name."""

NEW_COMMAND = """
from vmkops.commands import OFFLINE

SUMMARY = "greet the reader"
GROUP = OFFLINE


def run(argv):
    print("hello", *argv)
    return 1
"""


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The commands of `vmkops --help` with their summaries."""
    return summaries(tmp_path_factory.mktemp("help"))


def summaries(folder: Path) -> dict[str, str]:
    done = run(folder, "--help")
    assert done.returncode == 0
    return dict(re.findall(r"^  (\w+) +(.+)$", done.stdout, re.MULTILINE))


def offered(text: str) -> set[str]:
    """The options in a help, and the words that its usage and its lists begin with, which are its subcommands."""
    options = re.findall(r"--([a-z-]+)", text)
    return {*options, *re.findall(r"^(?:usage:)? *(?:vmkops \w+ )?([a-z]+)\b", text, re.MULTILINE)}


def test_every_module_is_listed(listed: dict[str, str]) -> None:
    assert sorted(listed) == names()


@pytest.mark.parametrize("name", names())
def test_help_of_a_command_has_its_summary_and_what_that_promises(
    tmp_path: Path, listed: dict[str, str], name: str
) -> None:
    done = run(tmp_path, name, "--help", COLUMNS="400")  # so wide that no summary is broken

    assert (done.returncode, done.stderr) == (0, "")
    assert listed[name] in done.stdout
    promised = PROMISES & set(re.findall(r"[a-z]+", listed[name]))
    assert promised <= offered(done.stdout.replace(listed[name], ""))


@pytest.mark.parametrize(
    "words",
    ["jobs approve 1", "jobs 1 --reject", "token rotate x", "jobs --cancel", "jobs x --live", "backup"],
)
def test_what_a_command_does_not_have_is_wrong_usage(tmp_path: Path, words: str) -> None:
    done = run(tmp_path, *words.split())

    assert (done.returncode, done.stdout) == (2, "")
    assert f"usage: vmkops {words.split()[0]}" in done.stderr


@pytest.mark.parametrize(
    "words", ["token create", "iscsi validate", "iscsi build", "p2v checklist", "ovf lint", "vmx lint"]
)
def test_subcommand_answers_help(tmp_path: Path, words: str) -> None:
    done = run(tmp_path, *words.split(), "--help")

    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: vmkops {words}")


def test_module_that_is_put_into_the_folder_is_a_command(tmp_path: Path) -> None:
    shutil.copytree(Path(vmkops.__file__).parent, tmp_path / "vmkops", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "vmkops" / "commands" / "greet.py").write_text(NEW_COMMAND)

    done = run(tmp_path, "greet", "you")

    assert summaries(tmp_path)["greet"] == "greet the reader"
    assert (done.returncode, done.stdout) == (1, "hello you\n")
