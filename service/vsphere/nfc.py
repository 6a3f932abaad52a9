"""NFC leases: opening one to export disks, keeping a lease open, and ending it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

from service.background import every
from service.errors import VmkopsError, VSphereRefused
from service.vsphere.host_tls import Pin, with_host
from service.vsphere.lease_manifest import ask_for_sha256
from service.vsphere.session import USUAL, Instance, Session, read_properties, vm_of
from service.vsphere.tasks import watch

log = logging.getLogger(__name__)

RENEW_SECONDS = 20
"""A lease ends after 300 seconds without a progress call (vmware/pyvmomi#333); at this pace many can get lost."""


class OpenLease(Protocol):
    """An export or import lease."""

    @property
    def moref(self) -> str: ...  # noqa: D102


Opened = Callable[[str], None]
"""Gets the moref of a lease in the thread that has opened it, before anything else is asked of vCenter."""

L = TypeVar("L", bound=OpenLease)


class LeasedDisk(BaseModel):
    """One disk of a lease: its key in the VM, the file name that the host gives it, its URL, and its size in bytes.

    `pin` is the certificate of the host in the URL.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    file: str
    url: str
    size: int | None = None
    pin: Pin = Pin()


class Lease(BaseModel):
    """An open export lease; it ends with the session that opened it."""

    model_config = ConfigDict(frozen=True)

    moref: str
    disks: list[LeasedDisk]
    nvram: LeasedDisk | None = None
    """The NVRAM file of the VM; None when vSphere does not offer it, as before version 7."""


async def open_lease(session: Session, snapshot: str, opened: Opened) -> Lease:
    """Open an export lease on a snapshot (a moref) and wait until its disks can be read.

    `opened` gets the lease as soon as there is one. Raises VSphereRefused, or the lease's own error, when vSphere opens
    none.
    """
    return await _export(session, lambda instance: vim.vm.Snapshot(snapshot, instance._stub).ExportSnapshot(), opened)


async def open_vm_lease(session: Session, vm: str, opened: Opened) -> Lease:
    """The same on the VM `vm` (a moref), which must be powered off."""
    return await _export(session, lambda instance: vm_of(instance, vm).ExportVm(), opened)


async def _export(session: Session, start: Callable[[Instance], Any], opened: Opened) -> Lease:
    def ask(instance: Instance) -> Lease:
        lease = start(instance)
        try:
            opened(lease._moId)
            return _wait_until_ready(instance, lease, session.vcenter.host)
        except BaseException:
            # No caller knows of this lease, and it would hold the snapshot or the VM until it times out.
            with contextlib.suppress(Exception):
                lease.HttpNfcLeaseAbort()
            raise

    return await open_for_caller(session, ask)


async def open_for_caller(session: Session, ask: Callable[[Instance], L], *, limit: float | None = USUAL) -> L:
    """Open a lease by `ask` within `limit` seconds; if the caller is cancelled meanwhile, abort the lease again.

    A cancelled caller does not stop the thread: the lease that it opens would stay open, and no one would know of it.
    """
    opening = asyncio.ensure_future(session.call(ask, limit=limit))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        with contextlib.suppress(VmkopsError):
            await abort_lease(session, (await opening).moref)
        raise


def _wait_until_ready(instance: Instance, lease: Any, host: str) -> Lease:
    state = vim.HttpNfcLease.State
    ended = watch(instance, lease, "state", lambda value: value in (state.ready, state.error, state.done))
    if ended != state.ready:
        raise lease.error or VSphereRefused(f"vSphere opened no export lease (its state is {ended}).")
    info: Any = lease.info
    disks = [_offered(url, host) for url in info.deviceUrl if url.disk]
    nvram = next((_offered(url, host) for url in info.deviceUrl if not url.disk and _is_nvram(url)), None)
    ask_for_sha256(lease, [disk.key for disk in disks])
    return Lease(moref=lease._moId, disks=disks, nvram=nvram)


def _offered(url: Any, host: str) -> LeasedDisk:
    return LeasedDisk(
        key=url.key,
        file=url.targetId or url.key.rpartition("/")[2].replace(":", "-") + ".vmdk",
        url=with_host(url.url, host),
        size=url.fileSize or None,
        pin=Pin.of(url.sslThumbprint, url.sslCertificate),
    )


def _is_nvram(url: Any) -> bool:
    """Whether a file that is no disk is the NVRAM; the others are images in drives, which do not belong to the VM."""
    return str(url.key).lower().endswith("nvram") or str(url.url).lower().endswith(".nvram")


async def is_ready(session: Session, lease: str) -> bool:
    """Whether the lease can still be read from."""

    def ask(instance: Instance) -> bool:
        found = vim.HttpNfcLease(lease, instance._stub)
        try:
            values = read_properties(instance, [found], vim.HttpNfcLease, ["state"])[0][1]
        except vmodl.fault.ManagedObjectNotFound:
            return False
        return bool(values.get("state") == vim.HttpNfcLease.State.ready)

    return await session.call(ask)


async def complete_lease(session: Session, lease: str) -> None:
    """Report to vSphere that the transfer is done, which ends the lease."""
    await session.call(lambda instance: vim.HttpNfcLease(lease, instance._stub).HttpNfcLeaseComplete())


async def abort_lease(session: Session, lease: str) -> None:
    """Abort the lease; one that has already ended is no error."""

    def ask(instance: Instance) -> None:
        with contextlib.suppress(vmodl.fault.ManagedObjectNotFound, vim.fault.InvalidState, vim.fault.Timedout):
            vim.HttpNfcLease(lease, instance._stub).HttpNfcLeaseAbort()

    await session.call(ask)


@contextlib.asynccontextmanager
async def kept_alive(session: Session, lease: str, percent: Callable[[], int]) -> AsyncIterator[None]:
    """Renew the lease at fixed times for as long as the block runs, also while no data flows.

    vCenter shows `percent()` as the progress of its task.
    """

    def progress(instance: Instance) -> None:
        vim.HttpNfcLease(lease, instance._stub).HttpNfcLeaseProgress(max(0, min(99, percent())))

    async def renew() -> None:
        try:
            await session.call(progress, urgent=True)
        except VmkopsError as error:
            log.warning("the lease could not be renewed: %s", error, extra={"lease": lease})

    async with every(RENEW_SECONDS, renew, name="the renewal of a lease", first_after=RENEW_SECONDS):
        yield
