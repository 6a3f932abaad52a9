"""Which VM a backup was made of: its vCenter and its instance UUID, or what an older record has instead."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import NamedTuple

from service.backups.catalogue import KeptBackup, KeptVm


class Owner(NamedTuple):
    """The identity of a VM. `instance` is its instance UUID; records of earlier versions have moref and UUID only.

    `folder` tells VMs apart of which no record has either.
    """

    vcenter: str
    instance: str = ""
    moref: str = ""
    uuid: str = ""
    folder: str = ""

    @property
    def known(self) -> bool:
        """Whether the record of the backup says which VM it was."""
        return not self.folder


class Owners:
    """The VMs of a list of backups."""

    def __init__(self, backups: Iterable[KeptBackup]) -> None:
        self._instances: dict[Owner, str] = {}
        for kept in backups:
            if kept.vm.instance_uuid and kept.vm.moref and kept.vm.uuid:
                self._instances.setdefault(_former(kept.vm), kept.vm.instance_uuid.lower())

    def of(self, kept: KeptBackup) -> Owner:
        """The VM that a backup was made of.

        A VM that was registered anew has another moref and the same instance UUID, so it is the same VM.
        """
        if kept.vm.instance_uuid or (kept.vm.moref and kept.vm.uuid):
            return self.of_vm(kept.vm)
        return Owner(kept.vm.vcenter, moref=kept.vm.moref, uuid=kept.vm.uuid, folder=str(PurePath(kept.path).parent))

    def of_vm(self, vm: KeptVm) -> Owner:
        """The same for a VM with a moref and a UUID, also for one of the inventory."""
        former = _former(vm)
        instance = vm.instance_uuid.lower() or self._instances.get(former, "")
        return Owner(vm.vcenter, instance) if instance else former


def _former(vm: KeptVm) -> Owner:
    return Owner(vm.vcenter, moref=vm.moref, uuid=vm.uuid)
