"""The commands from outside: found by their modules, and none promises what it does not have."""

from __future__ import annotations

import re
import shutil
from importlib import import_module
from pathlib import Path

import pytest

import vmkops
from service.api.client import ServiceError
from service.errors import InvalidParams, NotFound, VmkopsError
from tests.vmkops.terminal import run, run_forked
from vmkops.commands import names
from vmkops.commands._errors import report
from vmkops.commands._misplaced import subcommands
from vmkops.manual import commands_page

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
    assert re.fullmatch(rf"vmkops {words.split()[0]}: [^\n]+ See vmkops {words.split()[0]} --help\.\n", done.stderr)


@pytest.mark.parametrize(
    "words", ["jobs --state bogus", "mount web-01 --lease 90x", "--frobnicate", "nosuch", "vmx foo"]
)
def test_wrong_usage_is_told_in_one_line_without_a_usage_block(tmp_path: Path, words: str) -> None:
    done = run(tmp_path, *words.split())

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("vmkops")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["iscsi", "vmx", "kb", "p2v", "ovf", "config", "token", "runs", "state", "vcenter"])
def test_command_with_subcommands_lists_them_when_it_stands_alone(tmp_path: Path, command: str) -> None:
    below = subcommands(import_module(f"vmkops.commands.{command}").parser())

    done = run(tmp_path, command)

    assert (done.returncode, done.stdout) == (2, "")
    listed = [line.split()[2] for line in done.stderr.splitlines() if line.startswith(f"  vmkops {command} ")]
    assert set(below) <= set(listed)


def test_a_topic_that_does_not_exist_is_told_that_commands_are_topics_too(tmp_path: Path) -> None:
    done = run(tmp_path, "help", "nosuch")

    assert done.returncode == 1
    assert "there is no topic and no command nosuch." in done.stderr
    assert "The names of commands are topics too" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("bakup x", "vmkops: there is no command bakup. Did you mean backup?"),
        ("--servce x jobs", "vmkops: there is no option --servce. Did you mean --service?"),
        ("jobs --jsn", "vmkops jobs: there is no option --jsn. Did you mean --json?"),
        ("jobs --state fialed", "--state: fialed is not possible. Did you mean failed?"),
        ("token crete x", "there is no crete. Did you mean create?"),
        ("token create x --scpe read --scope read", "vmkops token create: there is no option --scpe."),
        ("vmkerr --jsn 1", "there is no option --jsn. Did you mean --json?"),
        ("vmx lnt", "there is no subcommand lnt. Did you mean lint?"),
        ("kb --jsn x", "there is no option --jsn. Did you mean --json?"),
        ("help token crete", "there is no crete. Did you mean create?"),
        ("jobs --color pink", "--color is one of: auto, always, never"),
        ("jobs \x1b[31mx y", "there are too many words: y"),
        (
            "restore web-01",
            "there is no command restore. restore is a host action. Did you mean vmkops action restore web",
        ),
        ("restore_disk x vm=y", "restore-disk is a host action. Did you mean vmkops action restore-disk x vm=y?"),
        ("power-onn x", "power-on is a host action. Did you mean vmkops action power-on x?"),
        ("restore \x1b[31m", "Did you mean vmkops action restore ...?"),
        ("lint x.ovf", "Did you mean vmkops ovf lint x.ovf or vmkops vmx lint x.ovf?"),
        ("action pwer-off --help", "there is no action pwer-off. Did you mean power-off?"),
        ("schedules remov nightly", "there is no remov. Did you mean remove?"),
        ("schedules add x allow_missing --cron x", "too many words: allow_missing. Did you mean --allow-missing?"),
        ("mounts renwe web", "vmkops mounts: there is no renwe. Did you mean renew?"),
        ("backups adpot dir", "vmkops backups: there is no adpot. Did you mean adopt?"),
        ("files x sl", "vmkops files: there is no sl. Choose one of: ls, find, get, cat."),
        ("files x fnd", "vmkops files: there is no fnd. Did you mean find?"),
        ("files ls /", "vmkops files: the backup comes first: vmkops files BACKUP ls /."),
        ("backup x --within 2s", "--within: '2s' is not a length of time; write it like 90m, 6h or 2d"),
        ("snapshots --older-than 3x", "'3x' is not a number of hours; write it like 72, 12h or 3d"),
        ("datastores --free-below much", "'much' is not a percentage; write a whole number from 0 to 100"),
        ("jobs --service nosuch", "vmkops jobs: --service: there is no service nosuch in vmkops.toml."),
        ("jobs --service localhost:8080", "An address begins with https:// or http://, such as http://localhost:8080."),
        ("login nosuch", "vmkops login: SERVICE: there is no service nosuch in vmkops.toml."),
        ("action fleet all --report-to=ops", "It is a parameter of fleet: write report_to=ops."),
        ("action backup web-01 --vm", "It is a parameter: write vm=VM."),
    ],
)
def test_what_was_probably_meant_is_named(tmp_path: Path, words: str, said: str) -> None:
    done = run_forked(tmp_path, *words.split(" "))

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("schedule", "Did you mean schedules?"),
        ("restore", "restore is a host action: vmkops help action restore\n"),
        ("bakcup", "Did you mean backup?"),
    ],
)
def test_topic_that_was_probably_meant_is_named(tmp_path: Path, topic: str, said: str) -> None:
    done = run_forked(tmp_path, "help", topic)

    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (
            NotFound("There is no job '1'. The list of jobs has their ids."),
            1,
            "The list of jobs (vmkops jobs) has their",
        ),
        (NotFound("There is no x. There are: a, b.", ["a", "b"]), 1, "vmkops x: There is no x. There are: a, b.\n"),
        (NotFound("There is no x.", ["a", "b"]), 1, "vmkops x: There is no x.\n  a\n  b\n"),
        (NotFound("There is no VM with the name 'x'."), 1, "the name 'x'. `vmkops vms` lists the VMs.\n"),
        (NotFound("There is no host with the moref 'x'."), 1, " `vmkops hosts` lists the hosts.\n"),
        (NotFound("There is no backup 'x'. Did you mean newest:web?"), 1, "'x'. Did you mean newest:web?\n"),
        (InvalidParams("quiesce must be one of prefer, none."), 2, "quiesce must be"),
    ],
)
def test_error_names_the_commands_and_lists_nothing_twice(
    capsys: pytest.CaptureFixture[str], error: VmkopsError, status: int, said: str
) -> None:
    there = ServiceError(error.problem())

    assert (report("x", error), report("x", there)) == (status, status)
    printed = capsys.readouterr().err
    assert printed.count(said) == 2
    assert printed.count("\n") == 2 * (said.count("\n") or 1)


