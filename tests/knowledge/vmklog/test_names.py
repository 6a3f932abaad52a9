"""Names of disks, targets and initiators in log lines, and whose they are."""

from __future__ import annotations

import pytest

from knowledge.vmklog import decode_line


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("naa.600140500000000000000000000000bb", "OpenIB, Inc., used by Linux-IO (LIO) (OUI 00-14-05)"),
        ("naa.600a098000000000000000000000abcd", "NetApp (OUI 00-A0-98)"),
        ("naa.60060160455025003a0e6f4a5b6c7d8e", "CLARIION (OUI 00-60-16)"),
        ("naa.600508b1001c0000000000000000abcd", "Hewlett Packard (OUI 00-50-8B)"),
        ("naa.514f0c5ec2000008", "Xtremio Ltd. (OUI 14-F0-C5)"),
        ("eui.0025385b71b01234", "Samsung Electronics Co., Ltd., Memory Division (OUI 00-25-38)"),
        ("eui.00e6d65c65cf9a3824a9375100019f20", "an NVMe namespace of PURE Storage"),
    ],
)
def test_the_owner_of_the_identifier_in_a_name_is_named(name: str, owner: str) -> None:
    (found,) = decode_line(f'path to dev "{name}" lost')
    assert (found.text, found.meaning.certainty) == (name, "certain")
    assert owner in found.summary
    assert found.meaning.reason


def test_a_random_identifier_has_no_owner() -> None:
    (found,) = decode_line("device eui.fbed1aa753034b1c8f7b313c8b77658c lost")
    assert found.summary.endswith("the 128-bit identifier of an NVMe namespace, as ESXi writes it")


@pytest.mark.parametrize(
    "name",
    [
        "iqn.1998-01.com.vmware:esx1-0a1b2c3d",
        "nqn.2016-06.io.spdk:cnode1",
        "t10.ATA_____Crucial_CT1050MX300SSD4_________________________163713E82C00",
        "naa.900140500000000000000000000000bb",
    ],
)
def test_every_name_has_a_reason(name: str) -> None:
    (found,) = decode_line(f'to "{name}" lost')
    assert found.meaning.reason


def test_a_name_that_is_not_valid_stays_open() -> None:
    (found,) = decode_line("naa.900140500000000000000000000000bb lost")
    assert found.meaning.certainty == "open"
    assert found.meaning.notes
