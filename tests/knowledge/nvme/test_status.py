"""The names of NVMe statuses and opcodes, compared with those of libnvme, which nvme-cli uses."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import pytest

from knowledge.data_files import data_lines
from knowledge.nvme import command_name, status
from knowledge.nvme.commands import FABRICS
from tests.peers.fetch import require

DO_NOT_RETRY = 0x4000
KEEP_ALIVE_EXPIRED = 0x19
"""Its name in the standard has "Timeout", that in libnvme "Timer"."""
STATUSES = [line.split("\t") for line in data_lines("nvme_status.tsv") if line.startswith("status")]
OPCODES = [line.split("\t") for line in data_lines("nvme_opcodes.tsv")]


@pytest.fixture(scope="module")
def oracle() -> Callable[[int, bool], str]:
    """Return the function that names a status as libnvme does; empty for one without a name there."""
    library = ctypes.CDLL(str(require("libnvme")))
    library.nvme_status_to_string.argtypes = (ctypes.c_int, ctypes.c_bool)
    library.nvme_status_to_string.restype = ctypes.c_char_p

    def name(number: int, fabrics: bool) -> str:
        text = library.nvme_status_to_string(number, fabrics).decode()
        return text.split(":")[0] if ":" in text else ""

    return name


def test_every_status_has_the_name_that_libnvme_prints(oracle: Callable[[int, bool], str]) -> None:
    compared = 0
    for _, type_, code, commands, name, _ in STATUSES:
        number = int(type_, 16) << 8 | int(code, 16)
        theirs = oracle(number, commands == "fabrics")
        if theirs and number != KEEP_ALIVE_EXPIRED:
            assert name.lower() == theirs.lower(), hex(number)
            compared += 1
    assert compared > 100, "the others are newer than the installed libnvme, which has a sentence for some of them"


@pytest.mark.parametrize("row", STATUSES, ids=lambda row: f"{row[1]}-{row[2]}-{row[3]}")
def test_every_status_is_found_with_and_without_the_flag_do_not_retry(row: list[str]) -> None:
    _, type_, code, commands, name, _ = row
    number = int(type_, 16) << 8 | int(code, 16)
    opcode = FABRICS if commands == "fabrics" else None
    assert (status(number, opcode).name, status(number, opcode).do_not_retry) == (name, False)
    assert (status(number | DO_NOT_RETRY, opcode).name, status(number | DO_NOT_RETRY, opcode).do_not_retry) == (
        name,
        True,
    )


def test_a_type_and_a_code_that_the_standard_does_not_define_have_no_name() -> None:
    assert (status(0x2F0).type_name, status(0x2F0).name) == ("media and data integrity errors", "")
    assert (status(0x4F0).type_name, status(0x4F0).name) == ("", "")
    assert (status(0x7C0).type_name, status(0x7C0).name) == ("vendor specific", "")


def test_a_type_above_those_of_the_standard_is_a_status_of_the_host() -> None:
    assert status(0x80D).by_host
    assert not status(0x80D).name
    assert not status(0x371).by_host
    assert not status(0x5281).by_host, "the bits above the type are a retry delay when a device sets a flag"


def test_the_same_opcode_means_another_command_on_the_admin_queue() -> None:
    assert command_name(0x5, 3) == "Compare"
    assert command_name(0x5, 0) == "Create I/O Completion Queue"
    assert command_name(0x5) == "Compare, or Create I/O Completion Queue on the admin queue"
    assert command_name(0x6) == "Identify"
    assert command_name(0xFF) == ""


@pytest.mark.parametrize("row", OPCODES, ids=lambda row: f"{row[0]}-{row[1]}")
def test_every_opcode_is_found_on_its_queue(row: list[str]) -> None:
    queue, code, name, _ = row
    assert command_name(int(code, 16), 0 if queue == "admin" else 1) == name
