"""`vmkops vmx` from outside: exit codes, text that can be piped, JSON."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from vmkops.commands.vmx import run

SOUND = """config.version = "8"
virtualHW.version = "7"
displayName = "fileserver"
guestOS = "rhel5-64"
floppy0.present = "FALSE"
tools.syncTime = "FALSE"
"""
PATH = "path=/vmfs/volumes/a/pipe"


@pytest.fixture
def vmx(tmp_path: Path) -> str:
    file = tmp_path / "fs.vmx"
    file.write_text(SOUND)
    return str(file)


def vmkops(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = "import sys; from vmkops.commands.vmx import run; sys.exit(run(sys.argv[1:]))"
    return subprocess.run([sys.executable, "-c", program, *words], input=stdin, capture_output=True, check=False)


def test_the_catalogue_lists_each_snippet_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["snippets"]) == 0
    out = capsys.readouterr().out
    assert "serial-pipe: " in out
    assert "far_end= " in out
    assert run(["snippets", "--json"]) == 0
    names = [snippet["name"] for snippet in json.loads(capsys.readouterr().out)["snippets"]]
    assert {"serial-pipe", "tools-timesync", "scsi-controller", "nic", "cdrom-iso", "boot-order"} <= set(names)


def test_a_snippet_on_standard_output_is_only_what_to_paste() -> None:
    done = vmkops("snippet", "serial-pipe", PATH, "--end", "client")
    assert done.returncode == 0
    assert done.stdout.decode().splitlines()[4] == 'serial0.pipe.endPoint = "client"'
    assert b"service console" in done.stderr
    assert b"note" not in done.stdout


def test_a_snippet_as_json_has_both_ends(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["snippet", "serial-pipe", PATH, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert set(answer["texts"]) == {"server", "client"}
    assert answer["notes"]


def test_a_snippet_for_a_vmx_takes_its_free_slot(vmx: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(vmx).write_text(SOUND + 'serial0.present = "TRUE"\n')
    assert run(["snippet", "serial-file", "path=a.log", "--into", vmx]) == 0
    assert capsys.readouterr().out.startswith("serial1.present")


def test_an_unknown_snippet_exits_1_with_a_near_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["snippet", "serial-pip"]) == 1
    assert "Did you mean serial-pipe" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["frobnicate"],
        ["snippet"],
        ["snippet", "serial-pipe"],
        ["snippet", "serial-pipe", "path"],
        ["snippet", "serial-pipe", PATH, PATH],
        ["snippet", "serial-pipe", 'path=/a"\nevil = "1'],
        ["snippet", "serial-pipe", PATH, "--end", "middle"],
        ["snippet", "nic", "type=token-ring"],
        ["lint"],
        ["lint", "/nowhere/at/all.vmx"],
        ["merge", "/nowhere/at/all.vmx"],
        ["snippets", "--frob"],
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_wrong(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err


def test_help_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert run(["lint", "--help"]) == 0
    assert "vmkops vmx lint" in capsys.readouterr().out


def test_an_error_as_json_has_suggestions(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["snippet", "nic", "typ=e1000", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["suggestions"] == ["type"]


def test_a_sound_vmx_exits_0(vmx: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", vmx]) == 0
    assert capsys.readouterr().out == f"{vmx}: valid (0 errors, 0 warnings, 0 info)\n"


@pytest.mark.parametrize("version", ["99", "5", "3"])
def test_a_hardware_version_that_no_current_host_runs_is_in_the_verdict(
    vmx: str, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = Path(vmx).read_text().splitlines()
    kept = [line for line in lines if not line.startswith("virtualHW.version")]
    Path(vmx).write_text("\n".join([*kept, f'virtualHW.version = "{version}"', ""]))

    assert run(["lint", vmx]) == 0
    verdict = capsys.readouterr().out.splitlines()[-1]
    assert verdict.startswith(f"{vmx}: valid, but no current host is known to run its hardware version (0 errors, 1 ")


def test_a_vmx_with_curly_quotes_exits_1_and_shows_the_mend() -> None:
    done = vmkops("lint", "-", stdin=(SOUND + "serial0.present = “true”\n").encode())
    assert done.returncode == 1
    assert '    serial0.present = "true"' in done.stdout.decode()


def test_lint_as_json_has_the_fields_of_the_contract(vmx: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(vmx).write_bytes(b"\x00\xff\xfe binary\n" * 50)
    assert run(["lint", vmx, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["valid"] is False
    assert set(answer["findings"][0]) == {"rule", "severity", "where", "message", "fix"}


def test_lint_against_the_far_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        assert run(["snippet", "serial-pipe", PATH, "--end", "server"]) == 0
        (tmp_path / name).write_text(SOUND + capsys.readouterr().out)
    assert run(["lint", str(tmp_path / "one"), "--far-end", str(tmp_path / "two")]) == 1
    assert "both the server" in capsys.readouterr().out


def test_merge_prints_a_diff_and_leaves_the_file_alone(vmx: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["merge", vmx, "--snippet", "tools-timesync", "enabled=true"]) == 0
    shown = capsys.readouterr()
    assert '-tools.syncTime = "FALSE"\n+tools.syncTime = "TRUE"\n' in shown.out
    assert "replaced on line 6: tools.syncTime" in shown.err
    assert Path(vmx).read_text() == SOUND


def test_merge_of_an_end_as_json(vmx: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["merge", vmx, "--snippet", "serial-pipe", PATH, "--end", "client", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["end"] == "client"
    assert 'serial0.pipe.endPoint = "client"' in answer["text"]
    assert answer["diff"].startswith("--- ")


def test_a_replaced_key_is_reported_in_json(vmx: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["merge", vmx, "--snippet", "tools-timesync", "enabled=true", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["replaced"] == [{"key": "tools.syncTime", "line": 6, "old": "FALSE", "new": "TRUE"}]
    assert answer["added"] == ["tools.timeSync"]


def test_merge_into_bytes_that_are_no_text_exits_1(vmx: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(vmx).write_bytes(b'.encoding = "UTF-8"\na = "\xff"\n')
    assert run(["merge", vmx, "--snippet", "tools-timesync"]) == 1
    assert "not text in its encoding" in capsys.readouterr().err
