"""The results of jobs in words: never as Python or JSON."""

from __future__ import annotations

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
        "Disks left out: none",
        "Files: 2",
        "  disk-0.vmdk  4.2 GB",
        "  d.ovf        1.2 kB",
    ]


def test_things_of_which_nothing_is_known_are_left_out() -> None:
    assert facts({"host": None, "note": ""}) == []
