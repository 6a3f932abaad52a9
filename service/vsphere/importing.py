"""Makes a VM from an OVF descriptor: the import lease, the URLs for its disks, and the removal of an unfinished VM."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

from service.api.words import vsphere_words
from service.errors import ImportFailed, VSphereRefused
from service.vsphere.disks import controllers_of, place_of
from service.vsphere.host_tls import Pin, with_host
from service.vsphere.names import escape
from service.vsphere.nfc import Opened, open_for_caller
from service.vsphere.placement import Place
from service.vsphere.restored_settings import apply_settings
from service.vsphere.session import Instance, Session, read_all, read_properties, vm_of
from service.vsphere.tasks import wait_for, watch
from service.vsphere.vm_settings import VmSettings
from service.vsphere.vms import reconfigure_as

MARK = "vmkops job "
"""The text before the job's id in the notes of a VM that a job has not finished, or always removes."""
MADE = "Made by "
"""The text that is put before a mark when the VM is complete: from then on, no job and no sweep removes it."""
SETTLE_SECONDS = 2
"""Pause between looks while vCenter itself removes what an aborted lease left."""
SETTLE_WITHIN = 330.0
"""How long to look: the lease of a process that died holds its VM until vCenter ends it, after 300 seconds."""


class Upload(BaseModel):
    """One file to send: its path in the package, the disk's key in the lease, and where it goes.

    With `create`, the file is sent by PUT, and the host creates it; a disk is sent by POST. `pin` is the certificate of
    the host in the URL.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    key: str
    url: str
    create: bool
    pin: Pin = Pin()


class ImportLease(BaseModel):
    """An open import lease and the moref of the VM that it makes."""

    model_config = ConfigDict(frozen=True)

    moref: str
    vm: str
    uploads: list[Upload]
    warnings: list[str]


class MadeVm(BaseModel):
    """A VM after its import."""

    model_config = ConfigDict(frozen=True)

    moref: str
    name: str
    power_state: str
    capacities: list[int]
    """Bytes of each disk, in ascending order."""


class MarkedVm(BaseModel):
    """A VM with the mark of a job in its notes: the job began to make it, or it is a clone of such a VM."""

    model_config = ConfigDict(frozen=True)

    moref: str
    name: str
    power_state: str
    job: str


def mark(job_id: str) -> str:
    """The line in a VM's notes by which a job recognizes the VM that it makes, until `hand_over`."""
    return f"{MARK}{job_id}"


def maker(notes: str) -> str:
    """The id of the job that began to make the VM with these notes; empty without one, and for a complete VM."""
    marks = [line for line in notes.splitlines() if line.startswith(MARK)]
    # A VM that was restored from a backup of such a VM has that one's marks too: the last one is its own.
    return marks[-1].removeprefix(MARK) if marks else ""


async def begin_import(
    session: Session,
    place: Place,
    descriptor: str,
    name: str,
    job_id: str,
    note: str,
    opened: Opened,
    *,
    connect_networks: bool,
    settings: VmSettings | None = None,
    keep_identity: bool = False,
    only: Mapping[str, str] | None = None,
) -> ImportLease:
    """Make vCenter create the VM, powered off, and wait until its disks can be sent.

    `opened` gets the lease as soon as there is one. With `only`, the places of some disks by their files, the VM gets
    these disks, their controllers, and nothing else. The VM gets the `settings` that its package keeps, and with
    `keep_identity` UUIDs and MAC addresses too. Its notes get `note` and the job's mark. Without `connect_networks`,
    its network cards do not connect at
    power-on, as when *Connect at power on* is cleared in the client. Raises ImportFailed with vCenter's reasons,
    VSphereRefused when vSphere opens no lease.
    """

    def ask(instance: Instance) -> ImportLease:
        spec = _import_spec(instance, place, descriptor, name)
        config = spec.importSpec.configSpec
        warnings = _messages(spec.warning)
        if only is not None:
            _leave_only(spec, only)
        if settings is not None:
            warnings += apply_settings(config, settings, keep_identity=keep_identity)
        config.annotation = "\n".join(filter(None, [config.annotation, note, mark(job_id)]))
        if not connect_networks:
            _disconnect_networks(config)
        lease = vim.ResourcePool(place.pool.moref, instance._stub).ImportVApp(
            spec=spec.importSpec,
            folder=vim.Folder(place.folder.moref, instance._stub),
            host=_host_of(instance, place),
        )
        opened(lease._moId)
        state = vim.HttpNfcLease.State
        ended = watch(instance, lease, "state", lambda value: value in (state.ready, state.error, state.done))
        if ended != state.ready:
            raise lease.error or VSphereRefused(f"vSphere opened no import lease (its state is {ended}).")
        info: Any = lease.info
        urls = {url.importKey: url for url in info.deviceUrl}
        uploads = []
        for item in spec.fileItem or []:
            if item.deviceId not in urls:
                raise ImportFailed(f"vCenter gives no URL to send {item.path} to.")
            url = urls[item.deviceId]
            uploads.append(
                Upload(
                    path=item.path,
                    key=url.key,
                    url=with_host(url.url, session.vcenter.host),
                    create=bool(item.create),
                    pin=Pin.of(url.sslThumbprint, url.sslCertificate),
                )
            )
        return ImportLease(moref=lease._moId, vm=info.entity._moId, uploads=uploads, warnings=warnings)

    return await open_for_caller(session, ask, limit=None)


