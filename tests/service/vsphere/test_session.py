"""A lease is renewed whatever else waits for vCenter, and what waits for hours does not hold up the rest."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pyVmomi import vim

from service.errors import VSphereUnavailable
from service.vsphere import nfc
from service.vsphere.nfc import kept_alive, open_lease
from service.vsphere.session import Session
from service.vsphere.tasks import wait_for as wait_for_task
from tests.peers.person import signed_in
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.service.vsphere.test_login import vcenter_of

MANY = 100


@pytest.fixture
async def session(vcsim: Vcsim) -> AsyncIterator[Session]:
    opened = Session(vcenter_of(vcsim))
    yield opened
    await opened.close()


async def snapshot_of(session: Session, vm: str) -> str:
    """The moref of a new snapshot."""

    def take(instance: object) -> str:
        machine = vim.VirtualMachine(vm, instance._stub)  # type: ignore[attr-defined]
        task = machine.CreateSnapshot_Task(name="s", description="", memory=False, quiesce=False)
        return str(wait_for_task(instance, task)._moId)

    return await session.call(take)


def lease_of(vcsim: Vcsim, moref: str) -> dict[str, Any]:
    """A lease as the simulator has it; other tests may have left some."""
    return next(each for each in vcsim.leases() if each["moref"] == moref)


async def test_lease_is_renewed_while_every_other_thread_waits(
    session: Session, vcsim: Vcsim, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = await snapshot_of(session, vcsim.vms()[0]["moref"])
    opened: list[str] = []
    lease = await open_lease(session, snapshot, opened.append)
    assert opened == [lease.moref]
    gate = threading.Event()
    waiting = [asyncio.create_task(session.call(lambda _: gate.wait(), limit=None)) for _ in range(MANY)]
    waiting += [asyncio.create_task(session.call(lambda _: gate.wait())) for _ in range(MANY)]
    monkeypatch.setattr(nfc, "RENEW_SECONDS", 0.01)

    try:
        async with kept_alive(session, lease.moref, lambda: 7):
            await asyncio.to_thread(
                wait_for, lambda: lease_of(vcsim, lease.moref)["progress_calls"] >= 3, what="the renewals of the lease"
            )
    finally:
        gate.set()
        await asyncio.gather(*waiting)

    assert lease_of(vcsim, lease.moref)["percent"] == 7


async def test_cancellation_that_comes_with_the_answer_is_not_lost(session: Session) -> None:
    answered = threading.Event()
    call = asyncio.create_task(session.call(lambda _: answered.set()))
    await asyncio.sleep(0)
    answered.wait(60)
    time.sleep(0.1)  # noqa: ASYNC251 - the answer waits for the event loop, and the cancellation comes right after it

    asyncio.get_running_loop().call_soon(call.cancel)

    with pytest.raises(asyncio.CancelledError):
        await call


async def test_calls_go_on_while_many_wait_for_their_tasks(session: Session) -> None:
    gate = threading.Event()
    waiting = [asyncio.create_task(session.call(lambda _: gate.wait(), limit=None)) for _ in range(MANY)]
    await asyncio.sleep(0)  # all of them are in the queues now
    try:
        assert await session.call(lambda instance: instance.content.about.apiType) == "VirtualCenter"
    finally:
        gate.set()
        await asyncio.gather(*waiting)


async def test_session_that_ended_because_it_was_idle_is_renewed(session: Session, vcsim: Vcsim) -> None:
    vcsim.limit_sessions(idle_ms=300)
    await session.call(lambda instance: instance.CurrentTime())
    await asyncio.to_thread(wait_for, lambda: vcsim.sessions()["alive"] == 0, what="the end of the session")

    assert await session.call(lambda instance: instance.content.about.apiType) == "VirtualCenter"
    found = await session.call(lambda instance: instance.content.rootFolder.name)

    assert (found, vcsim.sessions()["logins"]) == ("Datacenters", 2)


async def test_vcenter_without_a_free_session_says_that(session: Session, vcsim: Vcsim) -> None:
    with signed_in(vcsim):
        vcsim.limit_sessions(most=1)

        with pytest.raises(VSphereUnavailable, match="it has no free session left") as error:
            await session.call(lambda instance: instance.CurrentTime())

        assert "503 Service Unavailable" in str(error.value)
        vcsim.limit_sessions()
    await session.call(lambda instance: instance.CurrentTime())


async def test_vcenter_without_a_free_session_of_its_rest_api_says_that(session: Session, vcsim: Vcsim) -> None:
    await session.call(lambda instance: instance.CurrentTime())
    vcsim.limit_sessions(most=1)

    with pytest.raises(VSphereUnavailable, match="User session count is limited to 550"):
        await session.tagging.of_vms()
