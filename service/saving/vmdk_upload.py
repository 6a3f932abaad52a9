"""Uploads a disk from its store to an import lease, encoded as a VMDK on the way; no byte of it is stored here."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import aiohttp

from service.errors import CopyFailed, PackageDamaged, VmkopsError
from service.saving.reader import raw_disk
from service.saving.store import DiskFacts, SavedDisk, Store
from service.saving.vmdk_encoder import VmdkEncoder
from service.transfer.host_request import host_request
from service.transfer.stall import Stall
from service.transfer.upload import HEADERS
from service.vsphere.host_tls import HostTls


class SavedUpload:
    """The upload of one disk; after `send`, `sha1` (hex) and `size` (bytes) are of what the host must have received."""

    def __init__(self, store: Store, disk: SavedDisk, facts: DiskFacts) -> None:
        self._store = store
        self._disk = disk
        self._facts = facts
        self._failure: VmkopsError | None = None
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self.size = 0

    @property
    def sha1(self) -> str:
        """The SHA-1 of what was sent."""
        return self._sha1.hexdigest()

    async def send(
        self, url: str, tls: HostTls, progress: Callable[[int], None], stall: Stall, *, create: bool
    ) -> None:
        """Send the disk to `url`; `progress` receives the bytes of the raw disk so far. `create` asks for PUT.

        The size of the VMDK is not known before its end, so it is sent in chunks (HTTP/1.1). Raises PackageDamaged when
        the store has another disk than was saved: the end is then held back, so that the host cannot take the disk for
        complete. Raises SaveFailed when the store does not give it, CopyFailed when the connection is interrupted or
        `stall` ends it, and CertificateUntrusted as `host_request` does.
        """
        headers = HEADERS | ({"Overwrite": "t"} if create else {})
        try:
            async with (
                raw_disk(self._store, self._disk, self._facts) as pieces,
                stall.watched(),
                host_request(
                    "PUT" if create else "POST",
                    url,
                    tls,
                    body=lambda: self._chunks(pieces, progress, stall),
                    headers=headers,
                ) as response,
            ):
                if response.status >= 300:
                    raise CopyFailed(
                        f"The host answered {response.status} {response.reason} to the upload of the disk "
                        f"{self._disk.file}."
                    )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if self._failure is not None:
                raise self._failure from error
            reason = str(error) or type(error).__name__
            raise CopyFailed(
                f"The upload of the disk {self._disk.file} was interrupted: {reason}. Check the network between this "
                "service and the host, then try again."
            ) from error

    async def _chunks(
        self, pieces: AsyncGenerator[bytes, None], progress: Callable[[int], None], stall: Stall
    ) -> AsyncIterator[bytes]:
        disk, raw, done = self._disk, hashlib.sha256(), 0
        encoder = VmdkEncoder(disk.file, disk.size)
        self._sha1, self.size = hashlib.sha1(usedforsecurity=False), 0

        def encode(piece: bytes) -> bytes:
            raw.update(piece)
            return self._count(encoder.feed(piece))

        yield self._count(encoder.start())
        try:
            async for piece in pieces:
                done += len(piece)
                if done > disk.size:
                    break
                encoded = await asyncio.to_thread(encode, piece)
                progress(done)
                stall.moved()
                if encoded:
                    yield encoded
        except VmkopsError as error:
            self._failure = error
            raise
        if done != disk.size or raw.hexdigest() != disk.sha256:
            self._failure = PackageDamaged(
                f"{disk.path} has changed in the store of the save profile {self._store.profile.name}: it has "
                f"{done:,} bytes with the SHA-256 {raw.hexdigest()}, but {disk.size:,} with {disk.sha256} are "
                "expected. It was not sent completely."
            )
            raise self._failure
        yield self._count(encoder.end())

    def _count(self, part: bytes) -> bytes:
        self._sha1.update(part)
        self.size += len(part)
        return part
