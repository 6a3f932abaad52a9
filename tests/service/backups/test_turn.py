"""The turn of a backup asks the queue again when the VM has changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from service.backups.turn import Turn

HOST = ["host:h"]


class Queue:
    """Copy slots that are always free; `asked` has the number of disks of each request."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def take(self, _job: str, _keys: list[str], *, disks: int, waiting: Callable[..., None]) -> None:
        self.asked.append(disks)

    async def release(self, _job: str) -> None:
        pass


async def at_once(work: Callable[[], Awaitable[None]]) -> None:
    await work()


def turn_in(queue: Queue) -> Turn:
    settings = SimpleNamespace(max_copies=2)
    vcenters = SimpleNamespace(link=lambda _: SimpleNamespace(inventory=None))
    context: Any = SimpleNamespace(copy_slots=queue, vcenters=vcenters, settings=settings)
    session: Any = SimpleNamespace(vcenter=SimpleNamespace(name="lab"))
    job: Any = SimpleNamespace(job_id="0123456789abcdef", interruptible=at_once)
    return Turn(context, session, job)


async def test_vm_that_gains_a_disk_asks_for_more_and_one_that_did_not_change_asks_once() -> None:
    queue = Queue()
    turn = turn_in(queue)

    for disks in (1, 1, 2, 2):
        await turn.take(HOST, disks)

    assert queue.asked == [1, 2]
