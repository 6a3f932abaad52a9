"""`vmkops kb` from outside: what it prints and how it exits."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from knowledge.procedure_store.folders import BUILT_IN
from vmkops.commands.kb import run

PAGE = """---
title: Fan failed
summary: What to do when a fan fails.
subjects: [hardware]
applies_to: [any]
source: [ours]
---
## When
The turbine stands, see [the backup](backup-failed.md).
## Before
x
## Steps
x
## Check
x
## Undo
x
"""


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VMKOPS_PROCEDURES_DIR", str(tmp_path))
    (tmp_path / "fan.md").write_text(PAGE)
    return tmp_path


def kb(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = "import sys; from vmkops.commands.kb import run; sys.exit(run(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**os.environ, "VMKOPS_PROCEDURES_DIR": str(folder)},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_broken_built_in_page_does_not_keep_the_pages_of_the_team_from_being_checked(
    team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built_in = tmp_path / "built-in"
    shutil.copytree(BUILT_IN, built_in)
    (built_in / "vi-sdk.md").write_text("no front matter")
    monkeypatch.setattr("knowledge.procedure_store.folders.BUILT_IN", built_in)
    assert run(["check"]) == 0
    assert capsys.readouterr().out == f"{team}: 1 page, 0 problems\n"


def test_words_find_pages_of_the_team_beside_the_built_in_ones(team: Path) -> None:
    found = kb("turbine", folder=team)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.splitlines()[0] == "fan  Fan failed (team)"
    assert "    … When The turbine stands" in found.stdout
    assert kb("resevation", "conflict", folder=team).stdout.startswith("scsi-reservation-conflict  SCSI")


def test_words_that_no_page_has_exit_with_one_and_say_what_was_searched_and_how_to_write_a_page(team: Path) -> None:
    nothing = kb("zzzzqqq", folder=team)
    assert nothing.returncode == 1
    assert re.search(rf"Searched \d+ pages in {re.escape(str(BUILT_IN))} and {re.escape(str(team))}\.", nothing.stderr)
    assert "vmkops kb template" in nothing.stderr
    assert "VMKOPS_PROCEDURES_DIR" in nothing.stderr
    assert "vmkops kb list" in nothing.stderr
    assert nothing.stdout == ""


def test_a_weak_match_is_called_one(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["coffee", "turbine", "cappuccino"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "No procedure fits these words well. The nearest ones:",
        "fan  Fan failed (team, weak match)",
    ]
    assert run(["fan", "failed"]) == 0
    assert "weak" not in capsys.readouterr().out.splitlines()[0]
    assert run(["coffee", "turbine", "cappuccino", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["weak"] is True


def test_a_code_leads_to_its_lookup_above_the_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["vmotion", "fails", "195887371"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "vmkops vmkerr 195887371"
    assert "VMK_VMOTION_CONNECT_FAILED" in printed[1]
    assert printed[2].startswith("vmotion-failed  ")
    assert run(["H:0x5 D:0x0 P:0x0"]) == 0
    assert "echo 'H:0x5 D:0x0 P:0x0' | vmkops decode\n    host 0x5 ABORT" in capsys.readouterr().out


def test_a_code_that_no_page_names_leads_to_the_page_about_all_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["0xbad0014"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == ["vmkops vmkerr 0xbad0014", "    0xbad0014 Out of memory (VMK_NO_MEMORY)"]
    assert printed[2].startswith("vmkernel-status-codes  ")
    assert run(["0xbad0014", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["searched"]["pages"] > 0
    assert [(each["command"], each["query"], each["procedures"]) for each in answer["lookups"]] == [
        ("vmkerr", "0xbad0014", ["vmkernel-status-codes"])
    ]


def test_results_as_json_have_the_names_of_the_http_answer(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--json", "snapshot", "left"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["query"] == "snapshot left"
    assert answer["results"][0]["slug"] == "snapshot-left-behind"
    assert {"slug", "title", "summary", "snippet", "score"} <= answer["results"][0].keys()
    assert run(["--json", "zzzzqqq"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["results"] == []
    assert answer["searched"]["folders"] == [str(BUILT_IN), str(team)]


def test_show_prints_a_page_with_its_source_and_that_it_is_obsolete(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "vcb-troubleshooting"]) == 0
    shown = capsys.readouterr().out
    assert "OBSOLETE since vSphere 4.0 (2009): " in shown
    assert "Source: VMware field notes" in shown
    assert "## Steps" in shown
    assert run(["show", "linux-p2v", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["body"].startswith("## When\n")


def test_show_says_that_the_teams_page_stands_in_for_a_built_in_one(
    team: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (team / "linux-p2v.md").write_text(PAGE)
    assert run(["show", "linux-p2v"]) == 0
    assert f"shown instead of the built-in one: {team / 'linux-p2v.md'}" in capsys.readouterr().out


def test_show_of_an_unknown_page_names_near_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "snapshot"]) == 1
    assert "snapshot-left-behind" in capsys.readouterr().err
    assert run(["show", "snapshot", "--json"]) == 1
    assert "snapshot-left-behind" in json.loads(capsys.readouterr().out)["suggestions"]


def test_show_of_a_broken_page_says_what_is_wrong_with_it(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (team / "fan.md").write_text(PAGE.replace("title:", "titel:"))
    assert run(["show", "fan"]) == 1
    assert "fan.md:2: unknown key 'titel'; did you mean 'title'?" in capsys.readouterr().err


def test_list_has_every_page(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "--json"]) == 0
    slugs = {page["slug"] for page in json.loads(capsys.readouterr().out)["results"]}
    assert slugs == {file.stem for file in BUILT_IN.glob("[a-z]*.md")} | {"fan"}


def test_check_finds_nothing_in_a_folder_that_is_right(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(team)]) == 0
    assert capsys.readouterr().out == f"{team}: 1 page, 0 problems\n"
    assert run(["check", str(BUILT_IN)]) == 0


def test_check_names_every_problem_by_file_and_line(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (team / "fan.md").write_text(PAGE.replace("backup-failed.md", "nowhere.md"))
    (team / "pump.md").write_text(PAGE.replace("## Undo", "## Back"))
    assert run(["check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{team}/fan.md:9: links to nowhere.md, which does not exist",
        f"{team}/pump.md:17: the section '## Undo' is missing: if there is nothing to do, write that",
        f"{team}: 2 pages, 2 problems",
    ]
    assert run(["check", "--json"]) == 1
    assert [one["line"] for one in json.loads(capsys.readouterr().out)["broken"]] == [9, 17]


def test_broken_pages_are_mentioned_and_do_not_stop_a_search(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (team / "pump.md").write_text("no page")
    assert run(["turbine"]) == 0
    assert "vmkops kb check" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["--json"], [" "], ["--limit", "3"], ["check", "/nowhere/at/all"]])
def test_wrong_use_exits_with_two_and_says_how(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(argv) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "vmkops kb" in printed.err


@pytest.mark.parametrize("word", ["-h", "--help", "help"])
def test_help_prints_the_usage(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([word]) == 0
    assert capsys.readouterr().out.startswith("usage: vmkops kb WORDS")


def test_signs_in_the_words_are_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(['"snapshot*', "AND", "(left", "-28"]) == 0
    assert capsys.readouterr().out.startswith("snapshot-left-behind")


def test_template_is_a_page_to_fill_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["template", "alert"]) == 0
    (tmp_path / "my-alert.md").write_text(capsys.readouterr().out)
    assert run(["check", str(tmp_path)]) == 1
    assert f"{tmp_path}/my-alert.md:4: the words of the template are still here" in capsys.readouterr().out
    assert run(["template"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "alert",
        "failure",
        "maintenance",
        "reference",
    ]
    assert run(["template", "essay"]) == 2
    assert "alert, failure, maintenance, reference" in capsys.readouterr().err


def test_import_writes_pages_into_the_folder_of_the_team(team: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (team / "notes").mkdir()
    (team / "notes" / "PumpFailed.md").write_text("# PumpFailed\n\nThe pump stands.\n\n## Fix\n\n1. `reboot`\n")
    assert run(["import", str(team / "notes")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        f"{team}/pump-failed.md  from {team}/notes/PumpFailed.md\n    a command stops the machine"
    )
    assert printed.endswith("1 page imported, 0 problems\n")
    assert run(["check"]) == 0
    capsys.readouterr()
    assert run(["show", "pump-failed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"] == "The pump stands."


def test_import_reports_what_it_cannot_read_and_exits_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.md").write_bytes(b"# a\n\n\xff")
    assert run(["import", str(tmp_path / "bad.md"), "--into", str(tmp_path / "pages"), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["imported"], answer["failed"][0]["line"]) == ([], 3)
    assert run(["import", str(tmp_path / "bad.md"), f"--into={tmp_path / 'pages'}"]) == 1
    assert f"{tmp_path}/bad.md:3: byte 0xff is not UTF-8" in capsys.readouterr().err


def test_import_without_a_folder_of_pages_or_of_a_missing_file_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("VMKOPS_PROCEDURES_DIR", raising=False)
    (tmp_path / "a.md").write_text("# a\n\nb\n")
    assert run(["import", str(tmp_path / "a.md")]) == 2
    assert "--into" in capsys.readouterr().err
    assert run(["import", str(tmp_path / "gone"), "--into", str(tmp_path)]) == 2
    assert "gone: No such file or directory" in capsys.readouterr().err
    assert run(["import", str(tmp_path / "a.md"), "--into"]) == 2
    assert run(["show", "linux-p2v", "--into", "x"]) == 2


def test_word_after_import_that_is_no_file_is_searched(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "ovf"]) == 0
    assert capsys.readouterr().out.startswith("ovf-")


def test_show_without_a_name_says_so_and_names_some(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "show needs the name of a procedure" in printed.err
    assert "all-paths-down, " in printed.err
    assert run(["show", "--datastore", "ds1"]) == 2
    printed = capsys.readouterr()
    assert "about a datastore" in printed.err
    assert "datastore-full" in printed.err


def test_import_without_a_file_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import"]) == 2
    assert "name the file or the folder to import" in capsys.readouterr().err


def test_show_has_placeholders_in_capitals_and_how_to_fill_them_in(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", "vm-stuck-at-95-percent"]) == 0
    shown = capsys.readouterr().out
    assert "{vm}" not in shown
    assert "vmkops vm VM\n" in shown
    assert "In the commands, replace VM and DATASTORE, or fill in: vmkops kb show vm-stuck-at-95-percent --vm " in shown


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("shwo consolidation-needed", "vmkops kb show consolidation-needed"),
        ("shwo consolidation-neded", "vmkops kb show consolidation-needed"),
        ("lst", "vmkops kb list"),
        ("lost access", ""),
        ("show stopper", ""),
        ("template lost", ""),
    ],
)
def test_misspelt_subcommand_is_searched_for_and_named(tmp_path: Path, words: str, meant: str) -> None:
    done = kb(*words.split(), folder=tmp_path)

    hint = f"vmkops kb: these words were searched for. Did you mean {meant}?\n" if meant else ""
    assert done.stderr.startswith(hint)
    assert ("these words were searched for" in done.stderr) is bool(meant)
