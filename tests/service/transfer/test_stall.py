"""A transfer that stands still goes on while its lease lives, and ends with its lease or after a long time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpServer

from service.errors import CopyFailed, VSphereUnavailable
from service.transfer.download import download_disk
from service.transfer.source import SourceFile
from service.transfer.stall import Stall
from service.transfer.upload import Upload
from service.vsphere.host_tls import HostTls

TLS = HostTls(context=ssl.create_default_context())
FOREVER = 3600.0


class Host:
    """A host that sends half of a disk, and takes none, until it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def send(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "8"})
        await response.prepare(request)
        await response.write(b"half")
        await self.go.wait()
        await response.write(b"half")
        return response

    async def take(self, request: web.Request) -> web.Response:
        await request.read()
        await self.go.wait()
        return web.Response()


@pytest.fixture
async def host(aiohttp_server: AiohttpServer) -> AsyncIterator[tuple[Host, str]]:
    standing = Host()
    app = web.Application()
    app.router.add_get("/disk", standing.send)
    app.router.add_post("/disk", standing.take)
    server = await aiohttp_server(app)
    yield standing, str(server.make_url("/disk"))
    standing.go.set()


class Lease:
    """A lease that lives while it is looked at `times` times, and then lets the host go, or ends."""

    def __init__(self, host: Host | None, times: int) -> None:
        self._host = host
        self._times = times
        self.looks = 0

    async def alive(self) -> bool:
        self.looks += 1
        if self.looks == 1 and self._times > 1:
            raise VSphereUnavailable
        if self.looks < self._times:
            return True
        if self._host is not None:
            self._host.go.set()
        return self._host is not None


async def move(url: str, folder: Path, stall: Stall, *, up: bool) -> bytes:
    """Send or receive the disk; what is in the folder afterwards."""
    path = folder / "disk.vmdk"
    if up:
        path.write_bytes(b"halfhalf")
        upload = Upload(folder, SourceFile(name=path.name, path=path.name, size=8))
        await upload.send(url, TLS, lambda _: None, stall, create=False)
    else:
        await download_disk(url, path, TLS, lambda *_: None, 0, stall)
    return path.read_bytes()


@pytest.mark.parametrize("up", [True, False])
async def test_transfer_goes_on_after_a_stall_while_its_lease_lives(
    host: tuple[Host, str], tmp_path: Path, up: bool
) -> None:
    lease = Lease(host[0], times=4)

    assert await move(host[1], tmp_path, Stall(lease.alive, look=0.01, limit=FOREVER), up=up) == b"halfhalf"
    assert lease.looks >= 4


@pytest.mark.parametrize("up", [True, False])
async def test_transfer_ends_when_its_lease_has_ended(host: tuple[Host, str], tmp_path: Path, up: bool) -> None:
    lease = Lease(None, times=3)

    with pytest.raises(CopyFailed, match=r"no data for .* and the lease has ended"):
        await move(host[1], tmp_path, Stall(lease.alive, look=0.01, limit=FOREVER), up=up)
    assert lease.looks == 3


@pytest.mark.parametrize("up", [True, False])
async def test_transfer_ends_at_its_limit_though_its_lease_lives(
    host: tuple[Host, str], tmp_path: Path, up: bool
) -> None:
    lease = Lease(None, times=1_000_000)

    with pytest.raises(CopyFailed, match=r"interrupted: no data for \d+ seconds\."):
        await move(host[1], tmp_path, Stall(lease.alive, look=0.01, limit=0.05), up=up)
