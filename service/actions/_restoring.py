"""What a restore and a restore drill share: the pre-flight, and making the VM in durable steps."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from pydantic import Field

from service.actions._base import Equipment, JobControl, Params, Target
from service.backups.catalogue import KeptBackup, descriptor_of, find_backup, held
from service.backups.meter import Meter
from service.backups.upload import Upload
from service.backups.verify import check_descriptor, open_descriptor, read_manifest
from service.errors import BackupDamaged, Conflict, NotFound, RestoreFailed, VmkopsError
from service.models import Check
from service.vsphere.importing import (
    ImportLease,
    begin_import,
    compare_received,
    names_taken,
    read_made,
    remove_made,
)
from service.vsphere.nfc import abort_lease, complete_lease, kept_alive
from service.vsphere.placement import Home, Place, Wanted, choose_place

PACKAGE, SEND, CONFIRM, REMOVE = (
    "read the package",
    "send the disks",
    "look at the VM",
    "remove the VM",
)
LONGEST_NAME = 80
"""Characters that vCenter takes for the name of a VM."""


class FromBackup(Params):
    """Which backup, and where its VM goes; what is not said is chosen."""

    backup: str = Field(
        min_length=1, max_length=300, description="Its id, or newest: and the name of a VM for the newest of that VM."
    )
    pool: str = Field(
        default="", max_length=260, description="Resource pool, cluster or host; the VM's own one where it still is."
    )
    datastore: str = Field(default="", max_length=260, description="Datastore; the one there with the most room.")
    folder: str = Field(default="", max_length=260, description="VM folder; the VM's own one where it still is.")
    networks: dict[str, str] = Field(
        default_factory=dict,
        max_length=100,
        description="Networks of the backup and what to use for each; those not named go to the one of the same name.",
    )


async def preflight(equipment: Equipment, params: FromBackup, name: str, suffix: str) -> Target:
    """What a restore with these parameters would do and what speaks against it; every choice is made exact.

    `name` is the new VM's, or empty for the old one with `suffix` and the job. Raises NotFound and Ambiguous.
    """
    kept = await asyncio.to_thread(find_backup, equipment.settings.backups_dir, params.backup)
    checks = _package_checks(kept)
    exact: dict[str, Any] = {**params.model_dump(), "backup": kept.id}
    if not any(check.severity == "refuse" for check in checks):
        session = equipment.vsphere()
        descriptor = await asyncio.to_thread(open_descriptor, Path(kept.path))
        wanted = Wanted.model_validate(params.model_dump(include=set(Wanted.model_fields)))
        if unknown := sorted(set(params.networks) - set(descriptor.networks)):
            raise NotFound(
                f"The backup has no network {unknown[0][:80]!r}. It has: {', '.join(descriptor.networks) or 'none'}.",
                list(descriptor.networks),
            )
        place = await choose_place(session, wanted, descriptor.networks, Home(kept.vm.moref, kept.vm.uuid))
        checks += _place_checks(kept, place)
        if name and name in await names_taken(session):
            said = f"There is a VM {name!r} already; a restore never goes over a VM. Choose another name."
            checks.append(Check(rule="name-taken", severity="refuse", message=said))
        exact |= {
            "pool": f"moref:{place.pool.moref}",
            "datastore": f"moref:{place.datastore.moref}",
            "folder": f"moref:{place.folder.moref}",
            "networks": {old: f"moref:{new.moref}" for old, new in place.networks.items()},
        }
    to = name or f"{kept.vm.name}{suffix}"
    return Target(
        key=f"restore:{kept.id}:{to}", name=f"{kept.vm.name} {kept.id} as {to}", params=exact, checks=tuple(checks)
    )


class Restoring:
    """One restore under way in this process; all that must outlive the process is in what its steps return."""

    def __init__(self, equipment: Equipment, job: JobControl, params: FromBackup, name: str, suffix: str) -> None:
        self._job = job
        self._params = params
        self._name = name
        self._suffix = suffix
        self._session = equipment.vsphere()
        self._backups_dir = equipment.settings.backups_dir

    async def make(self) -> dict[str, Any]:
        """Make the VM and look at it; whatever goes wrong, what was half made is removed."""
        package = await self._job.step(PACKAGE, self._read)
        try:
            with held(Path(package["path"])):
                sent = await self._job.step(SEND, lambda: self._send(package), interruptible=True)
            made = await self._job.step(CONFIRM, lambda: self._confirm(package, sent))
        except Exception as error:
            await self._clean_up(error)
            raise
        return {**sent, **made, "backup": package["id"]}

    async def remove(self) -> dict[str, Any]:
        """Remove the VM that this job has made, if there is one."""
        removed = await remove_made(self._session, self._job.job_id)
        return {"removed": removed, "detail": f"{', '.join(removed)} removed" if removed else "there was none"}

    async def _read(self) -> dict[str, Any]:
        kept = await asyncio.to_thread(find_backup, self._backups_dir, self._params.backup)
        if refused := [check.message for check in _package_checks(kept) if check.severity == "refuse"]:
            raise BackupDamaged(" ".join(refused))
        folder = Path(kept.path)
        problems, _ = await asyncio.to_thread(check_descriptor, folder)
        path = descriptor_of(folder)
        text = await asyncio.to_thread(path.read_bytes)
        if (await asyncio.to_thread(read_manifest, folder)).get(path.name) != hashlib.sha256(text).hexdigest():
            problems.insert(0, f"{path.name} was changed since it was kept.")
        if problems:
            raise BackupDamaged(" ".join(problems))
        descriptor = await asyncio.to_thread(open_descriptor, folder)
        name = self._name or f"{kept.vm.name[: LONGEST_NAME - 24]}{self._suffix}-{self._job.job_id[:8]}"
        return {
            "id": kept.id,
            "path": kept.path,
            "vm": kept.vm.model_dump(),
            "name": name,
            "size": kept.size,
            "disks": [disk.model_dump() for disk in kept.disks],
            "capacities": sorted(disk.capacity or 0 for disk in descriptor.disks),
            "networks": list(descriptor.networks),
            "created_at": kept.created_at.isoformat() if kept.created_at else "",
            "detail": f"{len(kept.disks)} disk(s), {kept.size} bytes, to be {name}",
        }

    async def _send(self, package: dict[str, Any]) -> dict[str, Any]:
        # One step for all of it: a lease dies with its process, and a VM can be filled under its own lease only.
        again = await remove_made(self._session, self._job.job_id)
        if package["name"] in await names_taken(self._session):
            raise Conflict(f"There is a VM {package['name']!r} already; a restore never goes over a VM.")
        wanted = Wanted.model_validate(self._params.model_dump(include=set(Wanted.model_fields)))
        place = await choose_place(self._session, wanted, package["networks"], Home("", ""))
        if place.unmapped:
            raise RestoreFailed(_unmapped(place))
        path = descriptor_of(Path(package["path"]))
        note = f"Restored from the backup {package['id']} of {package['vm']['name']}, made {package['created_at']}."
        descriptor = await asyncio.to_thread(path.read_text, "utf-8")
        lease = await begin_import(self._session, place, descriptor, package["name"], self._job.job_id, note)
        try:
            await self._send_disks(package, lease)
            await complete_lease(self._session, lease.moref)
        except BaseException:
            await asyncio.shield(abort_lease(self._session, lease.moref))
            raise
        detail = f"{package['size']} bytes to {place.datastore.name}"
        return {
            "vm": {"moref": lease.vm, "name": package["name"]},
            "datastore": place.datastore.name,
            "pool": place.pool.name,
            "folder": place.folder.name,
            "networks": {old: new.name for old, new in place.networks.items()},
            "size": package["size"],
            "warnings": lease.warnings,
            "detail": f"{detail}; begun again after {', '.join(again)} was left half made" if again else detail,
        }

    async def _send_disks(self, package: dict[str, Any], lease: ImportLease) -> None:
        disks = {disk["file"]: disk for disk in package["disks"]}
        if unsent := sorted(disks.keys() - {upload.path for upload in lease.uploads}):
            raise RestoreFailed(f"vCenter does not want {', '.join(unsent)}, so the VM would lack a disk.")
        meter = Meter(self._job.report, [disk["size"] for disk in disks.values()], None)
        numbers = {name: number for number, name in enumerate(disks)}
        async with kept_alive(self._session, lease.moref, meter.percent):
            for upload in lease.uploads:
                if upload.path not in disks:
                    raise RestoreFailed(f"vCenter wants {upload.path}, which the backup does not have.")
                disk = disks[upload.path]
                one = Upload(Path(package["path"]) / upload.path, disk["size"], disk["sha256"])

                def sending(done: int, number: int = numbers[upload.path], size: int = disk["size"]) -> None:
                    meter.reading(number, done, size)

                await one.send(upload.url, self._session.ssl_context(), sending, create=upload.create)
                await compare_received(self._session, lease.moref, upload.key, upload.path, disk["size"], one.sha1)

    async def _confirm(self, package: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
        made = await read_made(self._session, sent["vm"]["moref"])
        if made.capacities != package["capacities"]:
            raise RestoreFailed(
                f"{made.name} has disks of {made.capacities} bytes where the backup has {package['capacities']}."
            )
        if made.power_state != "poweredOff":
            raise RestoreFailed(f"{made.name} is {made.power_state}; a restored VM has to be powered off.")
        return {
            "power_state": made.power_state,
            "disks": made.capacities,
            "detail": f"{made.name} is there, powered off, with {len(made.capacities)} disk(s)",
        }

    async def _clean_up(self, cause: Exception) -> None:
        try:
            await self._job.step(REMOVE, self.remove, part="give up", cleanup=True)
        except VmkopsError as error:
            raise RestoreFailed(
                f"The restore failed ({cause}), and what it had made is still there: {error}"
            ) from error


def _package_checks(kept: KeptBackup) -> list[Check]:
    if kept.state in ("broken", "damaged"):
        said = f"The backup {kept.id} is {kept.state}: {kept.reason} Restore another one (GET /backups)."
        return [Check(rule=f"backup-{kept.state}", severity="refuse", message=said)]
    checks = []
    if kept.state == "unverified":
        said = f"The backup {kept.id} was never verified; its checksums are compared while it is sent."
        checks.append(Check(rule="backup-unverified", severity="info", message=said))
    if not kept.complete:
        lacking = "; ".join([*kept.left_out, *([f"{kept.missing} disk(s) lack"] if kept.missing else [])])
        checks.append(Check(rule="disks-lacking", severity="warn", message=f"The VM will lack disks: {lacking}."))
    return checks


def _place_checks(kept: KeptBackup, place: Place) -> list[Check]:
    said = f"In {place.pool.name}, on the datastore {place.datastore.name}, in the folder {place.folder.name}."
    checks = [Check(rule="place", severity="info", message=said)]
    for old, new in place.networks.items():
        checks.append(Check(rule="network", severity="info", message=f"The network {old} will be {new.name}."))
    if place.unmapped:
        checks.append(Check(rule="network-unmapped", severity="refuse", message=_unmapped(place)))
    if place.free < kept.size:
        said = f"{place.datastore.name} has {place.free} bytes free; the backup alone has {kept.size}."
        checks.append(Check(rule="no-room", severity="refuse", message=said))
    return checks


def _unmapped(place: Place) -> str:
    return (
        f"There is no network {', '.join(place.unmapped)} at {place.pool.name}. Say with `networks` which to use "
        f"instead; there are: {', '.join(place.known_networks) or 'none'}."
    )
