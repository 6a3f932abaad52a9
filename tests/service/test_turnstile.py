"""Copies queue for a host or a datastore, first come, first served, however many processes there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.database import open_database, turns
from service.executors import beat, retire
from service.settings import Settings
from service.turnstile import Turnstile
from tests.peers.waiting import wait_for

LOOK = 0.01


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """Shared tables of a test's own."""
    engine = open_database(Settings.model_validate({"VMKOPS_DATA_DIR": tmp_path}))
    yield engine
    engine.dispose()


def process(engine: sa.Engine, name: str, width: int = 1) -> Turnstile:
    """The turnstile of a process that lives."""
    beat(engine, name, "1")
    return Turnstile(engine, width, name, look_seconds=LOOK)


def queued(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(turns)) or 0


async def until_queued(engine: sa.Engine, rows: int) -> None:
    await asyncio.to_thread(wait_for, lambda: queued(engine) == rows, what=f"{rows} in the queue")


class Copies:
    """Copies that last until they are let go; `order` has their names as they began."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.let_go: dict[str, asyncio.Event] = {}

    def begin(self, turnstile: Turnstile, name: str, *keys: str) -> asyncio.Task[None]:
        self.let_go[name] = asyncio.Event()

        async def copy() -> None:
            async with turnstile.turn(keys):
                self.order.append(name)
                await self.let_go[name].wait()

        return asyncio.create_task(copy())


async def test_copies_beyond_the_width_wait_for_their_turn_in_order(engine: sa.Engine) -> None:
    one, two, copies = process(engine, "one"), process(engine, "two"), Copies()
    begun = []
    for rows, (turnstile, name) in enumerate([(one, "a"), (two, "b"), (one, "c")], 1):
        begun.append(copies.begin(turnstile, name, "host:h"))
        await until_queued(engine, rows)
    assert copies.order == ["a"]

    for name in ("a", "b", "c"):
        copies.let_go[name].set()
    await asyncio.gather(*begun)

    assert copies.order == ["a", "b", "c"]
    assert queued(engine) == 0


async def test_other_hosts_and_spare_width_do_not_wait(engine: sa.Engine) -> None:
    wide, copies = process(engine, "one", width=2), Copies()
    begun = [copies.begin(wide, name, host) for name, host in (("a", "host:h"), ("b", "host:h"), ("c", "host:other"))]

    await asyncio.to_thread(wait_for, lambda: len(copies.order) == 3, what="all three to begin")

    for event in copies.let_go.values():
        event.set()
    await asyncio.gather(*begun)


async def test_copies_that_want_the_same_things_never_wait_for_each_other(engine: sa.Engine) -> None:
    one, two, copies = process(engine, "one"), process(engine, "two"), Copies()
    begun = [
        copies.begin(turnstile, f"{turnstile is one} {number}", *keys)
        for turnstile in (one, two)
        for number, keys in enumerate([("datastore:d", "host:h"), ("host:h", "datastore:d"), ("host:h",)])
    ]
    for event in copies.let_go.values():
        event.set()

    await asyncio.gather(*begun)

    assert len(copies.order) == 6


async def test_wait_that_is_cancelled_leaves_the_queue(engine: sa.Engine) -> None:
    one, copies = process(engine, "one"), Copies()
    first, second = (copies.begin(one, name, "host:h") for name in ("first", "second"))
    await until_queued(engine, 2)

    second.cancel()

    with pytest.raises(asyncio.CancelledError):
        await second
    assert queued(engine) == 1
    copies.let_go["first"].set()
    await first


async def test_turn_of_a_dead_process_is_free(engine: sa.Engine) -> None:
    dead, living, copies = process(engine, "dead"), process(engine, "living"), Copies()
    lost = copies.begin(dead, "lost", "host:h")
    await until_queued(engine, 1)
    waiting = copies.begin(living, "waiting", "host:h")
    await until_queued(engine, 2)

    retire(engine, "dead")
    copies.let_go["waiting"].set()
    await waiting

    assert copies.order == ["lost", "waiting"]
    copies.let_go["lost"].set()
    await lost


async def test_turn_of_the_same_process_before_its_restart_is_free(engine: sa.Engine) -> None:
    copies = Copies()
    lost = copies.begin(process(engine, "local"), "lost", "host:h")
    await until_queued(engine, 1)

    again = copies.begin(process(engine, "local"), "again", "host:h")
    copies.let_go["again"].set()
    await again

    assert copies.order == ["lost", "again"]
    copies.let_go["lost"].set()
    await lost
