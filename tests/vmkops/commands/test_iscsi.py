"""``vmkops iscsi`` on a terminal: plain words, JSON on request, exit 0, 1 or 2."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from knowledge.iscsi import discovery
from vmkops.commands.iscsi import run

RUN = "import sys; from vmkops.commands.iscsi import run; sys.exit(run(sys.argv[1:]))"


def answer_of(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict[str, Any]]:
    code = run([*argv, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_valid_name_exits_0_and_json_has_the_contract_fields(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = answer_of(capsys, "validate", "iqn.2001-04.com.example:Disk1")
    assert code == 0
    assert answer["valid"] is True
    assert answer["type"] == "iqn"
    assert answer["normalized"] == "iqn.2001-04.com.example:disk1"
    assert answer["parts"]["naming_authority"] == "example.com"
    assert set(answer["problems"][0]) >= {"rule", "severity", "message"}


def test_invalid_name_exits_1_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "iqn.2001-13.com.example:disk1"]) == 1
    printed = capsys.readouterr().out
    assert "Month 13 does not exist" in printed
    assert "Invalid, but accepted by" in printed


def test_valid_name_that_some_refuse_says_who(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "naa.62004567ba64678d0123456789abcdef"]) == 0
    printed = capsys.readouterr().out
    assert "Valid, but refused by" in printed
    assert "targetcli" in printed


DISCOVERED = "192.0.2.42:3260,1 iqn.2003-01.org.linux-iscsi.igw.x86:sn.example"


def test_line_of_iscsiadm_is_named_and_its_name_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", DISCOVERED]) == 1
    printed = capsys.readouterr().out
    assert "a line of iscsiadm's discovery" in printed
    assert "did you mean  iqn.2003-01.org.linux-iscsi.igw.x86:sn.example" in printed
    code, answer = answer_of(capsys, "validate", DISCOVERED)
    assert code == 1
    assert answer["suggestions"] == ["iqn.2003-01.org.linux-iscsi.igw.x86:sn.example"]


def test_session_of_iscsiadm_suggests_its_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["address", f"tcp: [1] {DISCOVERED} (non-flash)"]) == 1
    printed = capsys.readouterr().out
    assert "did you mean  192.0.2.42:3260,iqn.2003-01.org.linux-iscsi.igw.x86:sn.example" in printed


def test_control_characters_of_a_name_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "iqn.2001-04.com.example:\x1b[31mred"]) == 1
    assert "\x1b" not in capsys.readouterr().out


def test_name_that_is_not_utf_8_is_an_answer_from_outside() -> None:
    done = subprocess.run([sys.executable, "-c", RUN, "validate", b"iqn.\xff\xfe"], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"prohibited-character" in done.stdout
    assert done.stderr == b""


def test_address_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = answer_of(capsys, "address", "[2001:db8::10],iqn.2001-04.com.example")
    assert code == 0
    assert (answer["host"], answer["port"], answer["name"]) == ("2001:db8::10", 3260, "iqn.2001-04.com.example")


def test_broken_address_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["address", "host:99999"]) == 1
    assert "a port is a number from 1 to 65535" in capsys.readouterr().out


def test_built_name_stands_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["build", "iqn", "--domain", "example.io", "--date", "2001-04", "--string", "x"])
    captured = capsys.readouterr()
    assert (code, captured.out) == (0, "iqn.2001-04.io.example:x\n")


def test_refused_build_exits_1_with_its_rule(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = answer_of(capsys, "build", "naa", "--hex", "62004567BA64678D")
    assert code == 1
    assert answer["problems"][0]["rule"] == "naa-type-length"


@pytest.mark.parametrize(("alias", "code"), [("x" * 255, 0), ("x" * 256, 1)])
def test_alias_is_counted(capsys: pytest.CaptureFixture[str], alias: str, code: int) -> None:
    assert run(["alias", alias]) == code
    assert f"{len(alias)} characters" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["validate"], ["build", "nqn"], ["validate", "a", "b"], ["nonsense"]])
def test_wrong_usage_exits_2_with_the_mend_on_stderr(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert run(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("vmkops iscsi")
    assert "--help" in captured.err


def test_help_exits_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "vmkops iscsi validate" in capsys.readouterr().out


def test_three_mechanisms_each_say_what_they_need_and_what_esx_supports(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, answer = answer_of(capsys, "discovery")
    assert code == 0
    assert [mechanism["slug"] for mechanism in answer["mechanisms"]] == [
        "static",
        "sendtargets",
        "zero-configuration",
    ]
    for mechanism in answer["mechanisms"]:
        assert mechanism["needs"]
        assert {support["release"] for support in mechanism["support"]} == {"esx-3", "esxi-today"}
        assert all(support["certainty"] and support["source"] for support in mechanism["support"])
    assert "SCSI protocol" in answer["note"]


def test_zero_configuration_was_not_in_the_first_esx_3() -> None:
    zero = discovery().mechanisms[-1]
    assert {support.release: support.supported for support in zero.support} == {"esx-3": False, "esxi-today": False}
    assert zero.also_called == ("SLP", "iSNS")


def test_discovery_prints_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["discovery"]) == 0
    printed = capsys.readouterr().out
    assert "vmkiscsi-tool -D -a" in printed
    assert "esxcli iscsi adapter discovery sendtarget add" in printed
