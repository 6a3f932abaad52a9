"""Streams one file of a package to its lease, hashing as it goes; a file that was changed is never sent whole."""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp

from service.errors import CopyFailed, PackageDamaged
from service.transfer.safe_open import open_inside
from service.transfer.source import SourceFile

CHUNK = 1 << 20
STALL_SECONDS = 300
"""Sending that gets nowhere for this long has failed; a host may take its time over the end of a disk."""
HEADERS = {"Content-Type": "application/x-vnd.vmware-streamVmdk"}


class Upload:
    """One file on its way; after `send`, `sha1` is what the host must have got."""

    def __init__(self, root: Path, file: SourceFile) -> None:
        self._root = root
        self._file = file
        self._damage: PackageDamaged | None = None
        self.sha1 = ""

    async def send(self, url: str, tls: ssl.SSLContext, progress: Callable[[int], None], *, create: bool) -> None:
        """Send the file to `url`; `progress` is told the bytes so far.

        Raises PackageDamaged when the file has not the digest that it should have: its last piece is then held back,
        so that the host cannot take it for whole. Raises CopyFailed when the connection breaks or stalls.
        """
        name, size = self._file.name, self._file.size
        # The response is waited for with the same patience; aiohttp's own read limit begins when all has been sent.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=STALL_SECONDS)
        headers = HEADERS | {"Content-Length": str(size)} | ({"Overwrite": "t"} if create else {})
        try:
            async with asyncio.timeout(STALL_SECONDS) as stall, aiohttp.ClientSession(timeout=timeout) as http:
                body = self._pieces(progress, stall)
                method = "PUT" if create else "POST"
                async with http.request(method, url, data=body, headers=headers, ssl=tls) as response:
                    if response.status >= 300:
                        raise CopyFailed(f"The host answered {response.status} {response.reason} for the disk {name}.")
                    progress(size)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if self._damage is not None:
                raise self._damage from error
            reason = str(error) or f"nothing went on for {STALL_SECONDS} seconds"
            raise CopyFailed(f"Sending the disk {name} broke off: {reason}.") from error

    async def _pieces(self, progress: Callable[[int], None], stall: asyncio.Timeout) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        wanted = self._file
        sha1 = hashlib.sha1(usedforsecurity=False)
        digest = hashlib.new(wanted.algorithm or "sha1", usedforsecurity=False)
        self.sha1, left = sha1.hexdigest(), wanted.size
        try:
            with (
                ThreadPoolExecutor(1, thread_name_prefix="disk") as reader,
                open_inside(self._root, wanted.path) as file,
            ):
                found = os.fstat(file.fileno()).st_size
                if found < wanted.offset + wanted.size or (found > wanted.size and not wanted.offset):
                    raise self._changed(f"{found - wanted.offset} bytes")
                file.seek(wanted.offset)

                def read(count: int) -> bytes:
                    piece = file.read(min(CHUNK, count))
                    digest.update(piece)
                    sha1.update(piece)
                    return piece

                reading = loop.run_in_executor(reader, read, left)
                while left:
                    piece = await reading
                    left -= len(piece)
                    if not piece:
                        raise self._changed("it ended early")
                    if left:
                        # While this piece is on its way, the next one is read and hashed in the thread.
                        reading = loop.run_in_executor(reader, read, left)
                    else:
                        # Before the last piece goes: the host may answer before this runs on.
                        if wanted.digest and digest.hexdigest() != wanted.digest:
                            raise self._changed(f"{wanted.algorithm} {digest.hexdigest()}")
                        self.sha1 = sha1.hexdigest()
                    yield piece
                    progress(wanted.size - left)
                    stall.reschedule(loop.time() + STALL_SECONDS)
        except OSError as error:
            self._damage = PackageDamaged(f"{wanted.name} cannot be read: {error.strerror}.")
            raise self._damage from error

    def _changed(self, found: str) -> PackageDamaged:
        wanted = self._file
        kept = f"{wanted.algorithm} {wanted.digest}" if wanted.digest else "no digest"
        self._damage = PackageDamaged(
            f"{wanted.name} is not as it was packed: {found}, where {wanted.size} bytes with {kept} were. "
            "It was not sent whole."
        )
        return self._damage
