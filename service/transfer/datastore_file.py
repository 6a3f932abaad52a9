"""Reads and writes a small file of a datastore over vCenter's datastore browser, in the session of vCenter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp

from service.errors import CopyFailed
from service.vsphere.datastore_files import DatastoreFile
from service.vsphere.session import Session

LARGEST = 16 << 20
"""Bytes; an NVRAM file has at most some hundred kilobytes, a picture of a console a few megabytes."""
TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=30)

Locate = Callable[[], Awaitable[DatastoreFile]]


async def read_datastore_file(session: Session, locate: Locate) -> bytes:
    """The content of the file that `locate` finds; raises CopyFailed."""
    return await _exchange(session, locate, None)


async def write_datastore_file(session: Session, locate: Locate, content: bytes) -> None:
    """Write the file that `locate` finds, and replace one that exists; raises CopyFailed."""
    await _exchange(session, locate, content)


async def _exchange(session: Session, locate: Locate, content: bytes | None) -> bytes:
    file = await locate()
    status, reason, data = await _ask(session, file, content)
    if status == 401:
        # The cookie is older than the session: vCenter ended that one, and the next call signs in again.
        await session.call(lambda instance: instance.CurrentTime())
        file = await locate()
        status, reason, data = await _ask(session, file, content)
    if status >= 300:
        verb = "download" if content is None else "upload"
        raise CopyFailed(f"vCenter answered {status} {reason} to the {verb} of {file.path}.")
    return data


async def _ask(session: Session, file: DatastoreFile, content: bytes | None) -> tuple[int, str, bytes]:
    method = "GET" if content is None else "PUT"
    headers = {"Cookie": file.cookie, "Content-Type": "application/octet-stream"}
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.request(
                method, file.url, data=content, headers=headers, ssl=session.ssl_context(), allow_redirects=False
            ) as response,
        ):
            if (response.content_length or 0) > LARGEST:
                raise CopyFailed(f"{file.path} has {response.content_length} bytes, more than such a file can have.")
            data = await response.content.read(LARGEST + 1)
            while len(data) <= LARGEST and (more := await response.content.read(LARGEST + 1 - len(data))):
                data += more
            if len(data) > LARGEST:
                raise CopyFailed(f"{file.path} has more than {LARGEST} bytes, more than such a file can have.")
            return response.status, str(response.reason), data
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise CopyFailed(f"{file.path} was not transferred: {error or type(error).__name__}.") from error
