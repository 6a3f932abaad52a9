"""Placeholders in the commands of a page are filled in, quoted for the language of their block, or stay."""

from __future__ import annotations

import json
import shlex
import subprocess
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.procedure_store.live_blocks import filled_body
from knowledge.procedure_store.placeholders import in_capitals, targets_in, with_targets

ODD = 'web 01\'s $(reboot) "x" `y`'


@pytest.mark.parametrize(
    ("language", "line", "filled"),
    [
        ("powershell", "Get-VM -Name VM", "Get-VM -Name web-01"),
        ("powershell", "(Get-VM -Name VM).ExtensionData", "(Get-VM -Name web-01).ExtensionData"),
        ("powershell", "Get-VM | Stop-VM -VM VM -RunAsync:$VM", "Get-VM | Stop-VM -VM web-01 -RunAsync:$VM"),
        ("powershell", "Get-Log -VMHost HOST", "Get-Log -VMHost esx-01"),
        ("sh", "ssh root@HOST ls /x/DATASTORE/VM/VM.vmx", "ssh root@esx-01 ls /x/ds1/web-01/web-01.vmx"),
        ("sh", "vmkops action restore B name=VM-restored", "vmkops action restore B name=web-01-restored"),
        ("sh", "networks='VM Network=Lab' VMS VMFS VM=x HOSTNAME", "networks='VM Network=Lab' VMS VMFS VM=x HOSTNAME"),
        ("sh", "ls VM  # the VM", "ls web-01  # the VM"),
        ("sh", "# stop the VM", "# stop the VM"),
        ("text", "-a name:<VM> on HOST", "-a name:<VM> on esx-01"),
        ("yaml", "host: HOST", "host: esx-01"),
        ("", "{vm} on {host}, {cluster}", "web-01 on esx-01, {cluster}"),
    ],
)  # fmt: skip
def test_whole_words_are_filled_in_by_their_kind(language: str, line: str, filled: str) -> None:
    targets = {"vm": "web-01", "host": "esx-01", "datastore": "ds1"}

    assert with_targets(line, targets, language) == filled
    assert with_targets(line, {"vm": "", "host": ""}, language) == line


@pytest.mark.parametrize(
    ("language", "line", "name", "filled"),
    [
        ("powershell", "Get-VM -Name VM", "a b's", "Get-VM -Name 'a b''s'"),
        ("powershell", "Get-VM -Name VM", "a\u2019b", "Get-VM -Name 'a\u2019\u2019b'"),
        ("powershell", "Get-VM 'VM'", "a b's", "Get-VM 'a b''s'"),
        ("powershell", 'Get-VM "VM"', 'a "$x"', 'Get-VM "a `"`$x`""'),
        ("powershell", "Get-VM x/VM", "a b", "Get-VM x/VM"),
        ("powershell", "Get-VM VM", "web*", "Get-VM VM"),
        ("powershell", "Get-VM VM", "-Name", "Get-VM VM"),
        ("sh", "ls '/x/VM'", "a b's", "ls '/x/a b'\\''s'"),
        ("sh", 'ls "/x/VM"', 'a "$x"', 'ls "/x/a \\"\\$x\\""'),
        ("sh", 'ls "/x/VM"', "a!b c", 'ls "/x/VM"'),
        ("sh", "ssh root@x ls VM", "$(reboot)", "ssh root@x ls VM"),
        ("sh", "ls VM", "-rf", "ls VM"),
        ("json", '{"vm": "VM"}', 'a"b', '{"vm": "VM"}'),
        ("text", "VM", "```", "VM"),
    ],
)
def test_name_is_quoted_for_the_language_or_the_placeholder_stays(
    language: str, line: str, name: str, filled: str
) -> None:
    assert with_targets(line, {"vm": name}, language) == filled


@pytest.mark.parametrize("selector", ["moref:vm-42", "lab/web-01", "uuid:42", "ipaddr:10.0.0.1", "lab/moref:vm-1"])
def test_selector_that_is_no_name_is_for_vmkops_only(selector: str) -> None:
    assert with_targets("Get-VM -Name VM", {"vm": selector}, "powershell") == "Get-VM -Name VM"
    assert with_targets("vmkops vm VM", {"vm": selector}, "sh") == f"vmkops vm {selector}"
    assert with_targets("vmkops vm {vm}", {"vm": selector}) == f"vmkops vm {selector}"
    assert with_targets("Get-VM -Name VM", {"vm": "name:web-01"}, "powershell") == "Get-VM -Name web-01"


@given(st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=12))
def test_any_name_is_one_word_of_a_shell_or_the_placeholder_stays(name: str) -> None:
    for line in ("x VM y", "x 'VM' y"):
        filled = with_targets(line, {"vm": name}, "sh")
        value = name.removeprefix("name:")
        assert shlex.split(filled) in (["x", value, "y"], ["x", "VM", "y"])


def test_shell_reads_a_filled_command_as_one_word() -> None:
    for line in ("VM", "'VM'", '"VM"', "/x/VM/y"):
        command = with_targets(f"printf %s {line}", {"vm": ODD}, "sh")
        printed = subprocess.run(["sh"], input=command, capture_output=True, text=True, check=True, timeout=60).stdout
        assert printed == line.strip("'\"").replace("VM", ODD), json.dumps(command)


def test_each_block_of_a_page_is_filled_in_for_its_language() -> None:
    body = "Stop the VM:\n\n```powershell\nStop-VM -VM VM\n```\n\n1. ```sh\n   ls VM\n   ```\n"

    assert filled_body(body, {"vm": "a b"}, lambda _: "") == (
        "Stop the VM:\n\n```powershell\nStop-VM -VM 'a b'\n```\n\n1. ```sh\n   ls 'a b'\n   ```\n"
    )
    assert targets_in(body) == ("vm",)
    assert targets_in("the VM on a HOST\n```vmkops\nvmkops datastore {datastore}\n```") == ("datastore",)


def test_placeholder_without_a_target_is_a_word_in_capitals() -> None:
    assert in_capitals("vmkops vm {vm} {host} {datastore} {cluster}") == "vmkops vm VM HOST DATASTORE {cluster}"


def test_hostile_line_takes_no_longer_than_a_page() -> None:
    began = time.monotonic()
    with_targets("VM ' " * 60_000, {"vm": "a b"}, "sh")
    assert time.monotonic() - began < 10
