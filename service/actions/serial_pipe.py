"""Connects the serial ports of two VMs by a named pipe on their host, both ends at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field, field_validator

from knowledge.errors import Unreadable
from knowledge.vmx.serial import End, SerialPipe
from knowledge.vmx.syntax import check_value
from service.actions._targeted import CHECK, CheckContext, info, refuse, undo, warn
from service.actions._vm import VmAction, VmParams, vm_checks
from service.api.models import Check
from service.errors import InvalidParams
from service.jobs.action import Context, JobControl, Target
from service.vsphere.devices import SerialPort, add_pipe, read_serial_ports
from service.vsphere.inventory import find_vm
from service.vsphere.selectors import lock_key, read_exact
from service.vsphere.vcenters import VCenters
from service.vsphere.vms import VmState, read_state

SERVER, CLIENT = "server end", "client end"
MOST_PORTS = 4
"""Serial ports of a VM in every release; ESXi 6.x allows 32."""


class PipeBetween(VmParams):
    """The VM that serves the pipe, the one that connects to it, and where the pipe is."""

    peer: str = Field(min_length=1, max_length=260, description="The VM at the client end; vm is the server end.")
    path: str = Field(
        min_length=1, max_length=255, description="Full path of the pipe, /vmfs/volumes/..., the same at both ends."
    )
    form: Literal["documented", "peers"] = Field(
        default="documented", description="tryNoRxLoss: documented sets it, peers turns it off as libvirt does."
    )

    @field_validator("path")
    @classmethod
    def _path(cls, given: str) -> str:
        try:
            check_value(given)
        except Unreadable as error:
            raise ValueError(str(error)) from None
        if not given.strip():
            raise ValueError("a path is not blank")
        return given.strip()

    @property
    def pipe(self) -> SerialPipe:
        """The pipe as the VMX lookup knows it."""
        return SerialPipe(path=self.path, form=self.form)


class SerialPipeBetween(VmAction[PipeBetween]):
    """The next free port on each side."""

    name = "serial-pipe"
    summary = "Connect two powered-off VMs by a serial pipe: a new serial port on each, both ends at once."
    steps = (CHECK, SERVER, CLIENT)
    params = PipeBetween

    async def target(self, context: Context, params: PipeBetween) -> Target:
        """The VM at the server end; the one at the client end is held too."""
        target = await super().target(context, params)
        return replace(target, also=(lock_key(self.kind, *read_exact(target.params["peer"])),))

    async def exact(self, vcenters: VCenters, params: PipeBetween) -> PipeBetween:
        """The peer by its moref too; raises InvalidParams when it is in another vCenter."""
        peer = await find_vm(vcenters, params.peer)
        if peer.vcenter != read_exact(params.vm).vcenter:
            raise InvalidParams(f"{peer.name} is in the vCenter {peer.vcenter}; a pipe joins two VMs of one host.")
        return params.model_copy(update={"peer": peer.selector})

    async def checks(self, context: CheckContext[VmState, PipeBetween]) -> Iterable[Check]:
        """Both VMs off, two different ones, with a port to spare, and on one host."""
        vm, pipe = context.state, context.params.pipe
        peer = await self._peer(context)
        if peer.moref == vm.moref:
            return [refuse("same-vm", f"{vm.name} cannot be at both ends; peer= another VM.")]
        found: list[Check] = []
        for each, end in ((vm, "server"), (peer, "client")):
            ports = await read_serial_ports(context.session, each.moref)
            found += [*vm_checks(each), *_end_checks(each, ports, pipe.path, end)]
        if vm.host != peer.host:
            found.append(
                warn("hosts", f"{vm.name} and {peer.name} are on different hosts; a pipe works only within one host.")
            )
        if not pipe.is_shared_path:
            found.append(
                refuse("path", f"{pipe.path!r} is relative, so each VM looks in its own directory. Give the full path.")
            )
        found.append(info("service-console", "ls on the host does not show the pipe; test it from the guests."))
        return found

    async def act(self, job: JobControl, context: CheckContext[VmState, PipeBetween]) -> dict[str, Any]:
        """The server's end first, as it is the one to be powered on first."""
        vm, pipe = context.state, context.params.pipe

        async def end(of: End, at: VmState) -> dict[str, Any]:
            port, added = await add_pipe(
                context.session, at.moref, path=pipe.path, end=of, no_rx_loss=pipe.try_no_rx_loss
            )
            hint = undo(f"remove {port} in the settings of {at.name}")
            words = f"{port} of {at.name} is the {of}. {hint}" if added else f"{at.name} had it already: {port}."
            return {"vm": at.name, "port": port, "detail": words}

        server = await job.step(SERVER, lambda: end("server", vm))

        async def client_end() -> dict[str, Any]:
            return await end("client", await self._peer(context))

        client = await job.step(CLIENT, client_end)
        ports = {f"{of}_port": f"{each['vm']}: {each['port']}" for of, each in (("server", server), ("client", client))}
        return {**ports, "path": pipe.path, "power_on_first": vm.name}

    async def _peer(self, context: CheckContext[VmState, PipeBetween]) -> VmState:
        return await read_state(context.session, read_exact(context.params.peer).moref)


def _end_checks(vm: VmState, ports: list[SerialPort], path: str, end: str) -> Iterator[Check]:
    if vm.power_state != "poweredOff":
        yield refuse("power", f"{vm.name} is {vm.power_state}; a serial port is added to a VM that is off.")
    if any((port.pipe, port.end) == (path, end) for port in ports):
        yield info("port", f"{vm.name} has this end already.")
    elif len(ports) >= MOST_PORTS:
        yield refuse("port", f"{vm.name} has {len(ports)} serial ports; remove one first.")


ACTION = SerialPipeBetween()
