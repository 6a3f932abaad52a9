"""The meaning of sense data, compared with that of sg_decode_sense from sg3_utils; status and command names."""

from __future__ import annotations

import csv
import random
import re
import subprocess
from pathlib import Path

import pytest

import knowledge
from knowledge.scsi import command_name, sense, status
from tests.peers.fetch import require

TABLE = Path(knowledge.__file__).with_name("data") / "scsi_sense.tsv"


@pytest.fixture
def oracle() -> str:
    return str(require("sg_decode_sense"))


def decoded_by(oracle: str, key: int, asc: int, ascq: int) -> str:
    """Return the key and description that sg_decode_sense prints for fixed-format sense data; empty for none."""
    fixed = bytes([0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq, 0, 0, 0, 0])
    finished = subprocess.run([oracle, *fixed.hex(" ").split()], capture_output=True, text=True, check=True)
    found = re.search(r"Sense key: (.*?)\s*\n\s*Additional sense: (.*)", finished.stdout)
    return f"{found[1]}: {found[2].strip()}".replace("[", "").replace("]", "") if found else ""


def test_codes_have_the_meaning_that_sg_decode_sense_prints(oracle: str) -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["kind"] == "asc"]
    codes = [(int(row["asc"], 16), int(row["ascq"], 16)) for row in rows]
    compared = 0
    for asc, ascq in random.Random(1).sample([code for code in codes if code != (0, 0)], 150):
        if theirs := decoded_by(oracle, 0x5, asc, ascq):
            assert sense(0x5, asc, ascq).text.lower() == theirs.lower()
            compared += 1
    assert compared > 100, "the other codes are newer than the installed sg3_utils"


def test_every_sense_key_has_the_name_that_sg_decode_sense_prints(oracle: str) -> None:
    for key in range(16):
        assert sense(key, 0x29, 0).text.lower() == decoded_by(oracle, key, 0x29, 0).lower()


@pytest.mark.parametrize(
    ("asc", "ascq", "description"),
    [
        (0x40, 0x85, "Diagnostic failure on component 0x85"),
        (0x4D, 0x07, "Tagged overlapped commands 0x7"),
        (0x80, 0x00, "vendor specific, ask the vendor of the array"),
        (0x24, 0x99, "Invalid field in cdb, with a vendor-specific qualifier (ASCQ 0x99)"),
        (0x24, 0x7F, "Invalid field in cdb, with a qualifier that T10 does not list (ASCQ 0x7f)"),
        (0x7F, 0x01, "a code that T10 does not list"),
    ],
)
def test_ranges_and_vendor_specific_numbers_are_distinguished(asc: int, ascq: int, description: str) -> None:
    assert sense(0x4, asc, ascq).description == description


@pytest.mark.parametrize(("key", "asc", "ascq"), [(0x10, 0, 0), (0x75, 0x70, 0x64), (0x5, 0x100, 0), (0x5, 0, 0x100)])
def test_bytes_out_of_range_are_not_plausible(key: int, asc: int, ascq: int) -> None:
    assert not sense(key, asc, ascq).plausible


def test_all_zero_means_no_sense_data() -> None:
    assert sense(0, 0, 0).empty
    assert sense(0, 0, 0).text == "No Sense"


def test_status_without_an_error_has_no_cause() -> None:
    assert status(0, 0, 0).cause is None
    assert status(0, 0x2, 0).cause == "device"


def test_known_commands_have_a_name_and_unknown_ones_have_none() -> None:
    assert command_name(0x28) == "READ(10)"
    assert command_name(0x9E).startswith("SERVICE ACTION IN(16)")
    assert command_name(0xFF) == ""
