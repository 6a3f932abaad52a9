"""Applies the retention of a copy target to the copies there; the last good copy of a VM always stays."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from service.backups.retention import Decision, keep, read_policy
from service.backups.vm_choice import backups_of
from service.copies.held import held_copies
from service.copies.records import forget_copy
from service.copies.store import CopyStore
from service.errors import Ambiguous, NotFound, TargetFailed
from service.store.signing import Signer


class Pruned(NamedTuple):
    """The ids of the copies that were removed, how many stay, and for those that the target refused to remove, why."""

    removed: list[str]
    staying: int
    refused: dict[str, str]


async def decide(store: CopyStore, signer: Signer, vm: str = "", vcenters: Sequence[str] = ()) -> list[Decision]:
    """What the retention of a target that has one decides about each copy that this installation has signed.

    `vm` is a selector that limits it to the copies of one VM. Unfinished copies, and those of others, are left out.
    Raises TargetFailed.
    """
    copies = [each.kept for each in await held_copies(store, signer) if each.own]
    decisions = keep(copies, read_policy(store.target.table.keep), datetime.now(UTC))
    if not vm:
        return decisions
    try:
        own = {kept.path for kept in backups_of(copies, vm, vcenters)}
    except (NotFound, Ambiguous):
        return []
    return [each for each in decisions if each.backup.path in own]


async def prune(
    store: CopyStore, signer: Signer, backups_dir: Path, vm: str = "", vcenters: Sequence[str] = ()
) -> Pruned:
    """Remove what the retention does not keep; raises TargetFailed when the target cannot be asked."""
    decisions = await decide(store, signer, vm, vcenters)
    going = [each.backup.id for each in decisions if not each.stays]
    removed, refused = [], {}
    for id_ in going:
        try:
            await store.remove(id_)
            if await store.files(id_):
                raise TargetFailed("It is still there.")
        except TargetFailed as error:
            refused[id_] = str(error)
            continue
        await asyncio.to_thread(forget_copy, backups_dir, id_, store.target.name)
        removed.append(id_)
    return Pruned(removed, len(decisions) - len(removed), refused)