def test_page_of_commands_is_whole_sentences() -> None:
    lines = commands_page().splitlines()

    assert not [line for line in lines if line.endswith((": ", ".."))]
    assert "#### vmkops backups adopt" in lines


@pytest.mark.parametrize("words", ["vms --sort name", "jobs --frobnicate", "frobnicate"])
def test_what_resembles_nothing_is_not_guessed(tmp_path: Path, words: str) -> None:
    done = run_forked(tmp_path, *words.split(" "))

    assert (done.returncode, "there is no" in done.stderr, "Did you mean" in done.stderr) == (2, True, False)


@pytest.mark.parametrize("words", ["backups list", "jobs list --limit 3", "vms list", "schedules delete nightly"])
def test_words_that_people_expect_are_taken(tmp_path: Path, words: str) -> None:
    done = run_forked(tmp_path, *words.split(" "), VMKOPS_SERVICE_URL="http://127.0.0.1:1")

    assert done.returncode == 3, done.stderr  # the command was right, and the service does not answer


@pytest.mark.parametrize(
    "words",
    ["backup x --dry_run", "schedules add x --allow_missing --cron=x", "--no_pager jobs", "backup x --no_wait=1"],
)
def test_option_is_taken_with_underscores_too(tmp_path: Path, words: str) -> None:
    done = run_forked(tmp_path, *words.split(" "), VMKOPS_SERVICE_URL="http://127.0.0.1:1")

    ignored = "ignored explicit argument" in done.stderr  # a switch takes no value; the option is known
    assert (done.returncode, ignored) in [(3, False), (2, True)], done.stderr


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
