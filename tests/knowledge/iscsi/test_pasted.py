"""A pasted line of iscsiadm, esxcli or PowerShell is no name, but the name and the address in it are suggested."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.iscsi import parse_address, validate
from knowledge.iscsi.pasted import recognize

NAME = "iqn.2003-01.org.linux-iscsi.igw.x86:sn.example"
LINES = [
    (f"192.0.2.42:3260,1 {NAME}", "iscsiadm's discovery"),
    (f"[2001:db8::42]:3260,1 {NAME}", "iscsiadm's discovery"),
    (f"192.0.2.42:3260,-1 {NAME}", "iscsiadm's discovery"),
    (f"tcp: [1] 192.0.2.42:3260,1 {NAME} (non-flash)", "iscsiadm -m session"),
    (f"iser: [12] 192.0.2.42:3260,1 {NAME}", "iscsiadm -m session"),
    (f"iscsiadm -m node -T {NAME} -p 192.0.2.42 --login", "a command of iscsiadm"),
    (f"# iscsiadm --mode node --targetname={NAME}", "a command of iscsiadm"),
    (f"sudo iscsiadm -m node -p 192.0.2.42:3260 -T '{NAME}'", "a command of iscsiadm"),
    (f"esxcli iscsi adapter discovery statictarget add -A vmhba64 -a 192.0.2.42 -n {NAME}", "a command of esxcli"),
    (f"Target: {NAME} (non-flash)", "the target of a session"),
    (f"   Target: {NAME}", "the target of a session"),
    (f"node.name = {NAME}", "node record"),
    (f"iface.initiatorname = {NAME}", "interface record"),
    (f"InitiatorName={NAME}", "initiatorname.iscsi"),
    (f"vmhba64  {NAME}  192.0.2.42  3260  1034", "esxcli iscsi adapter target portal list"),
    (f"vmhba33  {NAME}  0  SENDTARGETS  No Error", "esxcli iscsi adapter target list"),
    (f"vmhba64  192.0.2.42:3260  {NAME}", "statictarget list"),
    (f"vmhba64,{NAME},00023d000001", "esxcli iscsi session list"),
    (f"vmhba64  iscsi_vmk  online  {NAME}  iSCSI Software Adapter", "esxcli iscsi adapter list"),
    (f"Target: IQN={NAME} Alias= Session=00023d000001 PortalTag=1034", "esxcfg-mpath"),
    (f"vmhba64:C0:T1:L0 LUN:0 state:active iscsi Adapter: {NAME}", "esxcfg-mpath"),
    (f"       True {NAME}", "Get-IscsiTarget"),
    (f"False {NAME}  server01", "Get-IscsiTarget"),
    (f"NodeAddress : {NAME}", "PowerShell"),
    (f"InitiatorNodeAddress   : {NAME}", "PowerShell"),
    (f"    Target Name          : {NAME}", "iscsicli"),
    (f'target_iqn: "{NAME}"', "a setting"),
]


@pytest.mark.parametrize(("line", "what"), LINES)
def test_line_of_a_tool_is_no_name_but_names_the_tool_and_suggests_the_name(line: str, what: str) -> None:
    verdict = validate(line)
    assert not verdict.valid
    assert (verdict.suggestion, verdict.suggestions) == (NAME, (NAME,))
    (remark,) = verdict.problems
    assert (remark.rule, remark.severity) == ("pasted-line", "error")
    assert what in remark.message
    assert (verdict.normalized, verdict.parts, verdict.accepted_by) == (None, None, ())


@pytest.mark.parametrize(
    "name", ["eui.02004567a425678d", "naa.52004567ba64678d", "naa.62004567ba64678d0123456789abcdef"]
)
def test_names_of_every_type_are_found(name: str) -> None:
    assert validate(f"192.0.2.42:3260,1 {name}").suggestion == name


def test_pasted_name_is_prepared_but_not_corrected() -> None:
    assert validate("192.0.2.42:3260,1 iqn.2001-04.com.example:Disk1").suggestion == "iqn.2001-04.com.example:disk1"
    with_underscore = validate("192.0.2.42:3260,1 iqn.2001-04.com.example:my_disk")
    assert with_underscore.suggestion is None
    assert [problem.rule for problem in with_underscore.problems] == ["pasted-line", "prohibited-character"]
    assert "'_'" in with_underscore.problems[1].message


@pytest.mark.parametrize("line", [line.replace(NAME, "iqn.2003-13.com.example:x_y") for line, _ in LINES])
def test_only_the_problems_of_the_name_in_a_line_are_reported(line: str) -> None:
    verdict = validate(line)
    own = validate("iqn.2003-13.com.example:x_y")
    assert verdict.problems[1:] == own.problems
    assert not verdict.valid


def test_the_problems_of_several_names_say_which_name_has_them() -> None:
    output = (
        "Target: iqn.2001-04.com.example:a_b\nTarget: iqn.2001-04.com.example:good\nTarget: iqn.2001-04.com.example:c_d"
    )
    remark, *problems = validate(output).problems
    assert "Each name in it is checked." in remark.message
    assert [problem.message.partition(": ")[0] for problem in problems] == [
        "iqn.2001-04.com.example:a_b", "iqn.2001-04.com.example:c_d",
    ]  # fmt: skip


def test_only_the_problems_of_the_address_in_a_line_are_reported() -> None:
    line = "tcp: [1] 192.0.2.42:3260,1 iqn.2001-04.com.example:a_b (non-flash)"
    verdict = parse_address(line)
    assert verdict.problems[1:] == parse_address("192.0.2.42:3260,iqn.2001-04.com.example:a_b").problems
    assert (verdict.host, verdict.port, verdict.name) == (None, None, None)


def test_whole_output_suggests_each_name_once() -> None:
    output = f"""Adapter  Target  IP  Port  Tpgt
