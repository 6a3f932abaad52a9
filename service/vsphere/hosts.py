"""Hosts in the live inventory, and maintenance mode."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from pyVmomi import vim

from service.vsphere.inventory import AGENTS, manager_of
from service.vsphere.live import Inventory, Kind
from service.vsphere.selectors import FIELDS, Located
from service.vsphere.session import Instance, Session, read_present, read_properties
from service.vsphere.tasks import Progress, read_with_tasks, run_task, under_way
from service.vsphere.vcenters import VCenters

PROPERTIES = [
    "name",
    "parent",
    "runtime.connectionState",
    "runtime.inMaintenanceMode",
    "runtime.powerState",
    "summary.config.product.fullName",
    "summary.config.product.version",
    "summary.hardware.cpuModel",
    "summary.hardware.memorySize",
    "summary.hardware.model",
    "summary.hardware.numCpuCores",
    "vm",
]
VSAN = "config.vsanHostConfig.enabled"
KEEP_ACCESSIBLE = "ensureObjectAccessibility"
ENTER, EXIT = {"enterMaintenanceMode"}, {"exitMaintenanceMode"}


class Host(Located):
    """One host."""

    connection_state: str = ""
    in_maintenance_mode: bool = False
    power_state: str = ""
    product: str = ""
    version: str = ""
    model: str = ""
    cpu_model: str = ""
    cpu_cores: int | None = None
    memory: int | None = None
    """Bytes."""
    vms: int = 0
    """How many VMs are registered on it."""

    @classmethod
    def read(cls, vcenter: str, moref: str, values: dict[str, Any]) -> Host:
        """Make a host from property names and values as the PropertyCollector returns them; unset ones are absent."""
        return cls(
            vcenter=vcenter,
            moref=moref,
            name=values.get("name", ""),
            connection_state=str(values.get("runtime.connectionState", "")),
            in_maintenance_mode=bool(values.get("runtime.inMaintenanceMode", False)),
            power_state=str(values.get("runtime.powerState", "")),
            product=values.get("summary.config.product.fullName", ""),
            version=values.get("summary.config.product.version", ""),
            model=values.get("summary.hardware.model", ""),
            cpu_model=values.get("summary.hardware.cpuModel", ""),
            cpu_cores=values.get("summary.hardware.numCpuCores"),
            memory=values.get("summary.hardware.memorySize"),
            vms=len(values.get("vm", [])),
        )


class HostState(Host):
    """A host read from vCenter now, with what only an action needs to know."""

    running_vms: tuple[str, ...]
    """The names of the VMs that are powered on there, without agents such as vCLS, which vSphere itself stops."""
    registered: dict[str, str] = Field(default_factory=dict)
    """The names of all VMs that are registered there, by moref."""
    in_cluster: bool
    drs: str
    """`fullyAutomated`, `partiallyAutomated`, `manual`, or empty where DRS is off."""
    others_in_service: int
    """How many other hosts of the cluster are connected and not in maintenance mode."""
    tasks: tuple[str, ...]
    """The vSphere tasks that run or wait on the host, such as `enterMaintenanceMode`."""
    vsan: bool = False
    """Whether it or its cluster has vSAN."""
    one_by_one: bool = False
    """Whether vmkops may move its VMs itself; false in states that an earlier version recorded, which did not."""


def _facts(host: Host, _: Inventory) -> str:
    return ", ".join(filter(None, [f"vCenter {host.vcenter}", host.product, host.connection_state]))


HOSTS = Kind(vim.HostSystem, PROPERTIES, Host.read, FIELDS, _facts)


async def find_host(vcenters: VCenters, selector: str) -> Host:
    """The one host that a name, or `name:` or `moref:` and a value, matches; raises what `VCenters.find` raises."""
    return await vcenters.find(HOSTS, selector, "host")


async def read_host(session: Session, moref: str) -> HostState:
    """The host with this moref, read from vCenter now; raises NotFound when it is gone."""

    def ask(instance: Instance) -> HostState:
        host = host_of(instance, moref)
        values, tasks, _ = read_with_tasks(instance, host, [*PROPERTIES, VSAN])
        registered, running = _registered(instance, list(values.get("vm", [])))
        parent = values.get("parent")
        in_cluster = isinstance(parent, vim.ClusterComputeResource)
        drs, others, vsan = _cluster(instance, parent, moref) if in_cluster else ("", 0, False)
        return HostState(
            **Host.read(session.vcenter.name, moref, values).model_dump(),
            running_vms=running,
            registered=registered,
            in_cluster=in_cluster,
            drs=drs,
            others_in_service=others,
            tasks=tuple(under_way(tasks)),
            vsan=vsan or bool(values.get(VSAN, False)),
            one_by_one=in_cluster and drs != "fullyAutomated",
        )

    return await session.call(ask)


async def enter_maintenance(
    session: Session, moref: str, *, seconds: int, evacuate_powered_off: bool, progress: Progress
) -> bool:
    """Put a host into maintenance mode, once no VM runs on it; False when it already was in that mode.

    Without a mode for vSAN, which mode vSphere takes depends on its release; this one keeps every object accessible
    (vSphere API, VsanHostDecommissionMode), and means nothing to a host without vSAN. vSphere gives up after
    `seconds`, and leaves the host in service.
    """

    def start(instance: Instance) -> Any:
        if _in_maintenance(instance, moref):
            return None
        return host_of(instance, moref).EnterMaintenanceMode_Task(
            timeout=seconds,
            evacuatePoweredOffVms=evacuate_powered_off,
            maintenanceSpec=vim.host.MaintenanceSpec(
                vsanMode=vim.vsan.host.DecommissionMode(objectAction=KEEP_ACCESSIBLE)
            ),
        )

    return await run_task(session, vim.HostSystem, moref, start, names=ENTER, progress=progress)


async def exit_maintenance(session: Session, moref: str, *, seconds: int) -> bool:
    """Take a host out of maintenance mode; False when it was in service already."""

    def start(instance: Instance) -> Any:
        if not _in_maintenance(instance, moref):
            return None
        return host_of(instance, moref).ExitMaintenanceMode_Task(timeout=seconds)

    return await run_task(session, vim.HostSystem, moref, start, names=EXIT)


def host_of(instance: Instance, moref: str) -> Any:
    """The host with this moref, as a pyVmomi object; reads nothing."""
    return vim.HostSystem(moref, instance._stub)


def _in_maintenance(instance: Instance, moref: str) -> bool:
    found = read_properties(instance, [host_of(instance, moref)], vim.HostSystem, ["runtime.inMaintenanceMode"])
    return bool(found[0][1].get("runtime.inMaintenanceMode", False))


def _registered(instance: Instance, vms: list[Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The names of the VMs by moref, and those of the VMs that are powered on, without agents."""
    names = ["name", "runtime.powerState", "config.managedBy"]
    found = read_present(instance, vms, vim.VirtualMachine, names)
    running = sorted(
        each.get("name", "")
        for _, each in found
        if each.get("runtime.powerState") == "poweredOn" and manager_of(each) != AGENTS
    )
    return {vm._moId: each.get("name", "") for vm, each in found}, tuple(running)


def _cluster(instance: Instance, cluster: Any, moref: str) -> tuple[str, int, bool]:
    """DRS as in `HostState.drs`, how many other hosts are in service, and whether the cluster has vSAN."""
    names = ["configurationEx", "host"]
    values = read_properties(instance, [cluster], vim.ClusterComputeResource, names)[0][1]
    drs = getattr(values.get("configurationEx"), "drsConfig", None)
    behaviour = str(drs.defaultVmBehavior or "fullyAutomated") if drs is not None and drs.enabled else ""
    others = [host for host in values.get("host", []) if host._moId != moref]
    states = ["runtime.connectionState", "runtime.inMaintenanceMode"]
    found = read_properties(instance, others, vim.HostSystem, states) if others else []
    in_service = [
        each
        for _, each in found
        if each.get("runtime.connectionState") == "connected" and not each.get("runtime.inMaintenanceMode")
    ]
    vsan = getattr(values.get("configurationEx"), "vsanConfigInfo", None)
    return behaviour, len(in_service), bool(vsan and vsan.enabled)
