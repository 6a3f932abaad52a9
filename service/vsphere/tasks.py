"""vSphere tasks: start one and wait for it, also across a restart of the service, a cancel, or a vCenter outage."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pyVmomi import vim, vmodl

from service.background import JOB_CANCELLED
from service.errors import Conflict, VmkopsError, VSphereUnavailable
from service.retry import retry
from service.vsphere.questions import attend, watched
from service.vsphere.session import Instance, Session, read_present, read_properties, read_related

log = logging.getLogger(__name__)

Progress = Callable[[int], None]
"""Gets the percentage of a task that is done, in the thread that waits for the task."""

ENDED = (vim.TaskInfo.State.success, vim.TaskInfo.State.error)
RECENT = "recentTask"
"""The property of a managed object that has its tasks."""
SLICE_SECONDS = 20
"""How long one request for news of a task stays open."""
REMEMBERED = timedelta(minutes=9)
"""How long vCenter is sure to list an ended task in `recentTask`; it drops tasks after about ten minutes."""
STOP_SECONDS = 60
"""How long a task that was asked to stop may take to end."""
NOT_REPEATED = (
    "vCenter did not answer the call in time and lists no task for it. vmkops does not make the call again, because "
    "vCenter may still carry it out. Look at the VM in vCenter, and start the action again if it is still needed."
)
RETRY_SECONDS = 300
"""How long `run_task` waits for a vCenter that does not answer."""


async def run_task(
    session: Session,
    kind: type,
    moref: str,
    start: Callable[[Instance], vim.Task | None],
    *,
    names: Collection[str],
    once_since: str | None = None,
    progress: Progress | None = None,
) -> bool:
    """Start a task on one managed object and wait until it has ended; False when there was nothing to do.

    The object is the `kind` with this `moref`. `names` are the last parts of the task's `descriptionId`, such as
    `powerOn`. Tasks with these names that already run on the object are waited for first. Then `start` checks whether
    anything is left to do: it returns the task, or None. `progress` gets the percentage done, in another thread.

    Some effects cannot be checked afterwards, such as a reset. For these, pass `once_since` (vCenter's time): a task
    with one of the names that was queued since then counts as this one, and no other is started. When the call that
    starts it was given up and its task does not appear, it is not made again: vCenter may still carry it out.

    When a person cancels the job, the task is asked to stop and waited for. A process that stops leaves the task
    alone. When vCenter goes away, this waits for it to come back; if the call that starts the task got no answer, the
    task is recognized by its name and time. Raises the task's fault as an error of `service.errors`, and Conflict when
    vCenter can no longer know whether the task was started.
    """
    since, given_up = once_since, False

    def begin(instance: Instance) -> str | None:
        nonlocal since
        since = since or server_time(instance)
        task = start(instance)
        return None if task is None else str(task._moId)

    async def attempt() -> bool | VmkopsError:
        nonlocal given_up
        try:
            found = await session.call(lambda instance: _find_task(instance, kind(moref, instance._stub), names, since))
            if found is not None and since is not None:
                await _wait(session, found, progress)
                return True
            if found is not None:
                await _wait_for_earlier(session, found, progress)
            if given_up and once_since is not None:
                raise Conflict(NOT_REPEATED)
            try:
                task = await _begin(session, begin)
            except VSphereUnavailable as error:
                given_up = isinstance(error.__cause__, TimeoutError)
                raise
            if task is not None:
                await _wait(session, task, progress)
            return task is not None
        except VSphereUnavailable:
            raise
        except VmkopsError as error:
            return error  # only an outage is retried

    outcome = await retry(attempt, seconds=RETRY_SECONDS)
    if isinstance(outcome, VmkopsError):
        raise outcome
    return outcome


def wait_for(instance: Instance, task: vim.Task, progress: Progress | None = None, *, removes: bool = False) -> Any:
    """Wait until the task ends and return its result; raises the task's fault. Run it in a thread.

    Each request stays open for twenty seconds, so that a vCenter that goes away is noticed. The task itself has no
    time limit: a limit would report a merge as failed that still runs. `progress` gets the percentages that vSphere
    reports, which it does for some tasks only. A task that `removes` its VM has no questions that can be waited for.
    """

    def has_ended(changed: Mapping[str, Any]) -> bool:
        if progress is not None and changed.get("info.progress") is not None:
            progress(changed["info.progress"])
        return changed.get("info.state") in ENDED

    names = ["info.state", *(["info.progress"] if progress else [])]
    if watched() and not removes:
        names += ["info.entity", "info.entityName"]
    _wait_for_change(instance, task, names, has_ended)
    info: Any = task.info
    if info.state == vim.TaskInfo.State.error:
        raise info.error
    return info.result


def watch(instance: Instance, managed: Any, name: str, accept: Callable[[Any], bool]) -> Any:
    """Wait until `accept(value)` is true for the property `name` of a managed object; returns that value."""
    return _wait_for_change(instance, managed, [name], lambda changed: name in changed and accept(changed[name]))[name]


def server_time(instance: Instance) -> str:
    """The time of vCenter's clock, RFC 3339 in UTC."""
    now: datetime = instance.CurrentTime()
    return now.astimezone(UTC).isoformat()


def recent_tasks(instance: Instance, managed: Any) -> list[tuple[vim.Task, Any]]:
    """The tasks that vCenter lists for a managed object, also those that ended lately, each with its `TaskInfo`."""
    return read_with_tasks(instance, managed, ["name"]).tasks


class WithTasks(NamedTuple):
    """Properties of a VM or host, its tasks as `recent_tasks` has them, and what `read_related` reads beside it."""

    values: dict[str, Any]
    tasks: list[tuple[Any, Any]]
    related: dict[str, list[tuple[Any, dict[str, Any]]]]


def read_with_tasks(
    instance: Instance, managed: Any, names: list[str], related: Mapping[str, tuple[type, list[str]]] | None = None
) -> WithTasks:
    """Read these properties of a VM or host, its tasks, and the `related` objects of `read_related`, in one call."""
    related = related or {}
    try:
        values, found = read_related(instance, managed, [*names, RECENT], {**related, RECENT: (vim.Task, ["info"])})
        infos = {task._moId: its["info"] for task, its in found.pop(RECENT) if "info" in its}
        tasks = [(task, infos[task._moId]) for task in values.get(RECENT, []) if task._moId in infos]
        return WithTasks(values, tasks, found)
    except vmodl.fault.ManagedObjectNotFound as fault:
        if getattr(fault.obj, "_moId", None) == managed._moId:
            raise
    # vCenter has dropped one of the tasks meanwhile.
    values, found = read_related(instance, managed, [*names, RECENT], related)
    there = read_present(instance, list(values.get(RECENT, [])), vim.Task, ["info"])
    return WithTasks(values, [(task, its["info"]) for task, its in there], found)


def under_way(tasks: Iterable[tuple[Any, Any]]) -> list[str]:
    """The names of those of the tasks, with their infos, that run or wait now, such as `powerOn`."""
    return [_name(info) for _, info in tasks if info.state not in ENDED]


def _find_task(instance: Instance, managed: Any, names: Collection[str], queued_since: str | None) -> str | None:
    """The moref of a task with one of these names: one that was queued since that time or, without a time, one that
    has not ended.
    """
    since = datetime.fromisoformat(queued_since) if queued_since else None
    for task, info in recent_tasks(instance, managed):
        fits = info.state not in ENDED if since is None else info.queueTime >= since
        if fits and _name(info) in names:
            return str(task._moId)
    if since is not None and datetime.fromisoformat(server_time(instance)) - since > REMEMBERED:
        raise Conflict(
            "vmkops lost contact with vCenter during this task, for too long to find out whether the task was started. "
            "Check the VM or host in vCenter, and start the action again if it is still needed."
        )
    return None


def _name(info: Any) -> str:
    return str(info.descriptionId).rpartition(".")[2]


async def _begin(session: Session, begin: Callable[[Instance], str | None]) -> str | None:
    starting = asyncio.ensure_future(session.call(begin))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError as error:
        if JOB_CANCELLED in error.args:
            with contextlib.suppress(VmkopsError):
                if task := await starting:
                    await _stop(session, task)
        raise


async def _wait(session: Session, task: str, progress: Progress | None) -> None:
    try:
        await session.call(lambda instance: wait_for(instance, vim.Task(task, instance._stub), progress), limit=None)
    except asyncio.CancelledError as error:
        if JOB_CANCELLED in error.args:
            await _stop(session, task)
        raise


async def _wait_for_earlier(session: Session, task: str, progress: Progress | None) -> None:
    try:
        await _wait(session, task, progress)
    except VSphereUnavailable:
        raise
    except VmkopsError as error:
        log.info("an earlier task failed, so a new one is started: %s", error)


async def _stop(session: Session, task: str) -> None:
    """Ask vSphere to cancel a task and give it some time to end; after that, it goes on."""
    with contextlib.suppress(VmkopsError):
        await session.call(lambda instance: vim.Task(task, instance._stub).CancelTask())
    with contextlib.suppress(VmkopsError):  # a task that refuses to be cancelled may still end soon
        await session.call(lambda instance: wait_for(instance, vim.Task(task, instance._stub)), limit=STOP_SECONDS)


def _wait_for_change(
    instance: Instance, managed: Any, names: list[str], accept: Callable[[Mapping[str, Any]], bool]
) -> Mapping[str, Any]:
    """Wait until `accept(changed)` is true for the properties that changed together; returns those.

    When `info.entity` is among the properties of a task, the questions of its VM are attended to meanwhile.

    Each call has a property collector of its own, so that several threads can wait at a time.
    """
    specs = vmodl.query.PropertyCollector
    collector = instance.content.propertyCollector.CreatePropertyCollector()
    try:
        collector.CreateFilter(
            specs.FilterSpec(
                objectSet=[specs.ObjectSpec(obj=managed, skip=False)],
                propSet=[specs.PropertySpec(type=type(managed), pathSet=names, all=False)],
            ),
            partialUpdates=False,
        )
        version, vm_name, reported = "", "", False
        while True:
            update = collector.WaitForUpdatesEx(version, specs.WaitOptions(maxWaitSeconds=SLICE_SECONDS))
            if update is None:
                continue
            version = update.version
            for filtered in update.filterSet:
                for item in filtered.objectSet:
                    changed = {change.name: change.val for change in item.changeSet}
                    vm = changed.get("info.entity")
                    if "runtime.question" in changed:
                        reported = attend(item.obj, vm_name, changed["runtime.question"], reported=reported)
                    elif accept(changed):
                        return changed
                    elif isinstance(vm, vim.VirtualMachine):
                        vm_name = str(changed.get("info.entityName") or "The VM")
                        reported = attend(vm, vm_name, _watch_question(instance, collector, vm), reported=reported)
    finally:
        collector.DestroyPropertyCollector()


def _watch_question(instance: Instance, collector: Any, vm: Any) -> Any:
    """Let a property collector also report the questions of a VM, and return what it asks now; None without one."""
    specs = vmodl.query.PropertyCollector
    names = ["runtime.question"]
    wanted = specs.FilterSpec(
        objectSet=[specs.ObjectSpec(obj=vm, skip=False)],
        propSet=[specs.PropertySpec(type=vim.VirtualMachine, pathSet=names, all=False)],
    )
    try:
        collector.CreateFilter(wanted, partialUpdates=False)
        return read_properties(instance, [vm], vim.VirtualMachine, names)[0][1].get("runtime.question")
    except vmodl.fault.ManagedObjectNotFound:
        return None
