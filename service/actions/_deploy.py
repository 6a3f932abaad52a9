"""What restore, restore drill and import share: where a VM goes, and making it of a package in durable steps."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from service.api.models import Check
from service.api.vcenter import DEFAULT
from service.errors import Conflict, ImportFailed, NotFound, PackageDamaged, VmkopsError
from service.jobs.action import Context, JobControl, Params
from service.packages.ready import Ready, read_file
from service.transfer.progress import TransferProgress
from service.transfer.upload import Upload
from service.vsphere.importing import (
    ImportLease,
    begin_import,
    compare_received,
    names_taken,
    read_made,
    remove_made,
)
from service.vsphere.nfc import abort_lease, complete_lease, kept_alive
from service.vsphere.placement import NO_HOME, Home, Place, Wanted, choose_place
from service.vsphere.selectors import lock_key

PACKAGE, SEND, CONFIRM, REMOVE = (
    "read the package",
    "send the disks",
    "look at the VM",
    "remove the VM",
)
LONGEST_NAME = 80
"""Characters that vCenter takes for the name of a VM."""
NAME = r"^([^/\\%\x00-\x1f]*[^/\\%.\x00-\x1f])?$"
"""A VM's name that is also the name of a folder on its datastore; it may be empty where one is chosen."""
ROUNDING = 1 << 20
"""Bytes by which a disk may differ from its descriptor: vSphere rounds odd sizes up."""


