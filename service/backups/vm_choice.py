"""Which VM a name means among the kept backups: one VM, or an error that names the candidates.

A name is unique within one folder of one vCenter only, so two VMs may share it. A VM is told from others by its
vCenter, its moref and its UUID.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from service.backups.catalogue import NEWEST, KeptBackup, read_catalogue
from service.errors import Ambiguous, NotFound
from service.vsphere.selectors import Selector, exact_selector, read_selector

FIELDS = ("name", "uuid", "moref")
"""The words that a selector may have before its colon."""
SHORT = re.compile(r"[0-9A-Za-z-]{4,}")
"""The beginning of an id that stands for the whole."""
NEAREST = 5
"""Names in an error."""


class Owner(NamedTuple):
    """The identity of a VM; `folder` tells VMs apart whose moref or UUID no record has."""

    vcenter: str
    moref: str
    uuid: str
    folder: str = ""

    @property
    def known(self) -> bool:
        """Whether the record of the backup has both the moref and the UUID."""
        return not self.folder


def owner_of(kept: KeptBackup) -> Owner:
    """The VM that a backup was made of."""
    vm = kept.vm
    folder = "" if vm.moref and vm.uuid else str(PurePath(kept.path).parent)
    return Owner(vm.vcenter, vm.moref, vm.uuid, folder)


def find_backup(backups_dir: Path, selector: str) -> KeptBackup:
    """The backup with an id or the beginning of it; with `newest:` and the selector of a VM, its newest good one.

    Reads from disk. Raises NotFound, and what `backups_of` raises.
    """
    every = read_catalogue(backups_dir)
    if selector.startswith(NEWEST):
        return _newest_good(backups_of(every, selector.removeprefix(NEWEST), prefix=NEWEST))
    fitting = [kept for kept in every if kept.id == selector]
    if not fitting and SHORT.fullmatch(selector):
        fitting = [kept for kept in every if kept.id.startswith(selector)]
    if len(fitting) > 1:
        candidates = [f"{kept.id} (of {kept.vm.name})" for kept in fitting[:NEAREST]]
        raise Ambiguous(f"Several backups have an id that begins with {selector}. Give more of it.", candidates)
    if fitting:
        return fitting[0]
    raise NotFound(f"There is no backup {selector[:80]!r}. The list of backups has them.")


def backups_of(every: Sequence[KeptBackup], selector: str, *, prefix: str = "") -> list[KeptBackup]:
    """The backups of the one VM that a selector means, in the order of `every`, which is newest first.

    A selector is a name, or `name:`, `uuid:` or `moref:` and a value; `lab/` before it limits it to one vCenter. A name
    means the VM whose newest backup has it, otherwise the VM that had it before. Backups that were made under another
    name of the VM belong to it too, and so do those in its folder whose record cannot be read.

    Raises InvalidParams for an empty selector, NotFound with similar names, and Ambiguous with a selector for each
    candidate, after `prefix`; the id of a backup stands for a VM that no selector tells apart.
    """
    vcenter, parts = _read(every, selector)
    owners = _matching([kept for kept in every if vcenter in ("", kept.vm.vcenter.lower())], parts)
    if not owners:
        raise _not_found(every, parts.text)
    if len(owners) > 1:
        raise _ambiguous(every, owners, parts, prefix)
    (owner,) = owners
    own = [kept for kept in every if owner_of(kept) == owner]
    folders = {PurePath(kept.path).parent for kept in own}
    return [
        kept
        for kept in every
        if owner_of(kept) == owner
        or (not owner_of(kept).known and not kept.good and PurePath(kept.path).parent in folders)
    ]


def vm_selector(every: Iterable[KeptBackup], kept: KeptBackup) -> str:
    """A selector that means exactly the VM of this backup; empty when only the ids of its backups tell it apart."""
    owner = owner_of(kept)
    others = {owner_of(each) for each in every} - {owner}
    if owner.moref and not any((each.vcenter, each.moref) == (owner.vcenter, owner.moref) for each in others):
        if len({each.vcenter for each in others} | {owner.vcenter}) > 1:
            return f"{owner.vcenter}/moref:{owner.moref}"
        return exact_selector(owner.vcenter, owner.moref)
    if owner.uuid and not any(each.uuid == owner.uuid for each in others):
        return f"uuid:{owner.uuid}"
    return ""


def _newest_good(own: Sequence[KeptBackup]) -> KeptBackup:
    for kept in own:
        if kept.good:
            return kept
    raise NotFound(f"No backup of {own[0].vm.name} is good, of {len(own)} in all. The newest: {own[0].reason}")


def _read(every: Sequence[KeptBackup], selector: str) -> tuple[str, Selector]:
    """The vCenter in lower case, or nothing, and the rest of the selector."""
    text = selector.strip()
    before, slash, rest = text.partition("/")
    named = slash and before.lower() in {kept.vm.vcenter.lower() for kept in every}
    if named and not any(kept.vm.name == text for kept in every):
        return before.lower(), read_selector(rest, FIELDS, "VM")
    return "", read_selector(text, FIELDS, "VM")


def _matching(every: Sequence[KeptBackup], parts: Selector) -> list[Owner]:
    """The VMs that the selector fits; `every` is newest first."""
    if parts.kind != "name":
        wanted = parts.text.lower()
        fitting = (owner_of(kept) for kept in every if str(getattr(kept.vm, parts.kind)).lower() == wanted)
        return list(dict.fromkeys(fitting))
    names: dict[Owner, list[str]] = {}
    for kept in every:
        names.setdefault(owner_of(kept), []).append(kept.vm.name)
    had = [owner for owner, given in names.items() if parts.text in given]
    have = [owner for owner in had if names[owner][0] == parts.text]
    found = have or had
    # A record that cannot be read says nothing about its VM, so it is no candidate beside one that can.
    return [owner for owner in found if owner.known] or found


def _ambiguous(every: Sequence[KeptBackup], owners: Sequence[Owner], parts: Selector, prefix: str) -> Ambiguous:
    newest = [next(kept for kept in every if owner_of(kept) == owner) for owner in owners]
    exact = [(vm_selector(every, kept), kept) for kept in newest]
    candidates = [f"{prefix}{selector}" if selector else kept.id for selector, kept in exact]
    described = "; ".join(
        f"{candidate} (vCenter {kept.vm.vcenter}, {kept.vm.moref or 'no moref'}, UUID {kept.vm.uuid or 'unknown'}, "
        f"newest backup {kept.id})"
        for candidate, kept in zip(candidates, newest, strict=True)
    )
    return Ambiguous(
        f"The {parts.kind} {parts.text[:80]!r} stands for {len(owners)} VMs with backups. Choose one: {described}.",
        candidates,
    )


def _not_found(every: Sequence[KeptBackup], text: str) -> NotFound:
    near = [name for name in sorted({kept.vm.name for kept in every}) if text.lower() in name.lower()]
    return NotFound(f"There is no backup of a VM {text[:80]!r}. The list of backups has them.", near[:NEAREST])
