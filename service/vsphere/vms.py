"""One VM as an action needs to know it, and the verbs that change its power, its question and its Tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim

from service.errors import Conflict
from service.vsphere.session import Instance, Session, read_properties
from service.vsphere.snapshots import Snapshot, snapshot_tree
from service.vsphere.task_runs import carry_out, server_time, tasks_under_way
from service.vsphere.tasks import Progress

Power = Literal["poweredOn", "poweredOff"]

PROPERTIES = [
    "name",
    "config.template",
    "config.tools.syncTimeWithHost",
    "guest.toolsRunningStatus",
    "runtime.connectionState",
    "runtime.consolidationNeeded",
    "runtime.host",
    "runtime.powerState",
    "runtime.question",
    "snapshot.rootSnapshotList",
]


class Question(BaseModel):
    """What a VM waits to be told; `choices` are keys with their labels."""

    model_config = ConfigDict(frozen=True)

    id: str
    text: str
    choices: dict[str, str]


class VmState(BaseModel):
    """A VM at `at` (vCenter's time); `tasks` are the vSphere tasks under way on it."""

    model_config = ConfigDict(frozen=True)

    moref: str
    name: str
    at: str
    host: str
    connection: str
    power_state: str
    template: bool
    tools_running: bool
    time_sync: bool
    consolidation_needed: bool
    question: Question | None
    snapshots: tuple[Snapshot, ...]
    tasks: tuple[str, ...]


def vm_of(instance: Instance, moref: str) -> Any:
    """The VM with this moref, as pyVmomi calls it."""
    return vim.VirtualMachine(moref, instance._stub)


async def read_state(session: Session, moref: str) -> VmState:
    """The VM as it is now; raises NotFound when it has gone."""

    def ask(instance: Instance) -> VmState:
        vm = vm_of(instance, moref)
        at = server_time(instance)
        values = read_properties(instance, [vm], vim.VirtualMachine, PROPERTIES)[0][1]
        return VmState(
            moref=moref,
            name=values.get("name", ""),
            at=at,
            host=getattr(values.get("runtime.host"), "_moId", ""),
            connection=str(values.get("runtime.connectionState", "connected")),
            power_state=str(values.get("runtime.powerState", "")),
            template=bool(values.get("config.template", False)),
            tools_running=values.get("guest.toolsRunningStatus") == "guestToolsRunning",
            time_sync=bool(values.get("config.tools.syncTimeWithHost", False)),
            consolidation_needed=bool(values.get("runtime.consolidationNeeded", False)),
            question=_question(values.get("runtime.question")),
            snapshots=tuple(snapshot_tree(list(values.get("snapshot.rootSnapshotList", [])))),
            tasks=tuple(tasks_under_way(instance, vm)),
        )

    return await session.call(ask)


async def set_power(session: Session, moref: str, wanted: Power, progress: Progress) -> bool:
    """Power the VM on or off, without asking its guest; False when it was so already."""

    def begin(instance: Instance) -> Any:
        vm = vm_of(instance, moref)
        if power_state(instance, moref) == wanted:
            return None
        return vm.PowerOnVM_Task() if wanted == "poweredOn" else vm.PowerOffVM_Task()

    verb = "powerOn" if wanted == "poweredOn" else "powerOff"
    return await carry_out(session, lambda instance: vm_of(instance, moref), begin, names={verb}, progress=progress)


async def reset(session: Session, moref: str, *, since: str) -> None:
    """Reset the VM, once: a reset that was begun after `since` (vCenter's time) is seen through, not repeated."""
    await carry_out(
        session,
        lambda instance: vm_of(instance, moref),
        lambda instance: vm_of(instance, moref).ResetVM_Task(),
        names={"reset"},
        once_since=since,
    )


async def ask_to_shut_down(session: Session, moref: str) -> None:
    """Ask the guest to shut down, unless the VM is off; it may take its time, or not do it."""

    def ask(instance: Instance) -> None:
        if power_state(instance, moref) == "poweredOn":
            vm_of(instance, moref).ShutdownGuest()

    await session.call(ask)


async def is_off(session: Session, moref: str) -> bool:
    """Whether the VM is powered off."""
    return await session.call(lambda instance: power_state(instance, moref) == "poweredOff")


async def answer(session: Session, moref: str, question_id: str, choice: str) -> bool:
    """Answer the VM's question, by the key of a choice; False when that question waits no longer."""

    def ask(instance: Instance) -> bool:
        vm = vm_of(instance, moref)
        found = read_properties(instance, [vm], vim.VirtualMachine, ["runtime.question"])[0][1]
        asked = _question(found.get("runtime.question"))
        if asked is None:
            return False
        if asked.id != question_id:
            raise Conflict(f"The VM asks something else meanwhile: {asked.text} Look at it and answer that.")
        vm.AnswerVM(questionId=question_id, answerChoice=choice)
        return True

    return await session.call(ask)


async def reconfigure(session: Session, moref: str, spec: Any, is_so: Callable[[Instance], bool]) -> None:
    """Change the VM's configuration, unless `is_so` finds that a change begun before has made it so."""

    def begin(instance: Instance) -> Any:
        return None if is_so(instance) else vm_of(instance, moref).ReconfigVM_Task(spec)

    names = {"reconfigVm", "reconfigure"}
    await carry_out(session, lambda instance: vm_of(instance, moref), begin, names=names)


async def set_time_sync(session: Session, moref: str, enabled: bool) -> None:
    """Let VMware Tools keep the guest's clock at the host's time, or not (`tools.syncTimeWithHost`)."""
    wanted = "config.tools.syncTimeWithHost"

    def is_so(instance: Instance) -> bool:
        found = read_properties(instance, [vm_of(instance, moref)], vim.VirtualMachine, [wanted])[0][1]
        return found.get(wanted) is enabled

    spec = vim.vm.ConfigSpec(tools=vim.vm.ToolsConfigInfo(syncTimeWithHost=enabled))
    await reconfigure(session, moref, spec, is_so)


def power_state(instance: Instance, moref: str) -> str:
    """`poweredOn`, `poweredOff` or `suspended`, now."""
    found = read_properties(instance, [vm_of(instance, moref)], vim.VirtualMachine, ["runtime.powerState"])
    return str(found[0][1].get("runtime.powerState", ""))


def _question(asked: Any) -> Question | None:
    if asked is None:
        return None
    return Question(id=asked.id, text=asked.text, choices={item.key: item.label for item in asked.choice.choiceInfo})
