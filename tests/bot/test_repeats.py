"""Slack sends some things again; each is answered once."""

from __future__ import annotations

from bot.repeats import Repeats


def test_event_that_comes_again_is_known() -> None:
    repeats = Repeats()
    assert [repeats.seen({"event_id": "Ev1"}) for _ in range(3)] == [False, True, True]


def test_command_is_known_by_its_trigger() -> None:
    repeats = Repeats()
    assert not repeats.seen({"trigger_id": "1.2.a", "command": "/backup"})
    assert repeats.seen({"trigger_id": "1.2.a", "command": "/backup"})
    assert not repeats.seen({"trigger_id": "1.2.b", "command": "/backup"})


def test_delivery_without_an_id_is_always_new() -> None:
    repeats = Repeats()
    assert not repeats.seen({})
    assert not repeats.seen({})


def test_only_so_many_are_remembered_and_the_oldest_is_forgotten() -> None:
    repeats = Repeats(remembered=2)
    for event in ("a", "b", "c"):
        repeats.seen({"event_id": event})
    assert repeats.seen({"event_id": "c"})
    assert not repeats.seen({"event_id": "a"})
