"""Connects two VMs by a serial port on each and a named pipe on their host."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from pydantic import Field, field_validator

from knowledge.errors import Unreadable
from knowledge.vmx.serial import End, SerialPipe
from knowledge.vmx.syntax import check_value
from service.actions._targeted import CHECK, CheckContext, info, refuse, undo, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import ActionClass, Check
from service.api.words import vsphere_words
from service.errors import InvalidParams
from service.jobs.action import Context, JobControl, StepResult, Target
from service.vsphere.devices import SerialPort, add_pipe, read_serial_ports
from service.vsphere.inventory import find_vm
from service.vsphere.selectors import lock_key, read_exact
from service.vsphere.vcenters import VCenters
from service.vsphere.vms import VmState, read_state

SERVER, CLIENT = "server end", "client end"
MOST_PORTS = 4
"""Serial ports that a VM may have in every release; ESXi 6.x allows 32."""


class PipeEnd(StepResult):
    """One end of the pipe: the VM's name and the label of its serial port."""

    vm: str
    port: str


class PipeBetween(VmParams):
    """The VM at the server end, the one at the client end, and the path of the pipe."""

    peer: str = Field(
        min_length=1, max_length=260, description="The VM at the client end; `vm` is the one at the server end."
    )
    path: str = Field(
        min_length=1, max_length=255, description="The full path of the pipe, /vmfs/volumes/..., the same at both ends."
    )
    form: Literal["documented", "peers"] = Field(
        default="documented",
        description="The setting tryNoRxLoss: documented turns it on, peers turns it off as libvirt does.",
    )

    @field_validator("path")
    @classmethod
    def _path(cls, given: str) -> str:
        try:
            check_value(given)
        except Unreadable as error:
            raise ValueError(str(error)) from None
        if not given.strip():
            raise ValueError("a path must not be blank")
        return given.strip()

    @property
    def pipe(self) -> SerialPipe:
        """The pipe as the VMX lookup describes it."""
        return SerialPipe(path=self.path, form=self.form)


class SerialPipeBetween(VmAction[PipeBetween]):
    """Adds the next free port to each VM."""

    name = "serial-pipe"
    summary = "Connect two powered-off VMs by a serial pipe: a new serial port on each, both ends at once."
    action_class = ActionClass.SAFE  # both VMs are off, and the new ports can be removed
    steps = (CHECK, SERVER, CLIENT)
    params = PipeBetween

    async def target(self, context: Context, params: PipeBetween) -> Target:
        """The VM at the server end; the job also holds the key of the one at the client end."""
        target = await super().target(context, params)
        return replace(target, also=(lock_key(self.kind, *read_exact(target.params["peer"])),))

    async def exact(self, vcenters: VCenters, params: PipeBetween) -> PipeBetween:
        """The peer by its moref too; raises InvalidParams when it is in another vCenter."""
        vcenter = read_exact(params.vm).vcenter
        peer = await find_vm(vcenters, vcenters.pinned(params.peer, vcenter))
        if peer.vcenter != vcenter:
            raise InvalidParams(
                f"{peer.name} is in the vCenter {peer.vcenter}, but a pipe connects two VMs of one host. Set "
                "peer to another VM."
            )
        return params.model_copy(update={"peer": peer.selector})

    async def checks(self, context: CheckContext[VmState, PipeBetween]) -> Iterable[Check]:
        """Whether they are two VMs on one host, both off, each with a free port."""
        vm, pipe = context.state, context.params.pipe
        peer = await self._peer(context)
        if peer.moref == vm.moref:
            return [refuse("same-vm", f"{vm.name} cannot be at both ends. Set peer to another VM.")]
        found: list[Check] = []
        for each, end in ((vm, "server"), (peer, "client")):
            ports = await read_serial_ports(context.session, each.moref)
            found += [*vm_checks(each), *_end_checks(each, ports, pipe.path, end)]
        if vm.host != peer.host:
            found.append(
                warn(
                    "hosts", f"{vm.name} and {peer.name} are on different hosts, and a pipe works only within one host."
                )
            )
        if not pipe.is_shared_path:
            found.append(
                refuse(
                    "path", f"{pipe.path!r} is relative, so each VM would use its own directory. Give the full path."
                )
            )
        found.append(info("service-console", "`ls` on the host does not show the pipe. Test it from the guests."))
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, PipeBetween]) -> dict[str, Any]:
        """The server end first, as its VM must be powered on first."""
        vm, pipe = context.state, context.params.pipe

        async def add_end(of: End, at: VmState) -> PipeEnd:
            port, added = await add_pipe(
                context.session, at.moref, path=pipe.path, end=of, no_rx_loss=pipe.try_no_rx_loss
            )
            hint = undo(f"remove {port} in the settings of {at.name}")
            detail = f"{port} of {at.name} is the {of} end. {hint}" if added else f"{at.name} already had it: {port}."
            return PipeEnd(vm=at.name, port=port, detail=detail)

        server = await job.step_as(PipeEnd, SERVER, partial(add_end, "server", vm))

        async def add_client_end() -> PipeEnd:
            return await add_end("client", await self._peer(context))

        client = await job.step_as(PipeEnd, CLIENT, add_client_end)
        return {
            "server_port": f"{server.vm}: {server.port}",
            "client_port": f"{client.vm}: {client.port}",
            "path": pipe.path,
            "power_on_first": vm.name,
        }

    async def _peer(self, context: CheckContext[VmState, PipeBetween]) -> VmState:
        peer = await read_state(context.session, read_exact(context.params.peer).moref)
        return peer.model_copy(update={"name": context.vcenters.shown(peer.vcenter, peer.name)})


def _end_checks(vm: VmState, ports: list[SerialPort], path: str, end: str) -> Iterator[Check]:
    if vm.power_state != "poweredOff":
        yield refuse(
            "power",
            f"{vm.name} is {vsphere_words(vm.power_state)}. Power it off: a serial port is added to a VM that is off.",
        )
    if any((port.pipe, port.end) == (path, end) for port in ports):
        yield info("port", f"{vm.name} already has this end.")
    elif len(ports) >= MOST_PORTS:
        yield refuse("port", f"{vm.name} has {len(ports)} serial ports, which is the maximum. Remove one first.")


ACTION = SerialPipeBetween()
