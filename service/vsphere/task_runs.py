"""Begins a vSphere task and sees it through: what a process that died had begun is taken up, a cancel is passed on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from pyVmomi import vim, vmodl

from service.errors import Conflict, VmkopsError, VSphereUnavailable
from service.retry import ON_PURPOSE, retry
from service.vsphere.session import Instance, Session, read_properties
from service.vsphere.tasks import ENDED, Progress, wait_for

log = logging.getLogger(__name__)

REMEMBERED = timedelta(minutes=9)
"""How long vCenter surely lists an ended task in `recentTask`; it forgets one after about ten minutes."""
STOP_SECONDS = 60
PATIENCE_SECONDS = 300
"""How long a deed that was begun waits for a vCenter that does not answer."""


async def carry_out(
    session: Session,
    thing: Callable[[Instance], Any],
    begin: Callable[[Instance], vim.Task | None],
    *,
    names: Collection[str],
    once_since: str | None = None,
    progress: Progress | None = None,
) -> bool:
    """Wait for tasks of these names on `thing` that are under way, then call `begin` and see its task through.

    `begin` looks first and returns None when there is nothing to do (any more); the answer is then False. `names`
    are the last parts of `descriptionId`, such as `powerOn`. A deed whose outcome cannot be looked at (a reset) is
    done once: a task of that name since `once_since` (vCenter's time) is taken for ours. `progress` is told the task's
    percents, in another thread. When the job is cancelled, the task is asked to stop, and waited for; a process
    that stops leaves it alone. Raises the task's fault as an error of `service.errors`.

    A vCenter that goes away in the middle is waited for. Whether it has heard the call that it never answered is
    then seen by its tasks: one of that name since we asked is ours.
    """
    since = once_since

    def start(instance: Instance) -> str | None:
        nonlocal since
        since = since or server_time(instance)
        task = begin(instance)
        return None if task is None else str(task._moId)

    async def attempt() -> bool | VmkopsError:
        try:
            begun = await session.call(lambda instance: _begun(instance, thing(instance), names, since))
            if begun is not None and since is not None:
                await _follow(session, begun, progress)
                return True
            if begun is not None:
                await _follow_and_forget(session, begun, progress)
            task = await _started(session, start)
            if task is not None:
                await _follow(session, task, progress)
            return task is not None
        except VSphereUnavailable:
            raise
        except VmkopsError as error:
            return error

    outcome = await retry(attempt, seconds=PATIENCE_SECONDS)
    if isinstance(outcome, VmkopsError):
        raise outcome
    return outcome


async def _follow_and_forget(session: Session, task: str, progress: Progress | None) -> None:
    try:
        await _follow(session, task, progress)
    except VSphereUnavailable:
        raise
    except VmkopsError as error:
        log.info("a task that was under way failed, so it is begun afresh: %s", error)


async def _started(session: Session, start: Callable[[Instance], str | None]) -> str | None:
    starting = asyncio.ensure_future(session.call(start))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError as error:
        if ON_PURPOSE in error.args:
            with contextlib.suppress(VmkopsError):
                if task := await starting:
                    await _stop(session, task)
        raise


def server_time(instance: Instance) -> str:
    """vCenter's clock, RFC 3339 in UTC."""
    now: datetime = instance.CurrentTime()
    return now.astimezone(UTC).isoformat()


def tasks_under_way(instance: Instance, thing: Any) -> list[str]:
    """The names of the vSphere tasks that run or wait on a VM or host now, such as `powerOn`."""
    return [_name(info) for _, info in _recent(instance, thing) if info.state not in ENDED]


def _begun(instance: Instance, thing: Any, names: Collection[str], once_since: str | None) -> str | None:
    since = datetime.fromisoformat(once_since) if once_since else None
    for task, info in _recent(instance, thing):
        ours = info.state not in ENDED if since is None else info.queueTime >= since
        if ours and _name(info) in names:
            return str(task._moId)
    if since is not None and datetime.fromisoformat(server_time(instance)) - since > REMEMBERED:
        raise Conflict(
            "vmkops was away in the middle of this, too long for vCenter to remember whether it was done. "
            "Look at the VM, and ask again if it was not."
        )
    return None


def _recent(instance: Instance, thing: Any) -> list[tuple[Any, Any]]:
    found = []
    for task in read_properties(instance, [thing], type(thing), ["recentTask"])[0][1].get("recentTask", []):
        with contextlib.suppress(vmodl.fault.ManagedObjectNotFound):  # vCenter forgets ended tasks after a while
            found.append((task, read_properties(instance, [task], vim.Task, ["info"])[0][1]["info"]))
    return found


def _name(info: Any) -> str:
    return str(info.descriptionId).rpartition(".")[2]


async def _follow(session: Session, task: str, progress: Progress | None) -> None:
    try:
        await session.call(lambda instance: wait_for(instance, vim.Task(task, instance._stub), progress), limit=None)
    except asyncio.CancelledError as error:
        if ON_PURPOSE in error.args:
            await _stop(session, task)
        raise


async def _stop(session: Session, task: str) -> None:
    """Ask vSphere to cancel a task and give it a while to end; one that cannot be cancelled goes on."""
    with contextlib.suppress(VmkopsError):
        await session.call(lambda instance: vim.Task(task, instance._stub).CancelTask())
        await session.call(lambda instance: wait_for(instance, vim.Task(task, instance._stub)), limit=STOP_SECONDS)