class PlacementParams(Params):
    """Where a new VM goes; what is not said is chosen."""

    pool: str = Field(
        default="",
        max_length=260,
        description="Resource pool, cluster or host; that of the VM that was backed up, or the first with a datastore.",
    )
    datastore: str = Field(default="", max_length=260, description="Datastore; the one there with the most room.")
    folder: str = Field(
        default="", max_length=260, description="VM folder; that of the VM that was backed up, or the topmost."
    )
    vcenter: str = Field(
        default="",
        max_length=63,
        description="vCenter or host by its name in the settings; that of the VM that was backed up, or the first.",
    )
    networks: dict[str, str] = Field(
        default_factory=dict,
        max_length=100,
        description="Networks of the package and what to use for each (as text: `old=new, old=new`); those not named "
        "go to the one of the same name.",
    )

    @field_validator("networks", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [each.partition("=") for each in value.split(",") if each.strip()]
        if any(not equals for _, equals, _ in pairs):
            raise ValueError("write it as old=new, old=new")
        return {old.strip(): new.strip() for old, _, new in pairs}

    def wanted(self) -> Wanted:
        """The same as the placement takes it."""
        return Wanted(pool=self.pool, datastore=self.datastore, folder=self.folder, networks=self.networks)


async def check_place(
    context: Context, params: PlacementParams, name: str, networks: list[str], size: int, home: Home = NO_HOME
) -> tuple[list[Check], dict[str, Any]]:
    """What speaks against a VM with these networks and bytes here, and the place with every choice made exact.

    `name` is empty where the job will choose one. Raises NotFound and Ambiguous.
    """
    vcenters = context.vcenters
    known = {link.name for link in vcenters.links()}
    link = vcenters.named(params.vcenter or (home.vcenter if home.vcenter in known else ""))
    session = link.session
    if unknown := sorted(set(params.networks) - set(networks)):
        raise NotFound(
            f"The package has no network {unknown[0][:80]!r}. It has: {', '.join(networks) or 'none'}.", networks
        )
    place = await choose_place(session, params.wanted(), networks, home)
    checks = _place_checks(place, size)
    if name and name in await names_taken(session):
        checks.append(Check(rule="name-taken", severity="refuse", message=_taken(name)))
    return checks, {
        "vcenter": link.name,
        "pool": f"moref:{place.pool.moref}",
        "datastore": f"moref:{place.datastore.moref}",
        "folder": f"moref:{place.folder.moref}",
        "networks": {old: f"moref:{new.moref}" for old, new in place.networks.items()},
    }


def new_vm_key(vcenter: str, name: str) -> str:
    """What a job holds that makes a VM of this name; `vcenter` is empty where none was chosen yet."""
    return lock_key("new-vm", vcenter or DEFAULT, name)


class Deployment:
    """One VM being made in this process; all that must outlive the process is in what its steps return."""

    def __init__(self, context: Context, job: JobControl, params: PlacementParams) -> None:
        self._job = job
        self._params = params
        self._session = context.vcenters.named(params.vcenter).session

    async def make(
        self,
        read: Callable[[], Awaitable[Ready]],
        hold: Callable[[Path], contextlib.AbstractContextManager[None]] = lambda _: contextlib.nullcontext(),
    ) -> dict[str, Any]:
        """Make the VM of what `read` gives and look at it; whatever goes wrong, what was half made is removed.

        `hold` keeps the package's folder there while it is read.
        """

        async def reading() -> dict[str, Any]:
            found = await read()
            detail = f"{found.title}: {len(found.files)} file(s), {found.size} bytes, to be {found.vm}"
            return {**found.model_dump(), "detail": ". ".join([detail, *found.warnings])}

        ready = Ready.model_validate(await self._job.step(PACKAGE, reading))
        try:
            with hold(Path(ready.root)):
                sent = await self._job.step(SEND, lambda: self._send(ready), interruptible=True)
            made = await self._job.step(CONFIRM, lambda: self._confirm(ready, sent))
        except Exception as error:
            await self._clean_up(error)
            raise
        files = [file.model_dump(include={"name", "size", "algorithm", "digest"}) for file in ready.files]
        return {**sent, **made, "files": files}

    async def remove(self) -> dict[str, Any]:
        """Remove the VM that this job has made, if there is one."""
        removed = await remove_made(self._session, self._job.job_id)
        return {"removed": removed, "detail": f"{', '.join(removed)} removed" if removed else "there was none"}

    async def _send(self, ready: Ready) -> dict[str, Any]:
        # One step for all of it: a lease dies with its process, and a VM can be filled under its own lease only.
        again = await remove_made(self._session, self._job.job_id)
        if ready.vm in await names_taken(self._session):
            raise Conflict(_taken(ready.vm))
        place = await choose_place(self._session, self._params.wanted(), ready.networks, NO_HOME)
        if place.unmapped:
            raise ImportFailed(_unmapped(place))
        descriptor = await _descriptor(ready)
        lease = await begin_import(self._session, place, descriptor, ready.vm, self._job.job_id, ready.note)
        try:
            size = await self._send_files(ready, lease)
            await complete_lease(self._session, lease.moref)
        except BaseException:
            await asyncio.shield(abort_lease(self._session, lease.moref))
            raise
        detail = f"{size} bytes to {place.datastore.name}"
        return {
            "vm": {"moref": lease.vm, "name": ready.vm},
            "datastore": place.datastore.name,
            "pool": place.pool.name,
            "folder": place.folder.name,
            "networks": {old: new.name for old, new in place.networks.items()},
            "size": size,
            "warnings": [*ready.warnings, *lease.warnings],
            "detail": f"{detail}; begun again after {', '.join(again)} was left half made" if again else detail,
        }

    async def _send_files(self, ready: Ready, lease: ImportLease) -> int:
        files = {file.name: file for file in ready.files}
        wanted = [upload.path for upload in lease.uploads]
        if unsent := sorted(name for name, file in files.items() if file.disk and name not in wanted):
            raise ImportFailed(f"vCenter does not want {', '.join(unsent)}, so the VM would lack a disk.")
        if unknown := sorted(set(wanted) - files.keys()):
            raise ImportFailed(f"vCenter wants {', '.join(unknown)}, which the package does not have.")
        sizes = [files[name].size for name in wanted]
        meter = TransferProgress(self._job.report, [*sizes], None)
        async with kept_alive(self._session, lease.moref, meter.percent):
            for number, upload in enumerate(lease.uploads):
                file = files[upload.path]
                one = Upload(Path(ready.root), file)

                def sending(done: int, number: int = number) -> None:
                    meter.reading(number, done, sizes[number])

                await one.send(upload.url, self._session.ssl_context(), sending, create=upload.create)
                await compare_received(self._session, lease.moref, upload.key, file.name, file.size, one.sha1)
        return sum(sizes)

    async def _confirm(self, ready: Ready, sent: dict[str, Any]) -> dict[str, Any]:
        made = await read_made(self._session, sent["vm"]["moref"])
        if ready.capacities is not None and not _same(made.capacities, ready.capacities):
            raise ImportFailed(
                f"{made.name} has disks of {made.capacities} bytes where the package has {ready.capacities}."
            )
        if made.power_state != "poweredOff":
            raise ImportFailed(f"{made.name} is {made.power_state}; it has to be powered off.")
        return {
            "power_state": made.power_state,
            "disks": made.capacities,
            "detail": f"{made.name} is there, powered off, with {len(made.capacities)} disk(s)",
        }

    async def _clean_up(self, cause: Exception) -> None:
        try:
            await self._job.step(REMOVE, self.remove, part="give up", cleanup=True)
        except VmkopsError as error:
            raise ImportFailed(
                f"It failed ({cause}), and what it had made is still there: {error} vmkops tries again "
                "by itself for a day, while that VM is powered off."
            ) from error


async def _descriptor(ready: Ready) -> str:
    file = ready.descriptor
    try:
        text = await asyncio.to_thread(read_file, Path(ready.root), file)
    except OSError as error:
        raise PackageDamaged(f"{file.name} cannot be read: {error.strerror}.") from error
    return text.decode("utf-8-sig", "replace")


def _place_checks(place: Place, size: int) -> list[Check]:
    said = f"In {place.pool.name}, on the datastore {place.datastore.name}, in the folder {place.folder.name}."
    checks = [Check(rule="place", severity="info", message=said)]
    for old, new in place.networks.items():
        checks.append(Check(rule="network", severity="info", message=f"The network {old} will be {new.name}."))
    if place.unmapped:
        checks.append(Check(rule="network-unmapped", severity="refuse", message=_unmapped(place)))
    if place.free < size:
        said = f"{place.datastore.name} has {place.free} bytes free; the package alone has {size}."
        checks.append(Check(rule="no-room", severity="refuse", message=said))
    return checks


def _same(made: list[int], packed: list[int]) -> bool:
    pairs = zip(made, packed, strict=False)
    return len(made) == len(packed) and all(abs(one - other) < ROUNDING for one, other in pairs)


def _taken(name: str) -> str:
    return f"There is a VM {name!r} already, and this never goes over a VM. Choose another name."


def _unmapped(place: Place) -> str:
    return (
        f"There is no network {', '.join(place.unmapped)} at {place.pool.name}. Say with `networks` which to use "
        f"instead; there are: {', '.join(place.known_networks) or 'none'}."
    )
