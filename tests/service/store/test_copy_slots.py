"""Copies queue for a host or a datastore, first come, first served, however many processes there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.api.settings import Settings
from service.store.copy_slots import CopySlots, Wait
from service.store.database import copy_queue, open_database
from service.store.executors import beat, mark_stopped
from tests.peers.waiting import wait_for

LOOK = 0.01


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    """Shared tables of a test's own."""
    engine = open_database(Settings.model_validate({"VMKOPS_DATA_DIR": tmp_path}))
    yield engine
    engine.dispose()


def process(engine: sa.Engine, name: str, width: int = 1) -> CopySlots:
    """The copy slots of a process that is alive."""
    beat(engine, name, "1")
    return CopySlots(engine, width, name, look_seconds=LOOK)


def queued(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(copy_queue)) or 0


async def until_queued(engine: sa.Engine, rows: int) -> None:
    await asyncio.to_thread(wait_for, lambda: queued(engine) == rows, what=f"{rows} in the queue")


class Copies:
    """Copies that last until their event is set; `order` has their names as they began."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.may_end: dict[str, asyncio.Event] = {}

    def begin(self, copy_slots: CopySlots, name: str, *keys: str) -> asyncio.Task[None]:
        self.may_end[name] = asyncio.Event()

        async def copy() -> None:
            async with copy_slots.slot(keys):
                self.order.append(name)
                await self.may_end[name].wait()

        return asyncio.create_task(copy())


async def test_copies_beyond_the_width_wait_in_the_order_of_their_arrival(engine: sa.Engine) -> None:
    one, two, copies = process(engine, "one"), process(engine, "two"), Copies()
    begun = []
    for rows, (copy_slots, name) in enumerate([(one, "a"), (two, "b"), (one, "c")], 1):
        begun.append(copies.begin(copy_slots, name, "host:h"))
        await until_queued(engine, rows)
    assert copies.order == ["a"]

    for name in ("a", "b", "c"):
        copies.may_end[name].set()
    await asyncio.gather(*begun)

    assert copies.order == ["a", "b", "c"]
    assert queued(engine) == 0


async def test_other_hosts_and_spare_width_do_not_wait(engine: sa.Engine) -> None:
    wide, copies = process(engine, "one", width=2), Copies()
    begun = [copies.begin(wide, name, host) for name, host in (("a", "host:h"), ("b", "host:h"), ("c", "host:other"))]

    await asyncio.to_thread(wait_for, lambda: len(copies.order) == 3, what="all three to begin")

    for event in copies.may_end.values():
        event.set()
    await asyncio.gather(*begun)


async def test_copies_with_the_same_keys_never_wait_for_each_other(engine: sa.Engine) -> None:
    one, two, copies = process(engine, "one"), process(engine, "two"), Copies()
    begun = [
        copies.begin(copy_slots, f"{copy_slots is one} {number}", *keys)
        for copy_slots in (one, two)
        for number, keys in enumerate([("datastore:d", "host:h"), ("host:h", "datastore:d"), ("host:h",)])
    ]
    for event in copies.may_end.values():
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
    copies.may_end["first"].set()
    await first


async def test_slot_of_a_dead_process_is_freed(engine: sa.Engine) -> None:
    dead, living, copies = process(engine, "dead"), process(engine, "living"), Copies()
    lost = copies.begin(dead, "lost", "host:h")
    await until_queued(engine, 1)
    waiting = copies.begin(living, "waiting", "host:h")
    await until_queued(engine, 2)

    mark_stopped(engine, "dead")
    copies.may_end["waiting"].set()
    await waiting

    assert copies.order == ["lost", "waiting"]
    copies.may_end["lost"].set()
    await lost


async def test_slot_of_the_same_process_before_its_restart_is_freed(engine: sa.Engine) -> None:
    copies = Copies()
    lost = copies.begin(process(engine, "local"), "lost", "host:h")
    await until_queued(engine, 1)

    again = copies.begin(process(engine, "local"), "again", "host:h")
    copies.may_end["again"].set()
    await again

    assert copies.order == ["lost", "again"]
    copies.may_end["lost"].set()
    await lost


class Jobs:
    """Jobs that take their turn; `order` has their names as they got it, `waits` what each was told last."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.waits: dict[str, Wait] = {}

    def begin(self, copy_slots: CopySlots, job: str, *keys: str, disks: int = 1) -> asyncio.Task[None]:
        async def take() -> None:
            def waiting(wait: Wait) -> None:
                self.waits[job] = wait

            await copy_slots.take(job, keys, disks=disks, waiting=waiting)
            self.order.append(job)

        return asyncio.create_task(take())


