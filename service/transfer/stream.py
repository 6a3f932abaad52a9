"""Streams one disk from its lease into something that takes it block by block; no byte of it is stored here."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import aiohttp

from service.errors import CopyFailed
from service.transfer.host_request import host_request
from service.transfer.stall import Stall
from service.vsphere.host_tls import HostTls

BLOCK = 1 << 20
"""Bytes that are passed on at once."""


class DiskSink(Protocol):
    """What takes a disk. `moved` is called while the disk has to wait for it."""

    async def write(self, chunks: Sequence[bytes], moved: Callable[[], None]) -> None:
        """Take the next block; may return before it is worked on."""

    async def flush(self, moved: Callable[[], None]) -> None:
        """Work on everything that was taken, as the disk has come to its end."""

    @property
    def sent(self) -> tuple[int, str, str]:
        """Bytes, SHA-256 and SHA-1 in hex of all blocks; valid after `flush`."""


OpenSink = Callable[[bytes], contextlib.AbstractAsyncContextManager[DiskSink]]
"""Opens what takes a disk, by the beginning of the disk, which is taken later too."""


async def stream_disk(
    url: str,
    name: str,
    tls: HostTls,
    progress: Callable[[int, int | None], None],
    stall: Stall,
    opening: OpenSink,
    ended: Callable[[DiskSink], Awaitable[None]],
) -> None:
    """Read `url`, the disk `name`, into the sink that `opening` opens, and await `ended` before that is left again.

    `progress` receives the bytes so far and the bytes in all, None where the host does not report them. Raises
    CopyFailed when the data ends early or `stall` ends it, CertificateUntrusted as `host_request` does, and what the
    sink raises.
    """
    try:
        async with contextlib.AsyncExitStack() as stack:
            async with stall.watched(), host_request("GET", url, tls) as response:
                if response.status != 200:
                    raise CopyFailed(
                        f"The host answered {response.status} {response.reason} to the download of the disk {name}."
                    )
                sink: DiskSink | None = None
                done, chunks, buffered = 0, list[bytes](), 0
                async for chunk, _ in response.content.iter_chunks():
                    chunks.append(chunk)
                    buffered += len(chunk)
                    stall.moved()
                    progress(done + buffered, response.content_length)
                    if buffered < BLOCK:
                        continue
                    if sink is None:
                        sink = await stack.enter_async_context(opening(b"".join(chunks)))
                    await sink.write(chunks, stall.moved)
                    done += buffered
                    chunks, buffered = [], 0
                done += buffered
                if response.content_length not in (None, done):
                    raise CopyFailed(f"The disk {name} ended after {done:,} of {response.content_length:,} bytes.")
                if sink is None:
                    sink = await stack.enter_async_context(opening(b"".join(chunks)))
                await sink.write(chunks, stall.moved)
                await sink.flush(stall.moved)
            await ended(sink)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        reason = str(error) or type(error).__name__
        raise CopyFailed(
            f"The download of the disk {name} was interrupted: {reason}. Check the network between this service and "
            "the host, then try again."
        ) from error
