"""Each virtual hardware version has the oldest host that runs it, and a source."""

from __future__ import annotations

import pytest

from knowledge.hardware_versions import hardware_versions, newest_version


@pytest.mark.parametrize(
    ("number", "host"),
    [(4, "ESX 3.0"), (7, "ESX 4.0"), (13, "ESXi 6.5"), (15, "ESXi 6.7 Update 2"), (21, "ESXi 8.0 Update 2")],
)
def test_version_has_the_oldest_host_that_runs_it(number: int, host: str) -> None:
    assert hardware_versions()[number].oldest_host == host


def test_version_of_a_workstation_names_it_and_the_host_after_it() -> None:
    version = hardware_versions()[16]
    assert (version.first_product, version.oldest_host, version.certainty) == (
        "Workstation 15.0",
        "ESXi 7.0",
        "inferred",
    )


def test_version_that_newer_hosts_refuse_names_the_last_one() -> None:
    assert hardware_versions()[3].newest_host == "ESX 4.1"


def test_every_row_is_documented_or_inferred_and_has_a_source() -> None:
    assert all(version.source for version in hardware_versions().values())
    assert {version.certainty for version in hardware_versions().values()} == {"documented", "inferred"}


def test_newest_version_is_the_last_of_the_table() -> None:
    assert newest_version().number == max(hardware_versions())
    assert list(hardware_versions()) == sorted(hardware_versions())
