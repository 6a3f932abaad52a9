"""What restore, restore drill and import share: where a VM goes, and deploying a package in durable steps."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from service.actions._placement import PlacementParams, name_taken, networks_unmapped
from service.api.units import amount
from service.api.words import counted, vsphere_words
from service.backups.stored import store_of
from service.errors import Conflict, ImportFailed, PackageDamaged, VmkopsError, VSphereUnavailable
from service.jobs.action import Context, JobControl, StepResult
from service.packages.beside import read_kept_settings, read_verified
from service.packages.deployable import Deployable, read_file
from service.saving.vmdk_upload import SavedUpload
from service.transfer.datastore_file import LARGEST, write_datastore_file
from service.transfer.progress import TransferProgress
from service.transfer.source import SourceFile
from service.transfer.stall import Stall
from service.transfer.upload import Upload
from service.vsphere.datastore_files import place_nvram
from service.vsphere.importing import (
    ImportLease,
    begin_import,
    compare_received,
    hand_over,
    mark,
    names_taken,
    read_made,
    remove_made,
)
from service.vsphere.nfc import abort_lease, complete_lease, is_ready, kept_alive
from service.vsphere.placement import NO_HOME, Place, choose_place
from service.vsphere.restored_settings import find_by_uuid, identity_differs, set_custom_attributes
from service.vsphere.session import Session
from service.vsphere.vm_settings import VmSettings, storable

log = logging.getLogger(__name__)

PACKAGE, SEND, CONFIRM, REMOVE = (
    "read the package",
    "send the disks",
    "look at the VM",
    "remove the VM",
)
Identity = Literal["", "keep", "new"]
"""Whether a restored VM keeps UUIDs and MAC addresses; empty: it keeps them once no VM has them."""
ROUNDING = 1 << 20
"""Bytes by which a disk may differ from its descriptor: vSphere rounds odd sizes up."""


class NewVm(StepResult):
    """The VM that was made, the names of its place, and the bytes that were sent."""

    vm: dict[str, str]
    """Its `moref` and its `name`."""
    datastore: str
    pool: str
    folder: str
    networks: dict[str, str]
    """The network that is used, for each network of the package."""
    size: int
    warnings: list[str]
    identity: str = ""
    """`keep` or `new`: UUID and MAC addresses; empty for a package without settings."""
    nvram: bool = False
    """Whether the VM has the NVRAM of the package."""
    tools_ran: bool | None = None
    """Whether VMware Tools ran when the package was made; None in the records of earlier versions."""


class Confirmed(StepResult):
    """The VM as vCenter has it afterwards: its power state, and the bytes of its disks in ascending order."""

    power_state: str
    disks: list[int]


class VmsRemoved(StepResult):
    """The names of the VMs of this job that were removed."""

    removed: list[str]


class Deployment:
    """The deployment of one VM in this process; whatever must outlive the process is in what its steps return.

    When it is `tagged`, the VM also gets the tags that the package keeps. A VM that is `passing` is always removed by
    its job. Any other one is handed over once it is complete: nothing removes it afterwards, also not a job that goes
    on because its database was put back.
    """

    def __init__(
        self,
        context: Context,
        job: JobControl,
        params: PlacementParams,
        identity: Identity = "new",
        *,
        tagged: bool = False,
        passing: bool = False,
    ) -> None:
        self._job = job
        self._passing = passing
        self._name = self._made = ""
        self._tagged = tagged
        self._identity = identity
        self._params = params
        self._settings = context.settings
        self._session = context.vcenters.named(params.vcenter).session
        self.tools_ran: bool | None = None
        self._leases = context.leases.of_job(job.job_id, self._session.vcenter.name)

    async def deploy(
        self,
        read: Callable[[], Awaitable[Deployable]],
        hold: Callable[[Path], contextlib.AbstractContextManager[None]] = lambda _: contextlib.nullcontext(),
    ) -> dict[str, Any]:
        """Make a VM of the package that `read` returns and check it; whatever fails, the incomplete VM is removed.

        `hold` keeps the package's folder from being removed while it is read. The result has the keys of `NewVm`
        without `tools_ran`, which is then an attribute, those of `Confirmed`, and `files`: `name`, `size`, `algorithm`
        and `digest` of each.
        """

        async def reading() -> Deployable:
            found = await read()
            detail = f"{found.title}: {counted(len(found.files), 'file')}, {amount(found.size)}, for the VM {found.vm}"
            return found.model_copy(update={"detail": ". ".join([detail, *found.warnings])})

        package = await self._job.step_as(Deployable, PACKAGE, reading)
        self._name = package.vm
        try:
            with hold(Path(package.root)):
                sent = await self._job.step_as(NewVm, SEND, partial(self._send, package), interruptible=True)
            self.tools_ran, self._made = sent.tools_ran, sent.vm["moref"]
            confirmed = await self._job.step_as(Confirmed, CONFIRM, partial(self._confirm, package, sent))
        except Exception as error:
            await self._clean_up(error)
            raise
        files = [file.model_dump(include={"name", "size", "algorithm", "digest"}) for file in package.files]
        return {
            **sent.model_dump(mode="json", exclude={"tools_ran"}),
            **confirmed.model_dump(mode="json"),
            "files": files,
        }

    async def place(self, package: Deployable) -> Place:
        """Where the VM goes, as the parameters say; raises ImportFailed when a network has no counterpart there."""
        place = await choose_place(self._session, self._params.wanted(), package.networks, NO_HOME)
        if place.unmapped:
            raise ImportFailed(networks_unmapped(place))
        return place

    async def remove(self) -> VmsRemoved:
        """Remove the VM that this job has made, if there is one that has its name and was not handed over."""
        await self._end_leases()
        removed = await remove_made(self._session, self._job.job_id, self._name, self._made)
        detail = f"{', '.join(removed)} removed" if removed else "there was no VM to remove"
        return VmsRemoved(removed=removed, detail=detail)

    async def _send(self, package: Deployable) -> NewVm:
        # One step for everything: a lease ends with its process, and only its own lease can fill a VM.
        await self._end_leases()
        removed = await remove_made(self._session, self._job.job_id, package.vm)
        if package.vm in await names_taken(self._session):
            raise Conflict(name_taken(package.vm))
        place = await self.place(package)
        descriptor = await _read_descriptor(package)
        settings, cleaned = await read_kept_settings(package), list[str]()
        if settings is not None:
            settings, cleaned = storable(settings)
        keep = settings is not None and await choose_identity(self._session, self._identity, settings.uuid) == "keep"
        if settings is not None and keep and await find_by_uuid(self._session, settings.uuid):
            # Unlike the other two, no two VMs of a vCenter can have the same one of these.
            settings = settings.model_copy(update={"instance_uuid": ""})
        lease = await begin_import(
            self._session,
            place,
            descriptor,
            package.vm,
            self._job.job_id,
            package.note,
            self._leases.opened,
            connect_networks=self._params.connect_networks,
            settings=settings,
            keep_identity=keep,
            only=package.only,
        )
        try:
            size = await self._send_files(package, lease)
            await complete_lease(self._session, lease.moref)
        except BaseException:
            await asyncio.shield(self._end_leases())
            raise
        await self._leases.ended(lease.moref)
        nvram, warnings = await self._complete(package, lease, settings, keep=keep)
        told = [*cleaned, *await self._set_tags(lease.vm, settings)]
        detail = ". ".join([f"{amount(size)} to {place.datastore.name}", *told])
        return NewVm(
            vm={"moref": lease.vm, "name": package.vm},
            datastore=place.datastore.name,
            pool=place.pool.name,
            folder=place.folder.name,
            networks={old: new.name for old, new in place.networks.items()},
            size=size,
            warnings=[*package.warnings, *lease.warnings, *warnings, *told],
            identity="" if settings is None else "keep" if keep else "new",
            nvram=nvram,
            tools_ran=settings is not None and settings.tools_running,
            detail=f"{detail}; started again, because {', '.join(removed)} was incomplete" if removed else detail,
        )

    async def _complete(
        self, package: Deployable, lease: ImportLease, settings: VmSettings | None, *, keep: bool
    ) -> tuple[bool, list[str]]:
        """Give the VM what no import lease takes; whether it has the NVRAM of the package, and warnings."""
        warnings: list[str] = []
        nvram = package.nvram is not None and package.nvram.name in {upload.path for upload in lease.uploads}
        try:
            if settings is not None:
                warnings += await set_custom_attributes(self._session, lease.vm, settings.custom_attributes)
            if settings is not None and keep:
                warnings += await identity_differs(self._session, lease.vm, settings)
        except VSphereUnavailable:
            raise
        except VmkopsError as error:
            warnings.append(f"The custom attributes were not set: {error}")
        if package.nvram is not None and not nvram:
            content = await read_verified(Path(package.root), package.nvram, LARGEST)
            try:
                place = partial(place_nvram, self._session, lease.vm)
                await write_datastore_file(self._session, place, content)
                nvram = True
            except (VSphereUnavailable, PackageDamaged):
                raise
            except VmkopsError as error:
                warnings.append(
                    f"The NVRAM could not be restored ({error}), so a guest that boots by EFI may not boot."
                )
        return nvram, warnings

    async def _set_tags(self, vm: str, settings: VmSettings | None) -> list[str]:
        """Set the tags of the package; what cannot be set is a warning, as the VM is complete without them."""
        if settings is None or not self._tagged:
            return []
        try:
            return await self._session.tagging.attach(vm, settings.tags)
        except VmkopsError as error:
            return [f"The tags {', '.join(map(str, settings.tags))} were not set: {error}"]

    async def _end_leases(self) -> None:
        """Abort the leases of this job, also of processes that died: a VM with an open lease cannot be removed."""
        for lease in await self._leases.recorded():
            try:
                await abort_lease(self._session, lease)
            except VmkopsError as error:
                log.warning("the lease could not be ended, and the sweep tries again: %s", error)
            else:
                await self._leases.ended(lease)

    async def _send_files(self, package: Deployable, lease: ImportLease) -> int:
        files = {file.name: file for file in package.files}
        wanted = [upload.path for upload in lease.uploads]
        if unsent := sorted(name for name, file in files.items() if file.disk and name not in wanted):
            raise ImportFailed(f"vCenter does not accept {', '.join(unsent)}, so the VM would miss a disk.")
        if unknown := sorted(set(wanted) - files.keys()):
            raise ImportFailed(f"vCenter asks for {', '.join(unknown)}, which the package does not contain.")
        sizes = [files[name].size for name in wanted]
        progress = TransferProgress(self._job.report, wanted, [*sizes], None)
        async with kept_alive(self._session, lease.moref, progress.percent):
            for number, wanted_file in enumerate(lease.uploads):
                file = files[wanted_file.path]
                upload = self._upload(package, file)

                def update(done: int, number: int = number) -> None:
                    progress.update(number, done, sizes[number])

                tls = self._session.host_tls(wanted_file.pin)
                stall = Stall(lambda: is_ready(self._session, lease.moref))
                await upload.send(wanted_file.url, tls, update, stall, create=wanted_file.create)
                await compare_received(self._session, lease.moref, wanted_file.key, file.name, upload.size, upload.sha1)
        return sum(sizes)

    def _upload(self, package: Deployable, file: SourceFile) -> Upload | SavedUpload:
        """The upload of one file, from the package or from the store that has its disks."""
        stored = package.stored
        disk = next((each for each in stored.saved.disks if each.file == file.path), None) if stored else None
        if stored is None or disk is None:
            return Upload(Path(package.root), file)
        return SavedUpload(store_of(self._settings, stored.saved), disk, stored.facts[disk.file])

    async def _confirm(self, package: Deployable, sent: NewVm) -> Confirmed:
        made = await read_made(self._session, sent.vm["moref"])
        if package.capacities is not None and not _same(made.capacities, package.capacities):
            raise ImportFailed(
                f"The disks of {made.name} have {_sizes(made.capacities)}, but those of the package "
                f"{_sizes(package.capacities)}."
            )
        if made.power_state != "poweredOff":
            raise ImportFailed(
                f"{made.name} is {vsphere_words(made.power_state)}, but a new VM must be powered off: somebody "
                "else changed it meanwhile. Start the action again."
            )
        detail = f"{made.name} exists, powered off, with {counted(len(made.capacities), 'disk')}"
        if why := await self._hand_over(made.moref):
            detail = f"{detail}. {why}"
        return Confirmed(power_state=made.power_state, disks=made.capacities, detail=detail)

    async def _hand_over(self, vm: str) -> str:
        """Leave the complete VM to its users; why that was not possible, empty when it was."""
        if self._passing:
            return ""
        try:
            await hand_over(self._session, vm)
        except VmkopsError as error:
            if error.retryable:
                raise
            return f"Its notes could not be changed ({error}): delete the line '{mark(self._job.job_id)}' from them."
        return ""

    async def _clean_up(self, cause: Exception) -> None:
        try:
            await self._job.step_as(VmsRemoved, REMOVE, self.remove, part="give up", cleanup=True)
        except VmkopsError as error:
            raise ImportFailed(
                f"The action failed ({cause}), and the incomplete VM could not be removed: {error} vmkops tries again "
                "by itself for a day, while that VM is powered off."
            ) from error


async def choose_identity(session: Session, wanted: Identity, uuid: str) -> Identity:
    """`keep` or `new` for a VM that had this BIOS UUID: new while a VM with it exists, unless one of them is wanted."""
    if wanted:
        return wanted
    return "new" if not uuid or await find_by_uuid(session, uuid) else "keep"


async def _read_descriptor(package: Deployable) -> str:
    file = package.descriptor
    try:
        text = await asyncio.to_thread(read_file, Path(package.root), file)
    except OSError as error:
        raise PackageDamaged(f"{file.name} cannot be read: {error.strerror}.") from error
    return text.decode("utf-8-sig", "replace")


def _sizes(capacities: list[int]) -> str:
    return ", ".join(f"{each:,}" for each in capacities) + " bytes"


def _same(made: list[int], packed: list[int]) -> bool:
    pairs = zip(made, packed, strict=False)
    return len(made) == len(packed) and all(abs(one - other) < ROUNDING for one, other in pairs)
