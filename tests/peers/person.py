"""Somebody in the vSphere Client: does by hand, through pyVmomi, what vmkops has to live with."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim

from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for


@contextlib.contextmanager
def signed_in(vcsim: Vcsim) -> Iterator[Any]:
    """A session of theirs."""
    context = ssl.create_default_context(cafile=str(vcsim.ca_file))
    instance = SmartConnect(host=vcsim.host, port=vcsim.port, user=vcsim.user, pwd=vcsim.password, sslContext=context)
    try:
        yield instance
    finally:
        Disconnect(instance)
        instance._stub.DropConnections()


def wait_for_task(task: Any) -> str:
    """Wait until a task of vSphere has ended well and return its state; raises its error.

    `WaitForTask` of pyVmomi fails on a task that runs and whose method pyVmomi does not know.
    """
    wait_for(lambda: task.info.state in ("success", "error"), what="the end of a task")
    if task.info.state == "error":
        raise task.info.error
    return str(task.info.state)


def take_snapshot(vcsim: Vcsim, vm: str, name: str, description: str = "") -> None:
    """Take a snapshot of a VM."""
    with signed_in(vcsim) as instance:
        machine = vim.VirtualMachine(vcsim.vm(vm)["moref"], instance._stub)
        task = machine.CreateSnapshot_Task(name=name, description=description, memory=False, quiesce=False)
        wait_for_task(task)


def rename_snapshot(vcsim: Vcsim, moref: str, name: str, description: str = "") -> None:
    """Give a snapshot another name, and another description unless that is empty."""
    with signed_in(vcsim) as instance:
        vim.vm.Snapshot(moref, instance._stub).RenameSnapshot(name=name, description=description or None)


def tell_percent(vcsim: Vcsim, percent: int) -> int:
    """Let the tasks that run say how far they are, as a host does; the answer is how many tasks did."""
    with signed_in(vcsim) as instance:
        tasks = [task for task in instance.content.taskManager.recentTask if task.info.state == "running"]
        for task in tasks:
            task.UpdateProgress(percentDone=percent)
    return len(tasks)


def add_disk(vcsim: Vcsim, vm: str, *, size_mb: int, unit: int) -> str:
    """Give a VM a further empty disk at this unit of its first disk's controller; the datastore path of its file."""
    with signed_in(vcsim) as instance:
        machine = vim.VirtualMachine(vcsim.vm(vm)["moref"], instance._stub)
        first = next(each for each in machine.config.hardware.device if isinstance(each, vim.vm.device.VirtualDisk))
        name = f"{first.backing.fileName.rpartition('/')[0]}/disk-at-{unit}.vmdk"
        backing = vim.vm.device.VirtualDisk.FlatVer2BackingInfo(fileName=name, diskMode="persistent")
        disk = vim.vm.device.VirtualDisk(
            key=-1, backing=backing, controllerKey=first.controllerKey, unitNumber=unit, capacityInKB=size_mb << 10
        )
        change = vim.vm.device.VirtualDeviceSpec(operation="add", fileOperation="create", device=disk)
        wait_for_task(machine.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))
    return name
