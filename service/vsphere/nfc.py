"""Export leases: where the disks of a snapshot can be read from, and the timer that keeps them open."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict
from pyVmomi import vim, vmodl

from service.errors import VmkopsError, VSphereRefused
from service.vsphere.lease_manifest import ask_for_sha256
from service.vsphere.session import USUAL, Instance, Session, read_properties
from service.vsphere.tasks import watch

log = logging.getLogger(__name__)

RENEW_SECONDS = 20
"""A lease ends after 300 seconds without a progress call (vmware/pyvmomi#333); this leaves room for lost ones."""


class OpenLease(Protocol):
    """A lease of either kind."""

    @property
    def moref(self) -> str: ...  # noqa: D102


L = TypeVar("L", bound=OpenLease)


class LeasedDisk(BaseModel):
    """One disk of a lease: its key in the VM, the file name it is offered under, and where to read it."""

    model_config = ConfigDict(frozen=True)

    key: str
    file: str
    url: str
    size: int | None = None


class Lease(BaseModel):
    """An open export lease; it lives in the session that opened it."""

    model_config = ConfigDict(frozen=True)

    moref: str
    disks: list[LeasedDisk]


async def open_lease(session: Session, snapshot: str) -> Lease:
    """Open an export lease on a snapshot (a moref) and wait until its disks can be read."""
    return await _exported(session, lambda instance: vim.vm.Snapshot(snapshot, instance._stub).ExportSnapshot())


async def open_vm_lease(session: Session, vm: str) -> Lease:
    """Open an export lease on the VM `vm` (a moref), which is powered off, and wait until its disks can be read."""
    return await _exported(session, lambda instance: vim.VirtualMachine(vm, instance._stub).ExportVm())


async def _exported(session: Session, export: Callable[[Instance], Any]) -> Lease:
    def ask(instance: Instance) -> Lease:
        lease = export(instance)
        try:
            return _opened(instance, lease, session.vcenter.host)
        except BaseException:
            # Nobody would know of it, and it would hold the snapshot or the VM until it times out.
            with contextlib.suppress(Exception):
                lease.HttpNfcLeaseAbort()
            raise

    return await opened(session, ask)


async def opened(session: Session, ask: Callable[[Instance], L], *, limit: float | None = USUAL) -> L:
    """What `ask` opens within `limit` seconds; for a caller that is cancelled meanwhile the lease is given up again.

    The thread that asks goes on without its caller: what it opens would be known to nobody.
    """
    opening = asyncio.ensure_future(session.call(ask, limit=limit))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        with contextlib.suppress(VmkopsError):
            await abort_lease(session, (await opening).moref)
        raise


def _opened(instance: Instance, lease: Any, host: str) -> Lease:
    state = vim.HttpNfcLease.State
    ended = watch(instance, lease, "state", lambda value: value in (state.ready, state.error, state.done))
    if ended != state.ready:
        raise lease.error or VSphereRefused(f"vSphere gave no export lease (it is {ended}).")
    info: Any = lease.info
    disks = [
        LeasedDisk(
            key=url.key,
            file=url.targetId or url.key.rpartition("/")[2].replace(":", "-") + ".vmdk",
            # A host that is asked directly leaves its own name to the caller, as `*`.
            url=url.url.replace("*", host, 1) if "//*" in url.url else url.url,
            size=url.fileSize or None,
        )
        for url in info.deviceUrl
        if url.disk
    ]
    ask_for_sha256(instance, lease, [disk.key for disk in disks])
    return Lease(moref=lease._moId, disks=disks)


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
    """Say that the export is done."""
    await session.call(lambda instance: vim.HttpNfcLease(lease, instance._stub).HttpNfcLeaseComplete())


async def abort_lease(session: Session, lease: str) -> None:
    """Give the lease up; one that is gone already is no error."""

    def ask(instance: Instance) -> None:
        with contextlib.suppress(vmodl.fault.ManagedObjectNotFound, vim.fault.InvalidState, vim.fault.Timedout):
            vim.HttpNfcLease(lease, instance._stub).HttpNfcLeaseAbort()

    await session.call(ask)


@contextlib.asynccontextmanager
async def kept_alive(session: Session, lease: str, percent: Callable[[], int]) -> AsyncIterator[None]:
    """Renew the lease on a timer for as long as the block runs, whether or not data flows; `percent` is shown."""

    def progress(instance: Instance) -> None:
        vim.HttpNfcLease(lease, instance._stub).HttpNfcLeaseProgress(max(0, min(99, percent())))

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await session.call(progress)
            except VmkopsError as error:
                log.warning("export lease not renewed: %s", error, extra={"lease": lease})

    timer = asyncio.create_task(renew())
    try:
        yield
    finally:
        timer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await timer
