"""Keeps the picture of a console that a drill took, beside the backup, until the next drill replaces it."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from knowledge.atomic_file import replace_file
from service.errors import CopyFailed
from service.transfer.datastore_file import read_datastore_file
from service.vsphere.datastore_files import find_file
from service.vsphere.session import Session

PICTURE = "drill.png"
PNG = b"\x89PNG\r\n"


async def keep_picture(session: Session, vm: str, path: str, folder: Path) -> Path:
    """Fetch the picture at the datastore path `path` of the VM `vm` (a moref); raises CopyFailed."""
    content = await read_datastore_file(session, partial(find_file, session, vm, path))
    if not content.startswith(PNG):
        raise CopyFailed(f"{path} is not a picture.")
    to = folder / PICTURE
    try:
        await asyncio.to_thread(replace_file, to, content, mode=0o600)
    except OSError as error:
        raise CopyFailed(f"{to} cannot be written: {error.strerror}.") from error
    return to
