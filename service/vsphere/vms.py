"""One VM as actions read it, and the calls that change its power state, its configuration and its question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

from pyVmomi import vim

from service.errors import ConfigurationChanged, Conflict
from service.retry import attempts
from service.vsphere import inventory
from service.vsphere.inventory import Vm
from service.vsphere.questions import Question, read_question
from service.vsphere.session import Instance, Session, read_properties, vm_of
from service.vsphere.tasks import Progress, WithTasks, read_with_tasks, run_task, server_time, under_way

Power = Literal["poweredOn", "poweredOff"]

RECONFIGURATIONS = 3
"""How often a change of the configuration is tried while somebody else changes it too."""
PROPERTIES = [*inventory.PROPERTIES, "config.tools.syncTimeWithHost", "runtime.question"]


class VmState(Vm):
    """A VM read from vCenter now, with what only an action needs to know."""

    at: str
    """When it was read, by vCenter's clock: RFC 3339 in UTC."""
    time_sync: bool
    """Whether VMware Tools keep the guest's clock at the host's time."""
    question: Question | None
    tasks: tuple[str, ...]
    """The vSphere tasks that run or wait on the VM, such as `powerOn`."""

    @classmethod
    def of(cls, vcenter: str, moref: str, found: WithTasks, **more: Any) -> Self:
        """The state from the properties `PROPERTIES` and the tasks; `more` are the fields that they do not decide."""
        values = found.values
        return cls.read(
            vcenter,
            moref,
            values,
            time_sync=bool(values.get("config.tools.syncTimeWithHost", False)),
            question=read_question(values.get("runtime.question")),
            tasks=tuple(under_way(found.tasks)),
            **more,
        )


async def read_state(session: Session, moref: str) -> VmState:
    """The VM with this moref, read from vCenter now; raises NotFound when it is gone."""

    def ask(instance: Instance) -> VmState:
        vm = vm_of(instance, moref)
        at = server_time(instance)
        return VmState.of(session.vcenter.name, moref, read_with_tasks(instance, vm, PROPERTIES), at=at)

    return await session.call(ask)


async def set_power(session: Session, moref: str, wanted: Power, progress: Progress) -> bool:
    """Power the VM on or off without asking its guest; False when it already was in that state."""

    def start(instance: Instance) -> Any:
        vm = vm_of(instance, moref)
        if power_state(instance, moref) == wanted:
            return None
        return vm.PowerOnVM_Task() if wanted == "poweredOn" else vm.PowerOffVM_Task()

    name = "powerOn" if wanted == "poweredOn" else "powerOff"
    return await run_task(session, vim.VirtualMachine, moref, start, names={name}, progress=progress)


async def wait_for_power_on(session: Session, moref: str) -> None:
    """Wait until no power-on of the VM runs or waits, whoever started it and however it ends."""
    await run_task(session, vim.VirtualMachine, moref, lambda _: None, names={"powerOn"})


async def reset(session: Session, moref: str, *, since: str) -> None:
    """Reset the VM, once: a reset that was queued since `since` (vCenter's time) is waited for, not repeated."""

    def start(instance: Instance) -> Any:
        return vm_of(instance, moref).ResetVM_Task()

    await run_task(session, vim.VirtualMachine, moref, start, names={"reset"}, once_since=since)


async def ask_to_shut_down(session: Session, moref: str) -> None:
    """Ask the guest to shut down, unless the VM is off. The guest decides when, and whether, it does so."""

    def ask(instance: Instance) -> None:
        if power_state(instance, moref) == "poweredOn":
            vm_of(instance, moref).ShutdownGuest()

    await session.call(ask)


async def is_off(session: Session, moref: str) -> bool:
    """Whether the VM is powered off."""
    return await session.call(lambda instance: power_state(instance, moref) == "poweredOff")


async def answer(session: Session, moref: str, question_id: str, choice: str) -> bool:
    """Answer the VM's question with the key of a choice; False when the VM no longer waits on a question.

    Raises Conflict when the VM now asks another question than `question_id`.
    """

    def ask(instance: Instance) -> bool:
        vm = vm_of(instance, moref)
        found = read_properties(instance, [vm], vim.VirtualMachine, ["runtime.question"])[0][1]
        asked = read_question(found.get("runtime.question"))
        if asked is None:
            return False
        if asked.id != question_id:
            raise Conflict(f"The VM now asks another question: {asked.text} Start the action again to answer that one.")
        vm.AnswerVM(questionId=question_id, answerChoice=choice)
        return True

    return await session.call(ask)


async def reconfigure(session: Session, moref: str, spec: Any, is_done: Callable[[Instance], bool]) -> None:
    """Change the VM's configuration, unless `is_done` finds that an earlier attempt has already changed it."""
    await reconfigure_as(session, moref, lambda instance: None if is_done(instance) else spec)


async def reconfigure_as(session: Session, moref: str, wanted: Callable[[Instance], Any]) -> bool:
    """Change the VM's configuration to the ConfigSpec that `wanted` makes; False when it finds nothing to change.

    The change applies only to the configuration that `wanted` has seen. So vCenter refuses a call that it carries out
    late, when the call was given up and made again: a device is not added twice.
    """

    def start(instance: Instance) -> Any:
        vm = vm_of(instance, moref)
        found = read_properties(instance, [vm], vim.VirtualMachine, ["config.changeVersion"])[0][1]
        spec = wanted(instance)
        if spec is None:
            return None
        spec.changeVersion = found.get("config.changeVersion")
        return vm.ReconfigVM_Task(spec)

    async def attempt() -> bool:
        return await run_task(session, vim.VirtualMachine, moref, start, names={"reconfigVm", "reconfigure"})

    return await attempts(attempt, times=RECONFIGURATIONS, of=ConfigurationChanged)


async def set_time_sync(session: Session, moref: str, enabled: bool) -> None:
    """Turn on or off that VMware Tools keep the guest's clock at the host's time (`tools.syncTimeWithHost`)."""
    wanted = "config.tools.syncTimeWithHost"

    def is_done(instance: Instance) -> bool:
        found = read_properties(instance, [vm_of(instance, moref)], vim.VirtualMachine, [wanted])[0][1]
        return found.get(wanted) is enabled

    spec = vim.vm.ConfigSpec(tools=vim.vm.ToolsConfigInfo(syncTimeWithHost=enabled))
    await reconfigure(session, moref, spec, is_done)


def power_state(instance: Instance, moref: str) -> str:
    """`poweredOn`, `poweredOff` or `suspended`, now."""
    found = read_properties(instance, [vm_of(instance, moref)], vim.VirtualMachine, ["runtime.powerState"])
    return str(found[0][1].get("runtime.powerState", ""))
