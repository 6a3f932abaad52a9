"""Waits for vSphere tasks, each waiting thread with a property collector of its own."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim, vmodl

from service.vsphere.session import Instance

SLICE_SECONDS = 20
ENDED = (vim.TaskInfo.State.success, vim.TaskInfo.State.error)


def wait_for(instance: Instance, task: vim.Task) -> Any:
    """Wait until the task ends and return its result; raises the task's fault. Run it in a thread.

    It waits in slices of twenty seconds, so a vCenter that has gone away is noticed; the task itself may take as
    long as it takes: a time-out here would call a merge failed that is still going on.
    """
    watch(instance, task, "info.state", lambda state: state in ENDED)
    info: Any = task.info
    if info.state == vim.TaskInfo.State.error:
        raise info.error
    return info.result


def watch(instance: Instance, thing: Any, name: str, enough: Any) -> Any:
    """Wait until `enough(value)` holds for the property `name` of `thing`; returns that value."""
    specs = vmodl.query.PropertyCollector
    collector = instance.content.propertyCollector.CreatePropertyCollector()
    try:
        collector.CreateFilter(
            specs.FilterSpec(
                objectSet=[specs.ObjectSpec(obj=thing, skip=False)],
                propSet=[specs.PropertySpec(type=type(thing), pathSet=[name], all=False)],
            ),
            partialUpdates=False,
        )
        version = ""
        while True:
            update = collector.WaitForUpdatesEx(version, specs.WaitOptions(maxWaitSeconds=SLICE_SECONDS))
            if update is None:
                continue
            version = update.version
            for changed in update.filterSet:
                for item in changed.objectSet:
                    for change in item.changeSet:
                        if change.name == name and enough(change.val):
                            return change.val
    finally:
        collector.DestroyPropertyCollector()
