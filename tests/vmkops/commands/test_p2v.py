"""``vmkops p2v`` as it is typed."""

import json
import subprocess
import sys

import pytest

from vmkops.commands.p2v import run

SOURCE = ["--distribution", "centos", "--version", "4", "--disk", "sda:39070080", "--target-ip", "10.4.1.3"]


def test_checklist_is_printed_with_the_exact_commands() -> None:
    call = "import sys; from vmkops.commands.p2v import run; sys.exit(run(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", call, "checklist", *SOURCE, "--lvm", "--port", "9005"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "        nc -l -p 9005 | dd of=/dev/sda\n" in done.stdout
    assert "        dd if=/dev/sda | nc 10.4.1.3 9005\n" in done.stdout
    assert "--with=mptscsih" in done.stdout


def test_checklist_answers_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["checklist", *SOURCE, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["known"] is True
    assert [phase["id"] for phase in answer["phases"]][:2] == ["tools", "preparation"]


def test_unknown_distribution_is_answered_and_not_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["checklist", "--distribution", "nobodyknows"]) == 0
    printed = capsys.readouterr()
    assert "nobodyknows is not known here, so these are the general steps" in printed.out
    assert printed.err == ""


def test_estimate_reproduces_the_documented_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["estimate", "--blocks", "39070080", "--rate", "14.3"]) == 0
    printed = capsys.readouterr().out
    assert "39070080 blocks = 38154.375 MB = 37.260 GB" in printed
    assert "44 min 28 s at 14.3 MB/s" in printed


def test_estimate_takes_a_size_with_its_unit(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["estimate", "--size", "36GB", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["blocks"] == 35156250


def test_tools_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tools"]) == 0
    assert "no      EZP2V\n" in capsys.readouterr().out
    assert run(["tools", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[-2]["id"] == "dd-netcat"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "COMMAND"),
        (["checklist"], "--distribution"),
        (["checklist", *SOURCE, "--disk", "sdb1"], "whole disk, sdb"),
        (["checklist", *SOURCE, "--target-ip", "10.4.1.3; id"], "not an IP address"),
        (["checklist", *SOURCE, "--port", "0"], "1 to 65535"),
        (["checklist", *SOURCE, "--netcat", "socat"], "one of traditional, openbsd, ncat"),
        (["estimate"], "--blocks"),
        (["estimate", "--blocks", "36GB"], "use --size"),
        (["estimate", "--blocks", "-1"], "not a number of blocks"),
        (["estimate", "--size", "36XB"], "36GB, 36GiB"),
        (["estimate", "--size", "36GB", "--rate", "0"], "not a rate"),
    ],
)
def test_wrong_use_says_what_to_give(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert said in capsys.readouterr().err


def test_help_is_not_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "vmkops p2v estimate --size 36GB" in capsys.readouterr().out
