"""Which VM a name means among the kept backups: one VM, or an error that names the candidates.

A name is unique within one folder of one vCenter only, so two VMs may share it (see `service.backups.owner`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from knowledge.for_people import when
from knowledge.spelling import nearest_name
from service.api.settings import Settings
from service.api.words import copies_hint
from service.backups.catalogue import NEWEST, KeptBackup, read_catalogue
from service.backups.owner import Owner, Owners
from service.errors import Ambiguous, InvalidParams, NotFound
from service.vsphere.selectors import (
    PLAIN,
    Candidate,
    Selector,
    ambiguous,
    exact_selector,
    no_vcenter,
    read_selector,
)

FIELDS = ("name", "uuid", "moref")
"""The words that a selector may have before its colon."""
SHORT = re.compile(r"[0-9A-Za-z-]{4,}")
"""The beginning of an id that stands for the whole."""
NEAREST = 5
"""Names in an error."""


def find_backup(backups_dir: Path, selector: str, vcenters: Sequence[str] = ()) -> KeptBackup:
    """The backup with an id or the beginning of it; with `newest:` and the selector of a VM, its newest good one.

    `vcenters` are the names of those in the settings. Reads from disk. Raises NotFound, and what `backups_of` raises.
    """
    every = read_catalogue(backups_dir)
    if selector.startswith(NEWEST):
        return _newest_good(backups_of(every, selector.removeprefix(NEWEST), vcenters, prefix=NEWEST))
    fitting = [kept for kept in every if kept.id == selector]
    if not fitting and SHORT.fullmatch(selector):
        fitting = [kept for kept in every if kept.id.startswith(selector)]
    if len(fitting) > 1:
        candidates = [f"{kept.id} (of {shown_vm(kept, vcenters)})" for kept in fitting[:NEAREST]]
        raise Ambiguous(f"Several backups have an id that begins with {selector}. Give more of it.", candidates)
    if fitting:
        return fitting[0]
    raise _no_backup(every, selector, vcenters)


def kept_backup(settings: Settings, selector: str, vcenters: Sequence[str] = ()) -> KeptBackup:
    """The same among the kept backups; where there is none, the error also says which copy targets may have copies."""
    try:
        return find_backup(settings.backups_dir, selector, vcenters)
    except NotFound as error:
        hint = copies_hint(settings.copy_targets())
        raise NotFound(" ".join(filter(None, [str(error), hint])), error.suggestions) from None


def backups_of(
    every: Sequence[KeptBackup], selector: str, vcenters: Sequence[str] = (), *, prefix: str = ""
) -> list[KeptBackup]:
    """The backups of the one VM that a selector means, in the order of `every`, which is newest first.

    A selector is a name, or `name:`, `uuid:` or `moref:` and a value; `lab/` before it limits it to one vCenter. A name
    means the VM whose newest backup has it, otherwise the VM that had it before. Backups that were made under another
    name of the VM belong to it too, and so do those in its folder whose record cannot be read.

    Raises InvalidParams for an empty selector, NotFound with similar names, and Ambiguous with a selector for each
    candidate, after `prefix`; the id of a backup stands for a VM that no selector tells apart.
    """
    owners_of = Owners(every)
    known = _known(every, vcenters)
    vcenter, parts = _read(every, known, selector)
    inside = [kept for kept in every if vcenter in ("", kept.vm.vcenter.lower())]
    owners = _matching(owners_of, inside, parts)
    if not owners:
        raise _not_found(every, inside, known, vcenter, parts, prefix)
    if len(owners) > 1:
        raise _ambiguous(every, owners, known, parts, prefix)
    (owner,) = owners
    own = [kept for kept in every if owners_of.of(kept) == owner]
    folders = {PurePath(kept.path).parent for kept in own}
    return [
        kept
        for kept in every
        if owners_of.of(kept) == owner
        or (not owners_of.of(kept).known and not kept.good and PurePath(kept.path).parent in folders)
    ]


def vm_selector(every: Iterable[KeptBackup], kept: KeptBackup) -> str:
    """A selector that means exactly the VM of this backup; empty when only the ids of its backups tell it apart."""
    every = list(every)
    owners = Owners(every)
    owner, vm = owners.of(kept), kept.vm
    others = [each.vm for each in every if owners.of(each) != owner]
    if vm.moref and not any((each.vcenter, each.moref) == (vm.vcenter, vm.moref) for each in others):
        if len({each.vcenter for each in others} | {vm.vcenter}) > 1:
            return f"{vm.vcenter}/moref:{vm.moref}"
        return exact_selector(vm.vcenter, vm.moref)
    if vm.uuid and not any(each.uuid == vm.uuid for each in others):
        return f"uuid:{vm.uuid}"
    return ""


def shown_vm(kept: KeptBackup, vcenters: Sequence[str]) -> str:
    """The name of the VM of a backup for people: `prod/web-01` when there are several vCenters."""
    several = len({*vcenters, kept.vm.vcenter}) > 1
    return f"{kept.vm.vcenter}/{kept.vm.name}" if several else kept.vm.name


def origin(kept: KeptBackup, vcenters: Sequence[str]) -> str:
    """Where a backup came from, as a sentence: the VM, its moref, its vCenter when there are several, and the date."""
    made = f"made on {when(kept.created_at)}" if kept.created_at else "made at an unknown time"
    place = f" in the vCenter {kept.vm.vcenter}" if len({*vcenters, kept.vm.vcenter}) > 1 else ""
    return f"The backup {kept.id} is of {kept.vm.name} ({kept.vm.moref or 'moref unknown'}){place}, {made}."


def _known(every: Iterable[KeptBackup], vcenters: Sequence[str]) -> list[str]:
    """The names of vCenters: those of the settings first, then those that only backups have."""
    return list(dict.fromkeys([*vcenters, *(kept.vm.vcenter for kept in every)]))


def _newest_good(own: Sequence[KeptBackup]) -> KeptBackup:
    whole = [kept for kept in own if kept.whole_vm]
    for kept in whole:
        if kept.good:
            return kept
    if not whole:
        raise NotFound(
            f"The backups of {own[0].vm.name} hold files, not the machine. {NEWEST} is its newest backup with disks; "
            "for one of files, write its id.",
            [kept.id for kept in own if kept.good][:NEAREST],
        )
    raise NotFound(f"No backup of {own[0].vm.name} is good, of {len(whole)} in all. The newest: {whole[0].reason}")


def _read(every: Sequence[KeptBackup], known: Sequence[str], selector: str) -> tuple[str, Selector]:
    """The vCenter in lower case, or nothing, and the rest of the selector."""
    text = selector.strip()
    before, slash, rest = text.partition("/")
    named = slash and before.lower() in {each.lower() for each in known}
    if named and not any(kept.vm.name == text for kept in every):
        return before.lower(), read_selector(rest, FIELDS, "VM")
    return "", read_selector(text, FIELDS, "VM")


def _matching(owners_of: Owners, every: Sequence[KeptBackup], parts: Selector) -> list[Owner]:
    """The VMs that the selector fits; `every` is newest first."""
    if parts.kind != "name":
        wanted = parts.text.lower()
        fields = ("uuid", "instance_uuid") if parts.kind == "uuid" else (parts.kind,)
        fitting = [kept for kept in every if wanted in {str(getattr(kept.vm, field)).lower() for field in fields}]
        return list(dict.fromkeys(map(owners_of.of, fitting)))
    names: dict[Owner, list[str]] = {}
    for kept in every:
        names.setdefault(owners_of.of(kept), []).append(kept.vm.name)
    had = [owner for owner, given in names.items() if parts.text in given]
    have = [owner for owner in had if names[owner][0] == parts.text]
    found = have or had
    # A record that cannot be read says nothing about its VM, so it is no candidate beside one that can.
    return [owner for owner in found if owner.known] or found


def _ambiguous(
    every: Sequence[KeptBackup], owners: Sequence[Owner], known: Sequence[str], parts: Selector, prefix: str
) -> Ambiguous:
    owners_of = Owners(every)
    newest = [next(kept for kept in every if owners_of.of(kept) == owner) for owner in owners]
    candidates = [Candidate(_typed(every, kept, known, prefix), _facts(kept)) for kept in newest]
    what = f"The {parts.kind} {parts.text[:80]!r} stands for {len(owners)} VMs with backups"
    return ambiguous(what, candidates)


def _typed(every: Sequence[KeptBackup], kept: KeptBackup, known: Sequence[str], prefix: str) -> str:
    """What people type for the VM of a backup, which is its newest one: its name in its vCenter, if only it has that
    there; otherwise its moref or its UUID, and as the last resort the id of the backup.
    """
    vm, owners_of = kept.vm, Owners(every)
    inside = [each for each in every if each.vm.vcenter == vm.vcenter]
    alone = _matching(owners_of, inside, Selector("name", vm.name)) == [owners_of.of(kept)]
    if alone and len(known) > 1 and PLAIN.fullmatch(vm.name):
        return f"{prefix}{vm.vcenter}/{vm.name}"
    selector = vm_selector(every, kept)
    return f"{prefix}{selector}" if selector else kept.id


def _facts(kept: KeptBackup) -> str:
    vm = kept.vm
    uuid = f"UUID {vm.uuid or 'unknown'}"
    return f"vCenter {vm.vcenter}, {vm.moref or 'no moref'}, {uuid}, newest backup {kept.id}"


def _no_backup(every: Sequence[KeptBackup], selector: str, vcenters: Sequence[str]) -> NotFound:
    """The error for an id that no backup has; where it is a VM, with `newest:` and that VM."""
    message = f"There is no backup {selector[:80]!r}."
    near: list[str] = []
    try:
        backups_of(every, selector, vcenters, prefix=NEWEST)
    except Ambiguous as error:
        near = error.suggestions
    except (NotFound, InvalidParams) as error:
        near = [each for each in error.suggestions if each.startswith(NEWEST)]
    else:
        near = [f"{NEWEST}{selector}"]
        message += f" For the newest good backup of this VM, write {near[0]}."
    if not near and re.fullmatch(r"[0-9A-Za-z-]{1,3}", selector):
        return NotFound(f"{message} Give at least four characters of its id.")
    return NotFound(message if near else f"{message} The list of backups has their ids.", near)


def _not_found(
    every: Sequence[KeptBackup],
    inside: Sequence[KeptBackup],
    known: Sequence[str],
    vcenter: str,
    parts: Selector,
    prefix: str,
) -> NotFound:
    before, slash, rest = parts.text.partition("/")
    if parts.kind == "name" and slash and rest and not vcenter:
        return no_vcenter(before, known)
    place = f" in the vCenter {vcenter}" if vcenter else ""
    names = sorted({kept.vm.name for kept in inside or every})
    meant = nearest_name(parts.text, names)
    near = [name for name in names if parts.text.lower() in name.lower()] or ([meant] if meant else [])
    message = f"There is no backup of a VM {parts.text[:80]!r}{place}. The list of backups has their VMs."
    return NotFound(message, [f"{prefix}{name}" for name in near[:NEAREST]])