async def compare_received(session: Session, lease: str, key: str, path: str, size: int, sha1: str) -> None:
    """Compare what the host received with what was sent; raises ImportFailed when they differ.

    A host that does not report what it received passes.
    """

    def ask(instance: Instance) -> None:
        try:
            entries = vim.HttpNfcLease(lease, instance._stub).HttpNfcLeaseGetManifest()
        except (vmodl.fault.NotSupported, vmodl.fault.MethodNotFound):
            return
        for entry in entries or []:
            if entry.key != key:
                continue
            if entry.size and entry.size != size:
                raise ImportFailed(f"The host received {entry.size} of the {size} bytes of {path}.")
            if entry.sha1 and entry.sha1.lower() != sha1:
                raise ImportFailed(f"The host received {path} with the SHA-1 {entry.sha1}, and {sha1} was sent.")

    await session.call(ask)


async def names_taken(session: Session) -> dict[str, str]:
    """The morefs of all VMs, by name."""

    def ask(instance: Instance) -> dict[str, str]:
        found = read_all(instance, vim.VirtualMachine, ["name"])
        return {values.get("name", ""): managed._moId for managed, values in found}

    return await session.call(ask)


async def read_made(session: Session, vm: str) -> MadeVm:
    """The VM `vm` (a moref), read from vCenter now; raises NotFound."""

    def ask(instance: Instance) -> MadeVm:
        machine = vim.VirtualMachine(vm, instance._stub)
        names = ["name", "runtime.powerState", "config.hardware.device"]
        values = read_properties(instance, [machine], vim.VirtualMachine, names)[0][1]
        disks = [
            each for each in values.get("config.hardware.device", []) if isinstance(each, vim.vm.device.VirtualDisk)
        ]
        return MadeVm(
            moref=vm,
            name=values.get("name", ""),
            power_state=str(values.get("runtime.powerState", "")),
            capacities=sorted(disk.capacityInBytes or disk.capacityInKB * 1024 for disk in disks),
        )

    return await session.call(ask)


async def hand_over(session: Session, vm: str) -> bool:
    """Change the marks in the notes of the complete VM `vm` (a moref), so that nothing removes it from then on.

    `vmkops job ID` becomes `Made by vmkops job ID`; the marks of a VM that it was a backup of change too. False when
    the notes had no mark.
    """

    def wanted(instance: Instance) -> Any:
        values = read_properties(instance, [vm_of(instance, vm)], vim.VirtualMachine, ["config.annotation"])[0][1]
        notes = values.get("config.annotation", "")
        return vim.vm.ConfigSpec(annotation=finished(notes)) if maker(notes) else None

    return await reconfigure_as(session, vm, wanted)


def finished(notes: str) -> str:
    """These notes with no mark of an unfinished VM; see `hand_over`."""
    return "".join(f"{MADE}{line}" if line.startswith(MARK) else line for line in notes.splitlines(keepends=True))


