"""What restore and restore drill share: which backup, whether it can be restored, and what its VM is called."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from service.actions._deploy import Deployment, Identity, choose_identity
from service.actions._placement import LONGEST_NAME, PlacementParams, check_place, new_vm_key
from service.actions._targeted import info, refuse, warn
from service.api.models import ActionClass, Check
from service.api.words import counted
from service.backups.catalogue import NEWEST, KeptBackup, KeptFile
from service.backups.described import read_described
from service.backups.lock import locked
from service.backups.signatures import check_signatures
from service.backups.stored import facts_of, read_checks
from service.backups.vm_choice import kept_backup, origin, shown_vm
from service.errors import BackupDamaged, ImportFailed, PackageDamaged, RestoreFailed, VmkopsError
from service.jobs.action import Context, JobControl, Params, Target
from service.packages.beside import SETTINGS, read_kept_settings
from service.packages.contents import Contents
from service.packages.deployable import Deployable, Stored
from service.transfer.source import SourceFile
from service.vsphere.placement import Home
from service.vsphere.restored_settings import find_by_uuid

WITHOUT_SETTINGS = (
    "The package has no settings file of the VM and no NVRAM; packages of other programs and of vmkops 0.1 have none. "
    "Firmware, notes and advanced settings are those of the descriptor."
)

FILES_ONLY = (
    "The backup {0} holds files, not a machine, so no VM or disk can be made of it. Read them with `vmkops files {0}`."
)

ELSEWHERE = "other-vcenter"
"""The rule of the finding that a restored VM goes to another vCenter than its backup came from."""


class BackupParams(Params):
    """Which backup."""

    backup: str = Field(
        min_length=1,
        max_length=300,
        description="The backup: its id, or newest: and a VM for the newest good backup of that VM, such as "
        "newest:web-01, newest:prod/web-01 for the one in the vCenter prod, or newest:uuid: and its UUID.",
    )

    async def pinned(self, context: Context) -> Self:
        """The same with the name of the vCenter after `newest:`, as `Action.pinned` gives it; an id stays."""
        if not self.backup.startswith(NEWEST):
            return self
        kept = await read_backup(context, self.backup)
        selector = context.vcenters.pinned(self.backup.removeprefix(NEWEST), kept.vm.vcenter)
        return self.model_copy(update={"backup": f"{NEWEST}{selector}"})


class FromBackup(PlacementParams, BackupParams):
    """Which backup, and where its VM goes; the fields of the last base come first, and the first is the target."""


async def check_restore(
    context: Context, params: FromBackup, name: str, suffix: str, identity: Identity | None = None
) -> Target:
    """What a restore with these parameters would do, and what prevents it; every choice is made exact.

    `name` is the new VM's, or empty for the name of the old one with `suffix` and the job's id. `identity` is None for
    an action that does not leave the choice. Raises NotFound and
    Ambiguous.
    """
    vcenters = context.vcenters
    kept = await read_backup(context, params.backup)
    checks = [info("backup-from", origin(kept, vcenters.names())), *await backup_checks(context, kept)]
    exact: dict[str, Any] = {**params.model_dump(), "backup": kept.id}
    if not any(check.severity == "refuse" for check in checks):
        try:
            networks = (await read_described(context.workers, kept)).outline.networks
        except BackupDamaged as error:
            checks.append(refuse("backup-damaged", str(error)))
        else:
            home = Home(kept.vm.vcenter, kept.vm.moref, kept.vm.uuid)
            placed, place = await check_place(context, params, name, networks, kept.packed_size, home)
            checks += [*elsewhere(kept, place["vcenter"]), *placed]
            exact |= place
            if not kept.beside:
                checks.append(info("settings-missing", WITHOUT_SETTINGS))
            elif identity is not None:
                session = context.vcenters.named(place["vcenter"]).session
                exact["identity"] = await choose_identity(session, identity, kept.vm.uuid)
                checks.append(_identity_check(exact["identity"], await find_by_uuid(session, kept.vm.uuid)))
    to = name or f"{kept.vm.name}{suffix}"
    vcenter = exact["vcenter"]
    return Target(
        key=f"restore:{kept.id}:{vcenter}:{to}",
        name=f"{shown_vm(kept, vcenters.names())} {kept.id} as {vcenters.shown(vcenter, to) if vcenter else to}",
        vcenter=vcenter,
        params=exact,
        checks=tuple(checks),
        # Two restores under one chosen name would both find it free; a name that vmkops chooses contains the job's id.
        also=(new_vm_key(exact["vcenter"], name),) if name else (),
    )


class BackupDeployment:
    """The deployment of one backup in this process."""

    def __init__(
        self,
        context: Context,
        job: JobControl,
        params: FromBackup,
        name: str,
        suffix: str,
        identity: Identity = "new",
        *,
        tagged: bool = False,
        passing: bool = False,
    ) -> None:
        self._deployment = Deployment(context, job, params, identity, tagged=tagged, passing=passing)
        self._context = context
        self._job = job.job_id
        self._backup = params.backup
        self._name = name
        self._suffix = suffix
        self.remove = self._deployment.remove

    async def deploy(self) -> dict[str, Any]:
        """Make the VM and check it; whatever fails, the incomplete VM is removed.

        The result has the keys of that of `Deployment.deploy`, and `backup`.
        """
        try:
            made = await self._deployment.deploy(self._read, locked)
        except PackageDamaged as error:
            raise BackupDamaged(f"{error} Restore another backup.") from error
        except ImportFailed as error:
            raise RestoreFailed(str(error)) from error
        return {**made, "backup": self._backup}

    async def folder(self) -> Path:
        """The folder of the backup; raises NotFound."""
        kept = await read_backup(self._context, self._backup)
        return Path(kept.path)

    async def tools_ran(self) -> bool:
        """Whether VMware Tools ran in the VM when the backup was made, as far as is known."""
        if self._deployment.tools_ran is not None:
            return self._deployment.tools_ran
        try:  # an earlier version sent the disks; the backup may be gone since
            settings = await read_kept_settings(await self._read())
        except VmkopsError:
            return False
        return settings is not None and settings.tools_running

    async def _read(self) -> Deployable:
        kept, contents = await open_backup(self._context, self._backup)
        return Deployable(
            title=f"backup {kept.id} of {kept.vm.name}",
            vm=self._name or f"{kept.vm.name[: LONGEST_NAME - 24]}{self._suffix}-{self._job[:8]}",
            note=f"Restored from the backup {kept.id} of {kept.vm.name}, made {made_at(kept)}.",
            root=kept.path,
            descriptor=contents.text,
            files=files_to_send(kept, contents.files),
            networks=contents.outline.networks,
            capacities=contents.outline.capacities,
            stored=stored_disks(kept),
            settings=next((_beside(file) for file in kept.beside if file.file == SETTINGS), None),
            nvram=next((_beside(file) for file in kept.beside if file.file != SETTINGS), None),
        )


async def open_backup(context: Context, backup: str) -> tuple[KeptBackup, Contents]:
    """The backup and what its descriptor says; raises NotFound, or BackupDamaged when it must not be restored."""
    kept = await read_backup(context, backup)
    checks = await backup_checks(context, kept)
    if refused := [check.message for check in checks if check.severity == "refuse"]:
        raise BackupDamaged(" ".join(refused))
    return kept, await read_described(context.workers, kept)


def files_to_send(kept: KeptBackup, files: list[SourceFile]) -> list[SourceFile]:
    """The files of a package; disks that a store has get the size and the digest of the raw disk."""
    raw = {disk.file: disk for disk in kept.saved.disks} if kept.saved else {}
    return [
        file.model_copy(
            update={"size": raw[file.path].size, "algorithm": "sha256", "digest": raw[file.path].sha256, "disk": True}
        )
        if file.path in raw
        else file
        for file in files
    ]


def stored_disks(kept: KeptBackup) -> Stored | None:
    """Where the disks of a backup are when a store has them."""
    if kept.saved is None:
        return None
    return Stored(saved=kept.saved, facts={disk.file: facts_of(kept, disk) for disk in kept.saved.disks})


def made_at(kept: KeptBackup) -> str:
    """When the backup was made, for people."""
    return kept.created_at.isoformat() if kept.created_at else "at an unknown time"


def class_of_restore(action_class: ActionClass, target: Target) -> ActionClass:
    """The class of a restore: one that needs a yes when the VM goes to another vCenter than it came from."""
    return ActionClass.DISRUPTIVE if any(check.rule == ELSEWHERE for check in target.checks) else action_class


async def read_backup(context: Context, backup: str) -> KeptBackup:
    """The backup that a selector means; raises NotFound and Ambiguous."""
    return await asyncio.to_thread(kept_backup, context.settings, backup, context.vcenters.names())


def elsewhere(kept: KeptBackup, vcenter: str) -> list[Check]:
    """A warning when a backup goes to another vCenter than it came from."""
    if kept.vm.vcenter == vcenter:
        return []
    words = f"The VM goes from {kept.vm.vcenter} to {vcenter}: the backup comes from another vCenter than the new VM."
    return [warn(ELSEWHERE, words)]


def _beside(file: KeptFile) -> SourceFile:
    return SourceFile(
        name=file.file, path=file.file, size=file.size, algorithm="sha256", digest=file.sha256, disk=False
    )


def _identity_check(identity: str, existing: list[str]) -> Check:
    if identity == "keep" and existing:
        message = (
            f"The new VM keeps the UUIDs and MAC addresses, and {', '.join(existing)} has them too. Two VMs with the "
            "same MAC address disturb each other on one network."
        )
        return warn("identity", message)
    if identity == "keep":
        return info("identity", "The new VM keeps the UUIDs and MAC addresses of the old one.")
    because = f", because {', '.join(existing)} has the old ones" if existing else ""
    return info("identity", f"The new VM gets new UUIDs and MAC addresses{because}. To keep them, set identity=keep.")


async def backup_checks(context: Context, kept: KeptBackup) -> list[Check]:
    """Whether a restore may use the backup: its state, its signature, and the disks that it lacks."""
    if kept.state in ("broken", "damaged"):
        message = f"The backup {kept.id} is {kept.state}: {kept.reason} Restore another one of the list of backups."
        return [refuse(f"backup-{kept.state}", message)]
    if not kept.whole_vm:
        return [refuse("backup-files", FILES_ONLY.format(kept.id))]
    required = context.settings.require_signatures
    wrong, warnings = await asyncio.to_thread(partial(check_signatures, kept, context.signer, required=required))
    if wrong:
        return [refuse("backup-signature", f"{' '.join(wrong)} Restore another one of the list of backups.")]
    checks = [warn("backup-unsigned", warning) for warning in warnings]
    if kept.saved:
        checks += read_checks(context.settings, kept.saved)
    if kept.state == "unverified":
        message = f"The backup {kept.id} was never verified; its checksums are compared while it is sent."
        checks.append(info("backup-unverified", message))
    if not kept.complete:
        unknown = [f"{counted(kept.missing, 'disk')} that vCenter did not export"] if kept.missing else []
        missing = "; ".join([*kept.left_out, *unknown])
        checks.append(warn("disks-lacking", f"The backup does not contain every disk of the VM. Missing: {missing}."))
    return checks
