"""Slack delivers some requests more than once; the bot recognizes them."""

from __future__ import annotations

from bot.deduplication import Deduplicator


def test_event_that_comes_again_is_a_duplicate() -> None:
    deduplicator = Deduplicator()
    assert [deduplicator.is_duplicate({"event_id": "Ev1"}) for _ in range(3)] == [False, True, True]


def test_command_is_recognized_by_its_trigger_id() -> None:
    deduplicator = Deduplicator()
    assert not deduplicator.is_duplicate({"trigger_id": "1.2.a", "command": "/backup"})
    assert deduplicator.is_duplicate({"trigger_id": "1.2.a", "command": "/backup"})
    assert not deduplicator.is_duplicate({"trigger_id": "1.2.b", "command": "/backup"})


def test_delivery_without_an_id_is_always_new() -> None:
    deduplicator = Deduplicator()
    assert not deduplicator.is_duplicate({})
    assert not deduplicator.is_duplicate({})


def test_oldest_delivery_is_forgotten_first() -> None:
    deduplicator = Deduplicator(remembered=2)
    for event in ("a", "b", "c"):
        deduplicator.is_duplicate({"event_id": event})
    assert deduplicator.is_duplicate({"event_id": "c"})
    assert not deduplicator.is_duplicate({"event_id": "a"})