async def remove_made(session: Session, job_id: str, name: str, vm: str = "") -> list[str]:
    """Remove the VMs that have the mark of this job and this name, and nothing else; returns the names of the removed.

    A clone of such a VM has its mark too, and another name or moref. With `vm`, a moref, only that one of them. Raises
    ImportFailed when such a VM is not powered off, because somebody uses it then, or cannot be removed.
    """

    def ask(instance: Instance) -> list[str]:
        removed: list[str] = []
        deadline = time.monotonic() + SETTLE_WITHIN
        while time.monotonic() < deadline:
            found = _made_by(instance, job_id, name, vm)
            if not found:
                return removed
            for each in found:
                if each.power_state != "poweredOff":
                    state = f"{each.name} is {vsphere_words(each.power_state)}"
                    raise ImportFailed(f"{state}, so it was not removed. Remove it in vCenter.")
                if _destroyed(instance, vim.VirtualMachine(each.moref, instance._stub)):
                    removed.append(each.name)
            if _made_by(instance, job_id, name, vm):
                time.sleep(SETTLE_SECONDS)
        names = ", ".join(each.name for each in _made_by(instance, job_id, name, vm))
        raise ImportFailed(f"{names} could not be removed. Remove it in vCenter.")

    return await session.call(ask, limit=None)


def _import_spec(instance: Instance, place: Place, descriptor: str, name: str) -> Any:
    known = {managed._moId: managed for managed, _ in read_all(instance, vim.Network, ["name"])}
    params = vim.OvfManager.CreateImportSpecParams(
        entityName=escape(name),
        locale="",
        hostSystem=_host_of(instance, place),
        deploymentOption="",
        diskProvisioning="thin",
        networkMapping=[
            vim.OvfManager.NetworkMapping(name=network, network=known[to.moref])
            for network, to in place.networks.items()
        ],
        propertyMapping=[],
    )
    spec = instance.content.ovfManager.CreateImportSpec(
        ovfDescriptor=descriptor,
        resourcePool=vim.ResourcePool(place.pool.moref, instance._stub),
        datastore=vim.Datastore(place.datastore.moref, instance._stub),
        cisp=params,
    )
    if spec.error or spec.importSpec is None:
        raise ImportFailed(f"vCenter cannot make this VM here: {' '.join(_messages(spec.error)) or 'no reason given'}")
    return spec


def _leave_only(spec: Any, only: Mapping[str, str]) -> None:
    """Leave the disks at these places in the spec, and the files to send for them; see `begin_import`."""
    config = spec.importSpec.configSpec
    changes = list(config.deviceChange or [])
    controllers = {each.key: each for each in controllers_of(change.device for change in changes)}
    disks = [
        change
        for change in changes
        if isinstance(change.device, vim.vm.device.VirtualDisk)
        and place_of(change.device, controllers) in only.values()
    ]
    if len(disks) != len(only):
        raise ImportFailed(
            f"vCenter does not put a disk at {', '.join(sorted(only.values()))} of the VM that it makes."
        )
    config.deviceChange = [*(each for each in changes if each.device.key in controllers), *disks]
    config.extraConfig, config.vAppConfig = [], None
    spec.fileItem = [item for item in spec.fileItem or [] if item.path in only]


def _host_of(instance: Instance, place: Place) -> Any:
    return vim.HostSystem(place.host.moref, instance._stub) if place.host else None


def _disconnect_networks(config: Any) -> None:
    """Change the network cards that `config`, a ConfigSpec of a new VM, adds, so that none connects at power-on."""
    for change in config.deviceChange or []:
        card = change.device
        if isinstance(card, vim.vm.device.VirtualEthernetCard):
            connectable = card.connectable or vim.vm.device.VirtualDevice.ConnectInfo(allowGuestControl=True)
            connectable.startConnected = connectable.connected = False
            card.connectable = connectable


def _messages(faults: Any) -> list[str]:
    return [str(fault.localizedMessage or type(fault.fault).__name__) for fault in faults or []]


def _made_by(instance: Instance, job_id: str, name: str, vm: str) -> list[MarkedVm]:
    wanted = (job_id, name)
    return [each for each in _marked(instance) if (each.job, each.name) == wanted and vm in ("", each.moref)]


def _marked(instance: Instance) -> list[MarkedVm]:
    found = []
    for managed, values in read_all(instance, vim.VirtualMachine, ["name", "config.annotation", "runtime.powerState"]):
        if job := maker(values.get("config.annotation", "")):
            power = str(values.get("runtime.powerState", ""))
            found.append(MarkedVm(moref=managed._moId, name=values.get("name", ""), power_state=power, job=job))
    return found


def _destroyed(instance: Instance, machine: Any) -> bool:
    try:
        wait_for(instance, machine.Destroy_Task(), removes=True)
    except (vmodl.fault.ManagedObjectNotFound, vim.fault.TaskInProgress):
        return False  # vCenter is already removing it
    return True