async def test_turn_of_a_job_lasts_until_it_is_given_back(engine: sa.Engine) -> None:
    one, jobs = process(engine, "one"), Jobs()
    await jobs.begin(one, "a", "host:h", "datastore:d")
    second = jobs.begin(one, "b", "datastore:d")
    await asyncio.to_thread(wait_for, lambda: "b" in jobs.waits, what="the wait")

    assert jobs.order == ["a"]
    assert jobs.waits["b"] == Wait("datastore:d", ["a"])
    await one.release("a")
    await second

    assert jobs.order == ["a", "b"]
    assert await one.jobs() == ["b"]


async def test_turn_of_a_job_outlives_its_process_and_goes_on_in_another(engine: sa.Engine) -> None:
    dead, living, jobs = process(engine, "dead"), process(engine, "living"), Jobs()
    await jobs.begin(dead, "a", "host:h")
    mark_stopped(engine, "dead")
    waiting = jobs.begin(living, "b", "host:h")
    await asyncio.to_thread(wait_for, lambda: "b" in jobs.waits, what="the wait")

    await jobs.begin(living, "a", "host:h")

    assert jobs.order == ["a", "a"]
    await living.release("a")
    await waiting


async def test_job_gets_a_new_place_when_its_vm_has_moved(engine: sa.Engine) -> None:
    one, jobs = process(engine, "one"), Jobs()
    await jobs.begin(one, "a", "host:h")

    await jobs.begin(one, "a", "host:other")
    await jobs.begin(one, "b", "host:h")

    assert jobs.order == ["a", "a", "b"]


async def test_job_gets_a_new_place_when_its_vm_has_more_disks(engine: sa.Engine) -> None:
    one, jobs = process(engine, "one", width=2), Jobs()
    await jobs.begin(one, "a", "host:h")
    await jobs.begin(one, "b", "host:h")

    again = jobs.begin(one, "b", "host:h", disks=2)
    await asyncio.to_thread(wait_for, lambda: "b" in jobs.waits, what="the wait")

    assert jobs.waits["b"] == Wait("host:h", ["a"])
    await one.release("a")
    await again
    last = jobs.begin(one, "c", "host:h")
    await asyncio.to_thread(wait_for, lambda: "c" in jobs.waits, what="the wait")
    assert jobs.order == ["a", "b", "b"]
    await one.release("b")
    await last


async def test_job_keeps_its_place_when_it_asks_for_less(engine: sa.Engine) -> None:
    one, jobs = process(engine, "one", width=2), Jobs()
    await jobs.begin(one, "a", "host:h", disks=2)
    waiting = jobs.begin(one, "b", "host:h")
    await asyncio.to_thread(wait_for, lambda: "b" in jobs.waits, what="the wait")

    await jobs.begin(process(engine, "one", width=1), "a", "host:h", disks=2)

    assert jobs.order == ["a", "a"]
    await one.release("a")
    await waiting


async def test_job_takes_a_slot_for_each_disk_and_all_when_it_has_more(engine: sa.Engine) -> None:
    one, jobs = process(engine, "one", width=3), Jobs()
    await jobs.begin(one, "a", "host:h", disks=2)
    large = jobs.begin(one, "b", "host:h", disks=9)
    await asyncio.to_thread(wait_for, lambda: "b" in jobs.waits, what="the wait")

    assert jobs.order == ["a"]
    await one.release("a")
    await large
    assert jobs.order == ["a", "b"]


async def test_turn_of_a_job_counts_for_copies_of_others(engine: sa.Engine) -> None:
    one, jobs, copies = process(engine, "one"), Jobs(), Copies()
    await jobs.begin(one, "a", "host:h")
    copy = copies.begin(one, "export", "host:h")
    await until_queued(engine, 2)
    copies.may_end["export"].set()

    assert copies.order == []
    await one.release("a")
    await copy
    assert copies.order == ["export"]


async def test_jobs_with_the_same_keys_never_wait_for_each_other(engine: sa.Engine) -> None:
    one, two = process(engine, "one", width=2), process(engine, "two", width=2)

    async def whole(copy_slots: CopySlots, job: str, keys: tuple[str, ...], disks: int) -> str:
        await copy_slots.take(job, keys, disks=disks, waiting=lambda _: None)
        await asyncio.sleep(0)
        await copy_slots.release(job)
        return job

    keys = [("datastore:d", "host:h"), ("host:h", "datastore:d"), ("host:h",), ("datastore:d",)]
    jobs = [
        whole(copy_slots, f"{name} {number}", each, disks=1 + number % 2)
        for name, copy_slots in (("one", one), ("two", two))
        for number, each in enumerate(keys)
    ]

    async with asyncio.timeout(120):
        assert len(await asyncio.gather(*jobs)) == 8
    assert queued(engine) == 0
