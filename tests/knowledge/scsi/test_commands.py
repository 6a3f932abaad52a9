"""The names of SCSI commands, compared with those that sg_decode_sense from sg3_utils prints."""

from __future__ import annotations

import subprocess

import pytest

from knowledge.data_files import data_lines
from knowledge.scsi import command_name
from tests.peers.fetch import require

ROWS = [line.split("\t") for line in data_lines("scsi_commands.tsv")]
FIRST_OF_VENDORS = 0xC0
SEVERAL = {0x83, 0x84, 0x95, 0xA3, 0xA4}
"""Codes that several commands share: sg_decode_sense names the first of them."""
NEWER = {0x3B, 0x7E, 0x96}
"""Codes that older versions of sg_decode_sense do not know, or know for one command only."""
OF_DISKS = [int(code, 16) for code, devices, *_ in ROWS if devices in ("all", "disk")]


@pytest.mark.parametrize(
    "code", [code for code in OF_DISKS if code < FIRST_OF_VENDORS and code not in SEVERAL | NEWER], ids=hex
)
def test_a_command_has_the_name_that_sg_decode_sense_prints(code: int) -> None:
    oracle = str(require("sg_decode_sense"))
    cdb = [f"{code:02x}", *["00"] * 15]
    finished = subprocess.run([oracle, "--cdb", *cdb], capture_output=True, text=True, check=True)
    assert command_name(code).split(",")[0].lower() in finished.stdout.lower()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_every_row_names_its_code_or_the_disk_command_with_the_same_code_does(row: list[str]) -> None:
    code, devices, name, _, source = row
    assert name in command_name(int(code, 16)) or int(code, 16) in OF_DISKS
    assert source
    if int(code, 16) not in OF_DISKS:
        assert f"{name} ({devices})" in command_name(int(code, 16))


def test_the_commands_of_hardware_acceleration_have_a_remark() -> None:
    assert command_name(0x89) == "COMPARE AND WRITE, locks a VMFS file (VAAI, atomic test and set)"
    assert command_name(0x9E).startswith("SERVICE ACTION IN(16), such as")


def test_an_unknown_code_has_no_name() -> None:
    assert command_name(0xFF) == ""
