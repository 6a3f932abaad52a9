"""`/p2v` understands the description of a system as people type it."""

from __future__ import annotations

import pytest

from bot.arguments import UsageError
from bot.commands.p2v import P2vQuery, parse


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("centos 4", {"distribution": "centos", "version": "4"}),
        ("centos", {"distribution": "centos"}),
        ("red hat enterprise linux 3 update 9", {"distribution": "red hat enterprise linux", "version": "3 update 9"}),
        ("sles 9 LVM", {"distribution": "sles", "version": "9", "lvm": "true"}),
        ("sles 9 —lvm", {"distribution": "sles", "version": "9", "lvm": "true"}),
        ("centos 4 disk=sda:36GB disk=sdb", {"distribution": "centos", "version": "4", "disk": ["sda:36GB", "sdb"]}),
        ("centos 4 --disk sda,sdb", {"distribution": "centos", "version": "4", "disk": ["sda", "sdb"]}),
        ("target=10.4.1.3 centos 4", {"distribution": "centos", "version": "4", "target_ip": "10.4.1.3"}),
    ],
)
def test_system_is_parsed(typed: str, query: dict[str, str | list[str]]) -> None:
    assert parse(typed) == P2vQuery("checklist", query)


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("estimate 36GB", {"size": "36GB"}),
        ("Estimate 36 GB rate=80", {"size": "36GB", "rate": "80"}),
        ("estimate 39070080 rate=14.3MB/s", {"size": "39070080", "rate": "14.3"}),
    ],
)
def test_size_and_rate_are_parsed(typed: str, query: dict[str, str | list[str]]) -> None:
    assert parse(typed) == P2vQuery("estimate", query)


def test_tools_are_a_subject() -> None:
    assert parse("tools") == P2vQuery("tools", {})


@pytest.mark.parametrize("typed", ["", "lvm", "estimate", "estimate rate=5", "target=10.4.1.3", "centos --colour red"])
def test_incomplete_question_is_refused(typed: str) -> None:
    with pytest.raises(UsageError):
        parse(typed)
