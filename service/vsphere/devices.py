"""The devices of a VM that actions change: CD-ROM and floppy drives, and serial ports on a named pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim

from service.vsphere.session import Instance, Session, read_properties, vm_of
from service.vsphere.vms import reconfigure

DRIVES = (vim.vm.device.VirtualCdrom, vim.vm.device.VirtualFloppy)


class Drive(BaseModel):
    """A CD-ROM or floppy drive; `start_connected` says whether it is connected when the VM is powered on."""

    model_config = ConfigDict(frozen=True)

    key: int
    label: str
    connected: bool
    start_connected: bool
    medium: str
    """The datastore path of the ISO or floppy image; empty when the drive has none."""

    @property
    def in_use(self) -> bool:
        """Whether it is connected now or at the next power-on."""
        return self.connected or self.start_connected


class SerialPort(BaseModel):
    """A virtual serial port; `pipe` and `end` (`server` or `client`) are empty when it has no named pipe."""

    model_config = ConfigDict(frozen=True)

    key: int
    label: str
    pipe: str
    end: str


async def read_drives(session: Session, vm: str) -> list[Drive]:
    """The CD-ROM and floppy drives of the VM `vm` (a moref)."""
    devices = await session.call(lambda instance: _devices(instance, vm))
    return [_drive(device) for device in devices if isinstance(device, DRIVES)]


async def disconnect_drives(session: Session, vm: str) -> list[str]:
    """Disconnect every drive, now and at the next power-on; returns the labels of those that were connected."""
    devices = await session.call(lambda instance: _devices(instance, vm))
    drives = _in_use(devices)
    for device in drives:
        assert device.connectable is not None
        device.connectable.connected = device.connectable.startConnected = False
    if drives:
        spec = vim.vm.ConfigSpec(deviceChange=[_edit(device, "edit") for device in drives])
        await reconfigure(session, vm, spec, lambda instance: not _in_use(_devices(instance, vm)))
    return [_drive(device).label for device in drives]


async def read_serial_ports(session: Session, vm: str) -> list[SerialPort]:
    """The serial ports of the VM `vm` (a moref)."""
    return _serial_ports(await session.call(lambda instance: _devices(instance, vm)))


async def add_pipe(session: Session, vm: str, *, path: str, end: str, no_rx_loss: bool) -> tuple[str, bool]:
    """Add a serial port on a named pipe; returns its label, and False when the VM already had that end of the pipe."""
    if port := await find_pipe(session, vm, path=path, end=end):
        return port.label, False
    port_device = vim.vm.device.VirtualSerialPort(
        key=-1,
        yieldOnPoll=True,
        connectable=vim.vm.device.VirtualDevice.ConnectInfo(
            startConnected=True, connected=True, allowGuestControl=True
        ),
        backing=vim.vm.device.VirtualSerialPort.PipeBackingInfo(pipeName=path, endpoint=end, noRxLoss=no_rx_loss),
    )
    spec = vim.vm.ConfigSpec(deviceChange=[_edit(port_device, "add")])
    await reconfigure(session, vm, spec, lambda instance: _pipe(_devices(instance, vm), path, end) is not None)
    port = await find_pipe(session, vm, path=path, end=end)
    return (port.label if port else ""), True


async def find_pipe(session: Session, vm: str, *, path: str, end: str) -> SerialPort | None:
    """The VM's serial port at this end of this pipe."""
    return _pipe(await session.call(lambda instance: _devices(instance, vm)), path, end)


def _devices(instance: Instance, vm: str) -> list[Any]:
    wanted = ["config.hardware.device"]
    values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, wanted)[0][1]
    return list(values.get("config.hardware.device", []))


def _in_use(devices: Sequence[Any]) -> list[Any]:
    return [device for device in devices if isinstance(device, DRIVES) and _drive(device).in_use]


def _pipe(devices: Sequence[Any], path: str, end: str) -> SerialPort | None:
    return next((port for port in _serial_ports(devices) if (port.pipe, port.end) == (path, end)), None)


def _drive(device: Any) -> Drive:
    connectable = device.connectable
    return Drive(
        key=device.key,
        label=_label(device),
        connected=bool(connectable and connectable.connected),
        start_connected=bool(connectable and connectable.startConnected),
        medium=str(getattr(device.backing, "fileName", "") or ""),
    )


def _serial_ports(devices: Sequence[Any]) -> list[SerialPort]:
    return [
        SerialPort(
            key=device.key,
            label=_label(device),
            pipe=str(getattr(device.backing, "pipeName", "") or ""),
            end=str(getattr(device.backing, "endpoint", "") or ""),
        )
        for device in devices
        if isinstance(device, vim.vm.device.VirtualSerialPort)
    ]


def _label(device: Any) -> str:
    return str(device.deviceInfo.label) if device.deviceInfo else f"device {device.key}"


def _edit(device: Any, operation: str) -> Any:
    return vim.vm.device.VirtualDeviceSpec(operation=operation, device=device)
