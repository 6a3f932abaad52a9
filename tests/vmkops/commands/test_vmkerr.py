"""`vmkops vmkerr` as people and scripts run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.vmkerr.listing import listing
from vmkops.commands._lookup import _as_json


class Terminal:
    """Runs vmkops in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str | bytes, stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "VMKOPS_DATA_DIR": str(self.folder / "kept")}
        command = [sys.executable, "-m", "vmkops", *words]
        finished = subprocess.run(
            command, input=stdin, capture_output=True, text=True, cwd=self.folder, env=environment, timeout=60
        )
        assert "Traceback" not in finished.stderr
        return finished


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_both_readings_of_a_code_stand_one_below_the_other_with_their_releases(terminal: Terminal) -> None:
    finished = terminal.run("vmkerr", "0xbad0022")
    assert finished.returncode == 0
    assert finished.stdout.splitlines()[:3] == [
        "The releases disagree: go by the release of the host.",
        "0xbad0022  195887138  esx-3.5                              "
        "SCSI reservation conflict  VMK_RESERVATION_CONFLICT  EAGAIN",
        "0xbad0022  195887138  esxi-5.0 esxi-5.1 esxi-6.0 ddk-2024  "
        "Read only                  VMK_READ_ONLY             EROFS",
    ]


def test_first_steps_of_each_meaning_follow(terminal: Terminal) -> None:
    shown = terminal.run("vmkerr", "0xbad0022").stdout
    older, newer = shown.split("\n\n")[1:]

    assert older.startswith("VMK_RESERVATION_CONFLICT, esx-3.5 (LUN, reservation): ")
    assert newer.startswith("VMK_READ_ONLY (LUN, configuration): ")
    assert "  1. Find the LUNs: `grep -i 'reservation conflict' /var/log/vmkernel`.\n" in older
    assert "  Procedures: scsi-reservation-conflict\n" in older
    assert "  Source: VMware KB 1004771" in older


def test_words_need_no_quotes_and_options_may_stand_anywhere(terminal: Terminal) -> None:
    for words in (
        ["reservation", "conflict", "--release", "3.5"],
        ["--release=3.5", "reservation conflict"],
        ["reservation", "--release", "3.5", "conflict"],
    ):
        finished = terminal.run("vmkerr", *words)
        assert finished.returncode == 0
        assert finished.stdout.startswith("0xbad0022  195887138  esx-3.5  SCSI reservation conflict")


def test_a_negative_number_is_an_errno_and_no_option(terminal: Terminal) -> None:
    finished = terminal.run("vmkerr", "-28")
    assert finished.returncode == 0
    assert "28 is read as Linux errno 28, ENOSPC" in finished.stdout


def test_json_has_the_fields_of_the_http_api(terminal: Terminal) -> None:
    answer = json.loads(terminal.run("vmkerr", "bad0022", "--json").stdout)
    assert set(answer) == {"query", "kind", "matches", "differs", "note", "procedures", "suggestions", "advice"}
    assert (answer["query"], answer["kind"], answer["differs"]) == ("bad0022", "code", True)
    assert answer["matches"][0] == {
        "code": "0xbad0022",
        "hex": "0xbad0022",
        "decimal": 195887138,
        "name": "VMK_RESERVATION_CONFLICT",
        "errno": "EAGAIN",
        "description": "SCSI reservation conflict",
        "releases": ["esx-3.5"],
    }
    assert [(each["name"], each["where"], each["class"]) for each in answer["advice"]] == [
        ("VMK_RESERVATION_CONFLICT", "LUN", "reservation"),
        ("VMK_READ_ONLY", "LUN", "configuration"),
    ]


def test_a_near_miss_exits_with_1_and_suggests(terminal: Terminal) -> None:
    finished = terminal.run("vmkerr", "VMK_RESERVATION_CONFLIT")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert "Did you mean: VMK_RESERVATION_CONFLICT" in finished.stderr


@pytest.mark.parametrize(
    "typed", ["0xzz", "", "bad", "4" * 40, "😀", "x" * 10_000, "\x1b[2J", b"\xff\xfe", "-28999999999", "0x"]
)
def test_what_means_nothing_exits_with_1_and_a_plain_message(terminal: Terminal, typed: str | bytes) -> None:
    finished = terminal.run("vmkerr", typed)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.strip()
    assert "\x1b" not in finished.stderr


def test_a_failure_as_json_is_a_problem_on_standard_output(terminal: Terminal) -> None:
    unread = terminal.run("vmkerr", "0xzz", "--json")
    missing = terminal.run("vmkerr", "bad", "--json")
    assert (unread.returncode, missing.returncode) == (1, 1)
    assert json.loads(unread.stdout)["status"] == 400
    assert json.loads(missing.stdout)["status"] == 404
    assert json.loads(missing.stdout)["suggestions"]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["vmkerr"],
        ["vmkerr", "--nonsense"],
        ["vmkerr", "--release"],
        ["vmkerr", "--list", "0xbad0022"],
        ["vmkerr", "import"],
        ["vmkerr", "import", "listing.txt"],
        ["vmkerr", "import", "--release", "lab"],
        ["nonsense"],
        ["_secret"],
        ["../vmkerr"],
    ],
)
def test_wrong_usage_exits_with_2_and_says_where_the_usage_is(terminal: Terminal, words: list[str]) -> None:
    finished = terminal.run(*words)
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "--help" in finished.stderr


