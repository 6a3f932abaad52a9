"""Checks of serial ports over named pipes: each end by itself, and the two ends together."""

from collections.abc import Iterator
from typing import NamedTuple

from knowledge.finding import Finding
from knowledge.vmx.devices import SERIAL, is_present
from knowledge.vmx.excerpt import excerpt
from knowledge.vmx.parse import Vmx
from knowledge.vmx.serial import SerialPipe
from knowledge.vmx.syntax import pasted

_ENDS = ("server", "client")


class _Port(NamedTuple):
    port: str
    path: str
    end: str


def _pipes(vmx: Vmx) -> list[_Port]:
    return [
        _Port(port, vmx.get(f"{port}.fileName") or "", (vmx.get(f"{port}.pipe.endPoint") or "").lower())
        for port in SERIAL
        if is_present(vmx, port) and (vmx.get(f"{port}.fileType") or "").lower() == "pipe"
    ]


def pipe_ends(vmx: Vmx) -> Iterator[Finding]:
    """Report a pipe without a full path, or without an end point that is server or client."""
    for port, path, end in _pipes(vmx):
        if not path:
            message = f"{port} is a pipe without a path."
            yield Finding("pipe-path", "error", port, message, f'{port}.fileName = "/vmfs/volumes/..."')
        elif not SerialPipe(path=path).is_shared_path:
            message = (
                f'{port} has the relative path "{excerpt(path)}", which another VM looks for in its own directory. '
                "The ends connect only when the far end has the full path."
            )
            yield Finding("pipe-path", "warning", vmx.where(f"{port}.fileName"), message)
        if end not in _ENDS:
            message = f"The end point of {port} must be server or client."
            where = vmx.where(f"{port}.pipe.endPoint")
            yield Finding("pipe-endpoint", "error", where, message, f'{port}.pipe.endPoint = "server"')


def pipe_far_end(vmx: Vmx) -> Iterator[Finding]:
    """Report `tryNoRxLoss`, which is for an application at the far end, and a port that keeps a host CPU busy."""
    for port, _, _ in _pipes(vmx):
        key = f"{port}.tryNoRxLoss"
        if vmx.flag(key):
            message = (
                f"{port} sets tryNoRxLoss, which is correct when the far end is an application. Between two VMs, the "
                "notes for ESX 3.5 set it at both ends, but libvirt and Packer do not, and according to VMware's API "
                "reference it is more likely to fail there."
            )
            yield Finding("pipe-far-end", "info", vmx.where(key), message)
        yield_key = f"{port}.yieldOnMsrRead"
        if not vmx.flag(yield_key):
            message = f"{port} does not yield while the guest polls it, so it keeps a host CPU busy."
            yield Finding("pipe-yield", "info", vmx.where(yield_key), message, f'{yield_key} = "TRUE"')


def pipes_within(vmx: Vmx) -> Iterator[Finding]:
    """Report two ports of one VM that are the same end of one pipe."""
    seen: dict[tuple[str, str], str] = {}
    for port, path, end in _pipes(vmx):
        first = seen.setdefault((path, end), port)
        if first != port and path and end in _ENDS:
            other = _ENDS[1 - _ENDS.index(end)]
            message = f"{first} and {port} are both the {end} of {excerpt(path)}."
            where = vmx.where(f"{port}.pipe.endPoint")
            yield Finding("pipe-same-end", "error", where, message, f'{port}.pipe.endPoint = "{other}"')


def network_ports(vmx: Vmx) -> Iterator[Finding]:
    """Report a direct network port, with which a VM cannot move (VMware, Using a Proxy with Virtual Serial Ports)."""
    for port in SERIAL:
        key = f"{port}.fileType"
        if is_present(vmx, port) and (vmx.get(key) or "").lower() == "network" and not vmx.get(f"{port}.vspc"):
            message = (
                f"{port} connects over the network directly, so the VM cannot move with vMotion. A virtual serial port "
                "concentrator (vSPC) makes it possible."
            )
            yield Finding("serial-network", "info", vmx.where(key), message)


def mismatched_pipes(near: Vmx, far: Vmx) -> Iterator[Finding]:
    """Yield findings for pipes of `near` that do not match those of `far`, the VMX of the VM at the other end."""
    far_pipes = _pipes(far)
    near_pipes = _pipes(near)
    shared = {pipe.path for pipe in far_pipes} & {pipe.path for pipe in near_pipes}
    if not shared:
        message = "The two VMs have no pipe in common: " + (
            f"the far end has {excerpt(far_pipes[0].path)}."
            if far_pipes
            else "the far end has no serial port over a pipe."
        )
        fix = pasted(f"{near_pipes[0].port}.fileName", far_pipes[0].path) if near_pipes and far_pipes else ""
        yield Finding("pipe-mismatch", "error", near_pipes[0].port if near_pipes else "file", message, fix)
    for port, path, end in near_pipes:
        for far_port, _, far_end in (pipe for pipe in far_pipes if pipe.path == path):
            where = near.where(f"{port}.pipe.endPoint")
            if end == far_end and end in _ENDS:
                other = _ENDS[1 - _ENDS.index(end)]
                message = f"{port} and the far end's {far_port} are both the {end} of {excerpt(path)}."
                yield Finding("pipe-same-end", "error", where, message, f'{port}.pipe.endPoint = "{other}"')
            far_setting = far.flag(f"{far_port}.tryNoRxLoss")
            if near.flag(f"{port}.tryNoRxLoss") != far_setting:
                message = f"tryNoRxLoss differs between {port} and the far end's {far_port}."
                fix = f'{port}.tryNoRxLoss = "{str(far_setting).upper()}"'
                yield Finding("pipe-mismatch", "warning", where, message, fix)


RULES = (pipe_ends, pipe_far_end, pipes_within, network_ports)
