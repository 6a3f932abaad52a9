"""Uploads one file of a package to its lease and hashes it on the way; a changed file is never sent completely."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp

from service.errors import CopyFailed, PackageDamaged
from service.transfer.host_request import host_request
from service.transfer.safe_open import safe_open
from service.transfer.source import SourceFile
from service.transfer.stall import Stall
from service.vsphere.host_tls import HostTls

CHUNK = 1 << 20
"""Bytes that are read and hashed at once."""
HEADERS = {"Content-Type": "application/x-vnd.vmware-streamVmdk"}


class Upload:
    """The upload of one file; after `send`, `sha1` is the SHA-1 in hex of what the host must have received."""

    def __init__(self, root: Path, file: SourceFile) -> None:
        self._root = root
        self._file = file
        self._damage: PackageDamaged | None = None
        self.size = file.size
        self.sha1 = ""

    async def send(
        self, url: str, tls: HostTls, progress: Callable[[int], None], stall: Stall, *, create: bool
    ) -> None:
        """Send the file to `url`; `progress` receives the bytes so far. `create` is what the lease asks for: PUT.

        Raises PackageDamaged when the file does not have its digest: the last chunk is then held back, so that the host
        cannot take the file for complete. Raises CopyFailed when the connection is interrupted or `stall` ends it, and
        CertificateUntrusted as `host_request` does.
        """
        name, size = self._file.name, self._file.size
        headers = HEADERS | {"Content-Length": str(size)} | ({"Overwrite": "t"} if create else {})
        try:
            async with (
                stall.watched(),
                host_request(
                    "PUT" if create else "POST",
                    url,
                    tls,
                    body=lambda: self._chunks(progress, stall),
                    headers=headers,
                ) as response,
            ):
                if response.status >= 300:
                    raise CopyFailed(
                        f"The host answered {response.status} {response.reason} to the upload of the disk {name}."
                    )
                progress(size)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if self._damage is not None:
                raise self._damage from error
            reason = str(error) or type(error).__name__
            raise CopyFailed(
                f"The upload of the disk {name} was interrupted: {reason}. Check the network between this service and "
                "the host, then try again."
            ) from error

    async def _chunks(self, progress: Callable[[int], None], stall: Stall) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        expected = self._file
        sha1 = hashlib.sha1(usedforsecurity=False)
        digest = hashlib.new(expected.algorithm or "sha1", usedforsecurity=False)
        self.sha1, left = sha1.hexdigest(), expected.size
        try:
            with (
                ThreadPoolExecutor(1, thread_name_prefix="disk") as reader,
                safe_open(self._root, expected.path) as file,
            ):
                found = os.fstat(file.fileno()).st_size
                if found < expected.offset + expected.size or (found > expected.size and not expected.offset):
                    raise self._changed(f"{found - expected.offset} bytes")
                file.seek(expected.offset)

                def read(count: int) -> bytes:
                    chunk = file.read(min(CHUNK, count))
                    digest.update(chunk)
                    sha1.update(chunk)
                    return chunk

                reading = loop.run_in_executor(reader, read, left)
                while left:
                    chunk = await reading
                    left -= len(chunk)
                    if not chunk:
                        raise self._changed("it ended early")
                    if left:
                        # While this chunk is being sent, the thread reads and hashes the next one.
                        reading = loop.run_in_executor(reader, read, left)
                    else:
                        # Before the last chunk is sent: the host may answer before this code continues.
                        if expected.digest and digest.hexdigest() != expected.digest:
                            raise self._changed(f"{expected.algorithm} {digest.hexdigest()}")
                        self.sha1 = sha1.hexdigest()
                    yield chunk
                    progress(expected.size - left)
                    stall.moved()
        except OSError as error:
            self._damage = PackageDamaged(f"{expected.name} cannot be read: {error.strerror}.")
            raise self._damage from error

    def _changed(self, found: str) -> PackageDamaged:
        expected = self._file
        digest = f"the {expected.algorithm} {expected.digest}" if expected.digest else "no digest"
        self._damage = PackageDamaged(
            f"{expected.name} has changed since it was packed: it has {found}, but {expected.size} bytes with {digest} "
            "are expected. It was not sent completely."
        )
        return self._damage
