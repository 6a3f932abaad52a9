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


async def test_jobs_beyond_the_width_wait_in_the_order_of_their_arrival(engine: sa.Engine) -> None:
    one, two, jobs = process(engine, "one"), process(engine, "two"), Jobs()
    begun = []
    for rows, (copy_slots, name) in enumerate([(one, "a"), (two, "b"), (one, "c")], 1):
        begun.append(jobs.begin(copy_slots, name, "host:h"))
        await asyncio.to_thread(wait_for, lambda rows=rows: queued(engine) == rows, what=f"{rows} in the queue")
    await begun[0]
    assert jobs.order == ["a"]

    for job, name in zip(begun, ("a", "b", "c"), strict=True):
        await job
        await one.release(name)

    assert jobs.order == ["a", "b", "c"]
    assert queued(engine) == 0


async def test_other_hosts_and_spare_width_do_not_wait(engine: sa.Engine) -> None:
    wide, jobs = process(engine, "one", width=2), Jobs()

    for name, host in (("a", "host:h"), ("b", "host:h"), ("c", "host:other")):
        await jobs.begin(wide, name, host)

    assert jobs.order == ["a", "b", "c"]


@pytest.mark.parametrize("holder", ["local", "dead"])
async def test_place_of_a_process_of_an_earlier_version_that_has_ended_is_freed(engine: sa.Engine, holder: str) -> None:
    values = {"key": "host:h", "place": 1, "turn": "0123456789abcdef", "holder": holder}
    with engine.begin() as connection:
        connection.execute(copy_queue.insert().values(**values))

    jobs = Jobs()
    await jobs.begin(process(engine, "local"), "a", "host:h")

    assert jobs.order == ["a"]


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