-------  ------  --  ----  ----
vmhba64  {NAME}  192.0.2.42  3260  1
vmhba64  {NAME}  192.0.2.43  3260  1
vmhba64  eui.02004567A425678D  192.0.2.44  3260  2
"""
    verdict = validate(output)
    assert verdict.suggestions == (NAME, "eui.02004567a425678d")
    assert "3 lines of output" in verdict.problems[0].message
    assert parse_address(output).suggestions == (
        f"192.0.2.42:3260,{NAME}",
        f"192.0.2.43:3260,{NAME}",
        "192.0.2.44:3260,eui.02004567A425678D",
    )


def test_row_without_a_name_is_recognized_without_a_suggestion() -> None:
    verdict = validate("vmhba64  172.16.4.100:3260")
    assert verdict.suggestions == ()
    (remark,) = verdict.problems
    assert "sendtarget list" in remark.message


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (f"tcp: [1] 192.0.2.42:3260,1 {NAME} (non-flash)", f"192.0.2.42:3260,{NAME}"),
        (f"tcp: [1] [2001:db8::42]:3260,1 {NAME}", f"[2001:db8::42]:3260,{NAME}"),
        (f"vmhba64  {NAME}  192.0.2.42  3260  1034", f"192.0.2.42:3260,{NAME}"),
        (f"vmhba64  192.0.2.42:3260  {NAME}", f"192.0.2.42:3260,{NAME}"),
        ("vmhba64  172.16.4.100:3260", "172.16.4.100:3260"),
    ],
)
def test_line_with_a_portal_is_no_address_but_suggests_it(line: str, address: str) -> None:
    verdict = parse_address(line)
    assert not verdict.valid
    assert verdict.suggestions == (address,)
    assert [problem.rule for problem in verdict.problems] == ["pasted-line"]
    assert parse_address(address).valid


def test_line_without_a_portal_suggests_no_address() -> None:
    verdict = parse_address(f"node.name = {NAME}")
    assert verdict.suggestions == ()
    assert verdict.problems[0].rule == "pasted-line"


@pytest.mark.parametrize(
    "text",
    [
        NAME,
        "iqn.2001-04.com.example:disk 1",
        "the target iqn.2001-04.com.example:disk is down",
        "192.0.2.42:3260",
        "vmhba64",
        "",
    ],
)
def test_other_text_is_no_line_of_a_tool(text: str) -> None:
    assert recognize(text) == []
    assert "pasted-line" not in [problem.rule for problem in validate(text).problems]


@given(text=st.text(max_size=60) | st.sampled_from([line for line, _ in LINES]).flatmap(lambda line: st.just(line * 3)))
def test_any_text_gets_an_answer_and_every_suggestion_is_valid(text: str) -> None:
    assert all(validate(name).valid for name in validate(text).suggestions)
    assert all(parse_address(address).valid for address in parse_address(text).suggestions)