def test_help_names_every_command_and_version_the_product(terminal: Terminal) -> None:
    finished = terminal.run("--help")
    assert finished.returncode == 0
    for name in ("vmkerr", "serve", "worker", "bot", "backup", "jobs", "token", "doctor"):
        assert f"\n  {name} " in finished.stdout
    assert terminal.run("--version").stdout.startswith("vmkops ")
    assert "vmkops vmkerr import FILE" in terminal.run("vmkerr", "--help").stdout


def test_list_prints_what_vmkerrcode_prints(terminal: Terminal) -> None:
    finished = terminal.run("vmkerr", "--list", "--release", "3.5")
    assert finished.returncode == 0
    assert finished.stdout == listing("3.5")
    lines = finished.stdout.splitlines()
    assert lines[1].split() == ["Name", "Dec", "Hex", "errno", "equiv", "Description"]
    assert len(lines) == 3 + 242
    assert terminal.run("vmkerr", "--list", "--release", "4.1").returncode == 1


def test_list_without_a_release_prints_all_five_tables(terminal: Terminal) -> None:
    titles = [
        line for line in terminal.run("vmkerr", "--list").stdout.splitlines() if line.startswith("VMK_ReturnStatus")
    ]
    assert [title.split(":")[0].removeprefix("VMK_ReturnStatus table for ") for title in titles] == [
        "ESX 3.5",
        "ESXi 5.0",
        "ESXi 5.1",
        "ESXi 6.0",
        "DDK 2024",
    ]


def test_a_reader_that_has_seen_enough_is_no_error(terminal: Terminal) -> None:
    command = [sys.executable, "-m", "vmkops", "vmkerr", "--list"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=terminal.folder
    ) as running:
        assert running.stdout
        assert running.stderr
        assert running.stdout.readline().startswith("VMK_ReturnStatus table for ESX 3.5")
        running.stdout.close()
        assert running.stderr.read() == ""


def test_an_imported_listing_answers_from_then_on(terminal: Terminal) -> None:
    source = terminal.folder / "vmkerrcode_-l.txt"
    source.write_text(listing("3.5").replace("SCSI reservation conflict", "What this host means"))
    imported = terminal.run("vmkerr", "import", str(source), "--release", "ESX-4.1")
    assert imported.returncode == 0
    assert "242 codes of esx-4.1 imported into" in imported.stdout
    assert imported.stderr == ""
    answer = json.loads(terminal.run("vmkerr", "0xbad0022", "--release", "4.1", "--json").stdout)
    assert [match["description"] for match in answer["matches"]] == ["What this host means"]
    assert answer["note"] == ""
    again = terminal.run("vmkerr", "import", "-", "--release", "esx-4.1", stdin="VMK_OK 0 0 OK Fine\n")
    assert again.returncode == 0
    assert "Fine" in terminal.run("vmkerr", "0", "--release", "4.1").stdout


def test_a_damaged_listing_is_refused_by_line_and_nothing_is_kept(terminal: Terminal) -> None:
    damaged = listing("3.5").replace("195887138", "195887139")
    finished = terminal.run("vmkerr", "import", "-", "--release", "lab", stdin=damaged)
    assert finished.returncode == 1
    assert "line 38: 195887139 and 0xbad0022 are not the same number" in finished.stderr
    assert not (terminal.folder / "kept").exists()


def test_an_import_that_cannot_be_done_says_why(terminal: Terminal) -> None:
    source = terminal.folder / "listing.txt"
    source.write_text(listing("3.5"))
    for words, said in (
        (["nowhere.txt", "--release", "lab"], "nowhere.txt: No such file or directory"),
        ([str(terminal.folder), "--release", "lab"], "Is a directory"),
        ([str(source), "--release", "../../etc/lab"], "cannot be the name of a release"),
        ([str(source), "--release", "esxi-6.0"], "vmkops already has a table of esxi-6.0"),
    ):
        finished = terminal.run("vmkerr", "import", *words)
        assert finished.returncode == 1
        assert said in finished.stderr
    assert not (terminal.folder / "kept").exists()


def test_a_damaged_import_is_told_and_does_not_stop_lookups(terminal: Terminal) -> None:
    folder = terminal.folder / "kept" / "releases"
    folder.mkdir(parents=True)
    (folder / "lab.tsv").write_text("header\nnonsense\n")
    finished = terminal.run("vmkerr", "0xbad0001")
    assert finished.returncode == 0
    assert "lab.tsv is ignored" in finished.stderr


def test_lookup_without_a_named_service_imports_nothing_to_ask_one_with(tmp_path: Path) -> None:
    program = "import sys; from vmkops.__main__ import main; main(['vmkerr', '0xbad0022']); print(*sys.modules)"
    plain = {name: value for name, value in os.environ.items() if not name.startswith("VMKOPS_")}
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=plain, capture_output=True, text=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "knowledge.vmkerr.table" in loaded
    assert not loaded & {"aiohttp", "asyncio", "pydantic", "json", "argparse", "vmkops.commands._service"}


def test_json_is_written_as_the_json_module_does() -> None:
    value = {"a": [], "b": {}, "c": (1, True, None, 1.5, {"x": ["é\x00", '"\n']}), "": -3}

    assert _as_json(value, "\n") == json.dumps(value, indent=2)
