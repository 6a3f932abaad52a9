"""Streams one disk of a package to its lease, hashing as it goes; a disk that was changed is never sent whole."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp

from service.errors import BackupDamaged, CopyFailed

CHUNK = 1 << 20
STALL_SECONDS = 300
"""Sending that gets nowhere for this long has failed; a host may take its time over the end of a disk."""
HEADERS = {"Content-Type": "application/x-vnd.vmware-streamVmdk"}


class Upload:
    """One disk on its way; after `send`, `sha1` is what the host must have got."""

    def __init__(self, path: Path, size: int, sha256: str) -> None:
        self._path = path
        self._size = size
        self._sha256 = sha256
        self._damage: BackupDamaged | None = None
        self.sha1 = ""

    async def send(self, url: str, tls: ssl.SSLContext, progress: Callable[[int], None], *, create: bool) -> None:
        """Send the file to `url`; `progress` is told the bytes so far.

        Raises BackupDamaged when the file is not the one that was kept: its last piece is then held back, so that
        the host cannot take it for whole. Raises CopyFailed when the connection breaks or stalls.
        """
        # The response is waited for with the same patience; aiohttp's own read limit begins when all has been sent.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=STALL_SECONDS)
        headers = HEADERS | {"Content-Length": str(self._size)} | ({"Overwrite": "t"} if create else {})
        try:
            async with asyncio.timeout(STALL_SECONDS) as stall, aiohttp.ClientSession(timeout=timeout) as http:
                body = self._pieces(progress, stall)
                method = "PUT" if create else "POST"
                async with http.request(method, url, data=body, headers=headers, ssl=tls) as response:
                    if response.status >= 300:
                        raise CopyFailed(
                            f"The host answered {response.status} {response.reason} for the disk {self._path.name}."
                        )
                    progress(self._size)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if self._damage is not None:
                raise self._damage from error
            reason = str(error) or f"nothing went on for {STALL_SECONDS} seconds"
            raise CopyFailed(f"Sending the disk {self._path.name} broke off: {reason}.") from error

    async def _pieces(self, progress: Callable[[int], None], stall: asyncio.Timeout) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        sha256, sha1 = hashlib.sha256(), hashlib.sha1(usedforsecurity=False)
        sent = 0
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="disk") as reader, self._path.open("rb", 0) as file:

                def read() -> bytes:
                    piece = file.read(CHUNK)
                    sha256.update(piece)
                    sha1.update(piece)
                    return piece

                piece = await loop.run_in_executor(reader, read)
                following = await loop.run_in_executor(reader, read)
                if not piece:
                    self._compare(0, sha256.hexdigest())
                while piece:
                    if not following or sent + len(piece) >= self._size:
                        self._compare(sent + len(piece) + len(following), sha256.hexdigest())
                        # Set before the last piece goes: the host may answer before this runs on.
                        self.sha1 = sha1.hexdigest()
                    # While one piece is on its way, the next but one is read and hashed in the thread.
                    reading = loop.run_in_executor(reader, read)
                    yield piece
                    sent += len(piece)
                    progress(sent)
                    stall.reschedule(loop.time() + STALL_SECONDS)
                    piece, following = following, await reading
        except OSError as error:
            self._damage = BackupDamaged(f"{self._path.name} cannot be read: {error.strerror}.")
            raise self._damage from error

    def _compare(self, size: int, sha256: str) -> None:
        if size != self._size or sha256 != self._sha256:
            self._damage = BackupDamaged(
                f"{self._path.name} is not as it was kept: {size} bytes with SHA-256 {sha256}, "
                f"where {self._size} with {self._sha256} were. It was not sent whole. Restore another backup."
            )
            raise self._damage
