"""The copies that a target has: which are whole, of which VM they are, and which of them may be removed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import ValidationError

from service.backups.catalogue import LARGEST_RECORD, RECORD, KeptBackup, KeptVm, PackageRecord, endings
from service.backups.signatures import LONGEST_SIGNATURE
from service.copies.store import CopyStore
from service.errors import Ambiguous, NotFound
from service.store.signing import SIGNATURE, Signer

ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
"""The ids that vmkops gives backups; a folder with another name is no copy."""
WHOLE_ID = 16
"""How many characters the ids of jobs have at least, and so those of backups."""
SHORTEST = 4
"""How many characters of an id stand for the whole at least."""
NAMED = 5
"""How many ids a message names."""
NOT_WHOLE = "The copy is not complete: its {} is missing. Copy the backup again."


class HeldCopy(NamedTuple):
    """One copy. `kept` has the state `verified` when it is whole, and `broken` otherwise; its `path` is TARGET/ID.

    `own`: this installation has signed its `backup.json`; only such copies are ever removed.
    """

    kept: KeptBackup
    own: bool


async def copy_id(store: CopyStore, word: str) -> str:
    """The id of the copy that a whole id, or the beginning of one, means; raises NotFound, Ambiguous and TargetFailed.

    The backups of a fleet have the id of the fleet, a dash and a number. So a word as long as an id may be a beginning
    too. When the target has nothing that begins with it, it is returned: the first step of a fetch says so.
    """
    target = store.target.name
    if await store.files(word):
        return word
    listed = f"`vmkops backups --target {target}` lists them."
    if len(word) < SHORTEST:
        raise NotFound(f"The copy target {target} has no backup {word}. Give at least {SHORTEST} characters. {listed}")
    copies = {path.partition("/")[0] for path in await store.files()}
    fitting = sorted(copy for copy in copies if ID.fullmatch(copy) and copy.startswith(word))
    if not fitting and len(word) >= WHOLE_ID:
        return word
    if not fitting:
        raise NotFound(f"The copy target {target} has no backup {word}. {listed}")
    if len(fitting) > 1:
        words = f"Several backups at the copy target {target} have an id that begins with {word}. Give more of it."
        raise Ambiguous(words, fitting[:NAMED])
    return fitting[0]


async def held_copies(store: CopyStore, signer: Signer) -> list[HeldCopy]:
    """Every copy of the target, newest first; raises TargetFailed.

    A copy is whole when its signed record is there, which is written last and after the files were read back, and each
    file has its size. What a target holds can be of anybody, so nothing else of it is believed.
    """
    copies: dict[str, dict[str, int]] = {}
    for path, size in (await store.files()).items():
        copy, _, name = path.partition("/")
        if ID.fullmatch(copy):
            copies.setdefault(copy, {})[name] = size
    limits = {RECORD: LARGEST_RECORD, f"{RECORD}{SIGNATURE}": LONGEST_SIGNATURE}
    wanted = [
        f"{id_}/{name}" for id_, files in copies.items() for name in limits if files.get(name, 1 << 60) <= limits[name]
    ]
    texts = await store.gather(wanted)
    # Signatures take CPU time.
    found = await asyncio.to_thread(
        lambda: [_held(store.target.name, id_, files, texts, signer) for id_, files in copies.items()]
    )
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(found, key=lambda each: (each.kept.created_at or oldest, each.kept.id), reverse=True)


def _held(target: str, id_: str, files: Mapping[str, int], texts: Mapping[str, bytes], signer: Signer) -> HeldCopy:
    unknown = KeptBackup(id=id_, state="broken", vm=KeptVm(), path=f"{target}/{id_}")

    def broken(kept: KeptBackup, why: str, *, own: bool = False) -> HeldCopy:
        return HeldCopy(kept.model_copy(update={"state": "broken", "reason": why}), own)

    content, signature = (texts.get(f"{id_}/{name}") for name in (RECORD, f"{RECORD}{SIGNATURE}"))
    if content is None:
        return broken(unknown, NOT_WHOLE.format(RECORD))
    try:
        record = PackageRecord.model_validate(json.loads(content))
    except (ValidationError, ValueError):
        return broken(unknown, f"Its {RECORD} cannot be read.")
    if record.job != id_:
        return broken(unknown, f"Its {RECORD} belongs to another backup.")
    kept = record.kept(unknown).model_copy(update={"state": "verified"})
    if signature is None or not signer.accepts(content, signature):
        return broken(kept, f"Its {RECORD} has no signature that is known here.")
    own = signer.made_here(content, signature)
    if record.saved:
        return broken(kept, "Its disks are in the store of a save profile, and not in the copy.")
    for file in (*record.here, *record.beside):
        if file.file not in files:
            return broken(kept, NOT_WHOLE.format(file.file), own=own)
        if files[file.file] != file.size:
            why = f"{file.file} has {files[file.file]:,} bytes; it was written with {file.size:,}."
            return broken(kept, why, own=own)
    for ending in (*endings(record.type), f".mf{SIGNATURE}"):
        if sum(name.endswith(ending) for name in files) != 1:
            return broken(kept, NOT_WHOLE.format(f"*{ending}"), own=own)
    return HeldCopy(kept, own=own)
