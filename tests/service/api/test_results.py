"""The results of jobs in words: never as Python or JSON."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Any

import pytest

from service.api.results import facts, result_words


def test_result_of_a_restore_is_told_in_words_and_tables() -> None:
    words = result_words(
        {
            "state": "succeeded",
            "detail": "done",
            "vm": {"moref": "vm-78", "name": "web-01-restored"},
            "size": 4_200_000_000,
            "removed": True,
            "power_state": "poweredOff",
            "networks": {"VM Network": "LAN", "DMZ": "DMZ"},
            "left_out": [],
            "screenshot": None,
            "files": [{"name": "disk-0.vmdk", "size": 4_200_000_000}, {"name": "d.ovf", "size": 1200}],
        }
    )

    assert words.splitlines() == [
        "VM: web-01-restored (vm-78)",
        "Size: 4.2 GB",
        "Removed: yes",
        "Power state: powered off",
        "Networks: VM Network to LAN, DMZ",
        "Files: 2",
        "  disk-0.vmdk  4.2 GB",
        "  d.ovf        1.2 kB",
    ]


def test_copies_of_a_backup_are_told_as_jobs_that_were_started() -> None:
    words = result_words(
        {
            "copies": [
                {"to": "nas", "job": "8723270b111f7b8f", "why": ""},
                {"to": "offsite", "job": "", "why": "There is no copy target 'offsite'."},
            ]
        }
    )

    assert words.splitlines() == [
        "Copy jobs started: 1",
        "  nas      job 8723270b111f7b8f",
        "  offsite  no copy. There is no copy target 'offsite'.",
    ]


def test_pruned_copies_are_told_by_what_was_removed() -> None:
    words = result_words(
        {
            "copies": [
                {"to": "nas", "removed": [], "refused": [], "why": ""},
                {"to": "s3", "removed": ["8723270b111f7b8f", "8723270b111f7b90"], "refused": ["feed"], "why": ""},
                {"to": "away", "removed": [], "refused": [], "why": "There is no directory /mnt/away."},
            ]
        }
    )

    assert words.splitlines() == [
        "Copies removed: 2",
        "  nas   none removed",
        "  s3    removed: 8723270b111f7b8f, 8723270b111f7b90; refused: feed",
        "  away  not pruned. There is no directory /mnt/away.",
    ]


def test_things_of_which_nothing_is_known_are_left_out() -> None:
    assert facts({"host": None, "note": ""}) == []


def test_what_is_empty_is_told_only_where_it_answers_what_was_asked() -> None:
    words = result_words(
        {"missing": [], "left_out": [], "warnings": [], "networks": {}, "new_luns": []}
    ) + result_words({"missing": 0})

    assert words == "New LUNs: none\n"


@pytest.mark.parametrize(
    ("result", "words"),
    [
        pytest.param({"disks": [10_737_418_240, 21_474_836_480]}, "Disks: 10.7 GB, 21.5 GB", id="capacities of disks"),
        pytest.param({"capacity": 4_200_000_000, "size_bytes": 1}, "Capacity: 4.2 GB\nSize: 1 byte", id="bytes"),
        pytest.param({"counts": {"done": 2, "failed": 0, "too_slow": 1}}, "VMs: 2 done, 1 too slow", id="counts"),
        pytest.param({"counts": {"done": 0}}, "VMs: none", id="no counts"),
        pytest.param({"disk": {"size": 4_200_000_000, "thin": True}}, "Disk: size: 4.2 GB, thin: yes", id="nested"),
        pytest.param({"clock_ahead_seconds": -0.04}, "Clock ahead by: -0.04 s", id="seconds"),
        pytest.param(
            {"answered_in_ms": 5.3, "clock_ahead_seconds": -0.0}, "Answered in: 5.3 ms\nClock ahead by: 0.0 s", id="ms"
        ),
        pytest.param(
            {"verified_at": "2026-11-26T20:58:36.632117Z"}, "Verified at: 2026-11-26 22:58 +02:00", id="a time"
        ),
        pytest.param(
            {"power_state": "suspended", "connection_state": "notResponding"},
            "Power state: suspended\nConnection state: not responding",
            id="states",
        ),
        pytest.param({"file": "poweredOn"}, "File: poweredOn", id="a name that looks like a state"),
        pytest.param(
            {"identity": "new", "nvram": True}, "UUIDs and MAC addresses: new ones\nNVRAM: yes", id="identity"
        ),
        pytest.param({"verified_by": "token:night", "token": "night"}, "Verified by: token:night", id="a token, once"),
        pytest.param(
            {"verified_by": "slack:U0ANNA", "token": "bot"}, "Verified by: slack:U0ANNA via token bot", id="via a token"
        ),
        pytest.param(
            {"disks": [{"key": "/vm-65/SCSI0:0", "file": "d.vmdk", "size": 1200}]},
            "Disks: 1\n  d.vmdk  1.2 kB",
            id="a disk without its key in the lease",
        ),
    ],
)
def test_each_kind_of_value_is_told_as_a_person_would(result: dict[str, Any], words: str) -> None:
    assert result_words(result, timezone(timedelta(hours=2))).rstrip("\n") == words
