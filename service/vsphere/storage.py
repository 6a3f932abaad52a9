"""The storage of a host: HBAs, iSCSI targets, LUNs and VMFS volumes, and the rescans that find new ones."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim

from knowledge.iscsi import DEFAULT_PORT
from service.errors import Conflict
from service.vsphere.hosts import host_of
from service.vsphere.session import Instance, Session, read_properties

RESCAN_SECONDS = 1800
"""Limit of a rescan; one of many paths takes minutes."""


class Hba(BaseModel):
    """An adapter, such as vmhba64; targets are `address:port`, static ones `address:port,name`."""

    model_config = ConfigDict(frozen=True)

    device: str
    model: str
    iscsi_name: str
    """Empty for an adapter that is not an iSCSI adapter."""
    software: bool
    send_targets: tuple[str, ...]
    static_targets: tuple[str, ...]


class HostStorage(BaseModel):
    """What a host sees: `luns` by canonical name, `volumes` (VMFS) by label."""

    model_config = ConfigDict(frozen=True)

    hbas: tuple[Hba, ...]
    luns: tuple[str, ...]
    volumes: tuple[str, ...]


async def read_storage(session: Session, host: str) -> HostStorage:
    """The storage of the host `host` (a moref), as the last scan found it."""

    def ask(instance: Instance) -> HostStorage:
        system = _system(instance, host)
        wanted = ["storageDeviceInfo", "fileSystemVolumeInfo.mountInfo"]
        values = read_properties(instance, [system], vim.host.StorageSystem, wanted)[0][1]
        devices = values.get("storageDeviceInfo")
        mounts = [mount.volume for mount in values.get("fileSystemVolumeInfo.mountInfo", [])]
        return HostStorage(
            hbas=tuple(_hba(each) for each in (devices.hostBusAdapter if devices else [])),
            luns=tuple(str(lun.canonicalName) for lun in (devices.scsiLun if devices else [])),
            volumes=tuple(str(each.name) for each in mounts if isinstance(each, vim.host.VmfsVolume)),
        )

    return await session.call(ask)


async def rescan_hbas(session: Session, host: str, hba: str = "") -> None:
    """Look for new LUNs and paths, on one adapter or on all; HBAs are scanned before VMFS."""

    def ask(instance: Instance) -> None:
        system = _system(instance, host)
        if hba:
            system.RescanHba(hba)
        else:
            system.RescanAllHba()

    await session.call(ask, limit=RESCAN_SECONDS)


async def rescan_vmfs(session: Session, host: str) -> None:
    """Look for new VMFS volumes on the LUNs that the host sees."""
    await session.call(lambda instance: _system(instance, host).RescanVmfs(), limit=RESCAN_SECONDS)


async def add_target(session: Session, host: str, hba: str, *, address: str, port: int, name: str) -> bool:
    """Add a static target, or a send target when `name` is empty; False when the adapter already had it."""
    kinds = vim.host.InternetScsiHba

    def ask(instance: Instance) -> bool:
        system = _system(instance, host)
        try:
            if name:
                static = kinds.StaticTarget(address=address, port=port, iScsiName=name)
                system.AddInternetScsiStaticTargets(iScsiHbaDevice=hba, targets=[static])
            else:
                send = kinds.SendTarget(address=address, port=port)
                system.AddInternetScsiSendTargets(iScsiHbaDevice=hba, targets=[send])
        except vim.fault.AlreadyExists:
            return False
        return True

    storage = await read_storage(session, host)
    found = next((each for each in storage.hbas if each.device == hba), None)
    if found is not None and has_target(found, address=address, port=port, name=name):
        return False
    return await session.call(ask)


def has_target(hba: Hba, *, address: str, port: int, name: str) -> bool:
    """Whether the adapter has the target."""
    if name:
        return f"{address}:{port},{name}" in hba.static_targets
    return f"{address}:{port}" in hba.send_targets


def _system(instance: Instance, host: str) -> Any:
    wanted = ["configManager.storageSystem"]
    values = read_properties(instance, [host_of(instance, host)], vim.HostSystem, wanted)[0][1]
    if "configManager.storageSystem" not in values:
        raise Conflict("vCenter cannot reach the storage of this host. Check that the host is connected.")
    return values["configManager.storageSystem"]


def _hba(adapter: Any) -> Hba:
    iscsi = isinstance(adapter, vim.host.InternetScsiHba)
    send = list(adapter.configuredSendTarget or []) if iscsi else []
    static = list(adapter.configuredStaticTarget or []) if iscsi else []
    return Hba(
        device=adapter.device,
        model=str(adapter.model or ""),
        iscsi_name=str(adapter.iScsiName) if iscsi else "",
        software=bool(iscsi and adapter.isSoftwareBased),
        send_targets=tuple(f"{each.address}:{each.port or DEFAULT_PORT}" for each in send),
        static_targets=tuple(f"{each.address}:{each.port or DEFAULT_PORT},{each.iScsiName}" for each in static),
    )
