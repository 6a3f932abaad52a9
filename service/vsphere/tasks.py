"""Waits for vSphere tasks, each waiting thread with a property collector of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pyVmomi import vim, vmodl

from service.vsphere.session import Instance

SLICE_SECONDS = 20
Progress = Callable[[int], None]
"""Is told how many percent of a task are done, in the thread that waits for it."""
ENDED = (vim.TaskInfo.State.success, vim.TaskInfo.State.error)


def wait_for(instance: Instance, task: vim.Task, progress: Progress | None = None) -> Any:
    """Wait until the task ends and return its result; raises the task's fault. Run it in a thread.

    It waits in slices of twenty seconds, so a vCenter that has gone away is noticed; the task itself may take as
    long as it takes: a time-out here would call a merge failed that is still going on. `progress` is told the
    percents that vSphere tells, which it does for some tasks only.
    """

    def ended(changed: Mapping[str, Any]) -> bool:
        if progress is not None and changed.get("info.progress") is not None:
            progress(changed["info.progress"])
        return changed.get("info.state") in ENDED

    _follow(instance, task, ["info.state", *(["info.progress"] if progress else [])], ended)
    info: Any = task.info
    if info.state == vim.TaskInfo.State.error:
        raise info.error
    return info.result


def watch(instance: Instance, thing: Any, name: str, enough: Callable[[Any], bool]) -> Any:
    """Wait until `enough(value)` holds for the property `name` of `thing`; returns that value."""
    return _follow(instance, thing, [name], lambda changed: name in changed and enough(changed[name]))[name]


def _follow(
    instance: Instance, thing: Any, names: list[str], enough: Callable[[Mapping[str, Any]], bool]
) -> Mapping[str, Any]:
    """Wait until `enough(changed)` holds for the properties that have changed together; returns those."""
    specs = vmodl.query.PropertyCollector
    collector = instance.content.propertyCollector.CreatePropertyCollector()
    try:
        collector.CreateFilter(
            specs.FilterSpec(
                objectSet=[specs.ObjectSpec(obj=thing, skip=False)],
                propSet=[specs.PropertySpec(type=type(thing), pathSet=names, all=False)],
            ),
            partialUpdates=False,
        )
        version = ""
        while True:
            update = collector.WaitForUpdatesEx(version, specs.WaitOptions(maxWaitSeconds=SLICE_SECONDS))
            if update is None:
                continue
            version = update.version
            for filtered in update.filterSet:
                for item in filtered.objectSet:
                    changed = {change.name: change.val for change in item.changeSet}
                    if enough(changed):
                        return changed
    finally:
        collector.DestroyPropertyCollector()
