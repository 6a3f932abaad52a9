"""A downloaded disk is stored as the host sent it, complete, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpServer

from service.errors import CopyFailed, DiskRefused
from service.transfer.download import BLOCK, download_disk
from service.transfer.host_request import READ_AHEAD
from service.vsphere.host_tls import HostTls
from tests.service.transfer.stalls import steady

TLS = HostTls(context=ssl.create_default_context())
ENDLESS = 1 << 40


class Host:
    """A host with a disk at /disk, the same without a Content-Length at /unknown, and other answers."""

    def __init__(self) -> None:
        self.content = b""
        self.sent_inside = False

    async def disk(self, request: web.Request) -> web.Response:
        return web.Response(body=self.content)

    async def unknown(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(self.content)
        return response

    async def short(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(self.content) + 1)})
        response.force_close()
        await response.prepare(request)
        await response.write(self.content)
        return response

    async def endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(ENDLESS)})
        await response.prepare(request)
        while True:
            await response.write(bytes(READ_AHEAD))

    async def elsewhere(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("/inside")

    async def inside(self, request: web.Request) -> web.Response:
        self.sent_inside = True
        return web.Response(body=b"a secret")


@pytest.fixture
async def host(aiohttp_server: AiohttpServer) -> tuple[Host, str]:
    sending = Host()
    app = web.Application()
    for name in ("disk", "unknown", "short", "endless", "elsewhere", "inside"):
        app.router.add_get(f"/{name}", getattr(sending, name))
    server = await aiohttp_server(app)
    return sending, str(server.make_url("/"))


def files_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


@pytest.mark.parametrize("answer", ["disk", "unknown"])
@pytest.mark.parametrize("size", [0, 1, READ_AHEAD + 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
async def test_disk_is_stored_as_it_was_sent(host: tuple[Host, str], tmp_path: Path, size: int, answer: str) -> None:
    sending, url = host
    sending.content = hashlib.shake_128(b"disk").digest(size)
    reported: list[tuple[int, int | None]] = []

    found = await download_disk(
        url + answer, tmp_path / "disk.vmdk", TLS, lambda *now: reported.append(now), 0, steady()
    )

    assert (tmp_path / "disk.vmdk").read_bytes() == sending.content
    assert found == (size, hashlib.sha256(sending.content).hexdigest())
    assert [done for done, _ in reported] == sorted(done for done, _ in reported)
    assert reported[-1:] == ([(size, size if answer == "disk" else None)] if size else [])


async def test_disk_that_ends_early_leaves_no_file(host: tuple[Host, str], tmp_path: Path) -> None:
    sending, url = host
    sending.content = bytes(BLOCK + 1)

    with pytest.raises(CopyFailed, match=r"disk\.vmdk was interrupted"):
        await download_disk(f"{url}short", tmp_path / "disk.vmdk", TLS, lambda *_: None, 0, steady())

    assert files_in(tmp_path) == []


async def test_cancelled_copy_leaves_no_file(host: tuple[Host, str], tmp_path: Path) -> None:
    written = asyncio.Event()

    def progress(done: int, total: int | None) -> None:
        assert total == ENDLESS
        if done > 3 * BLOCK:
            written.set()

    copying = asyncio.create_task(
        download_disk(f"{host[1]}endless", tmp_path / "disk.vmdk", TLS, progress, 0, steady())
    )
    await written.wait()
    assert (tmp_path / "disk.vmdk").stat().st_size >= BLOCK
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying

    assert files_in(tmp_path) == []


async def test_refusal_of_the_host_is_reported(host: tuple[Host, str], tmp_path: Path) -> None:
    with pytest.raises(CopyFailed, match="The host answered 404 Not Found"):
        await download_disk(f"{host[1]}nowhere", tmp_path / "disk.vmdk", TLS, lambda *_: None, 0, steady())

    assert files_in(tmp_path) == []


async def test_redirect_is_not_followed(host: tuple[Host, str], tmp_path: Path) -> None:
    sending, url = host

    with pytest.raises(CopyFailed, match="The host answered 302 Found"):
        await download_disk(f"{url}elsewhere", tmp_path / "disk.vmdk", TLS, lambda *_: None, 0, steady())

    assert not sending.sent_inside


@pytest.mark.parametrize(
    "content", [b"# Disk DescriptorFile\n" + bytes(2 * BLOCK), b"<html>Log in</html>", b"KDM", b""]
)
async def test_what_is_no_vmdk_is_refused_and_leaves_no_file(
    host: tuple[Host, str], tmp_path: Path, content: bytes
) -> None:
    sending, url = host
    sending.content = content

    with pytest.raises(DiskRefused, match=r"disk\.vmdk is not a VMDK"):
        await download_disk(f"{url}disk", tmp_path / "disk.vmdk", TLS, lambda *_: None, 0, steady(), b"KDMV")

    assert files_in(tmp_path) == []


async def test_a_vmdk_is_recognized_by_its_first_bytes(host: tuple[Host, str], tmp_path: Path) -> None:
    sending, url = host
    sending.content = b"KDMV" + bytes(BLOCK)

    size, _ = await download_disk(f"{url}disk", tmp_path / "disk.vmdk", TLS, lambda *_: None, 0, steady(), b"KDMV")

    assert size == 4 + BLOCK


async def test_what_is_no_vmdk_is_refused_at_its_first_block(host: tuple[Host, str], tmp_path: Path) -> None:
    """The disk has no end, so only a look at its first block can end the copy."""
    with pytest.raises(DiskRefused):
        await download_disk(f"{host[1]}endless", tmp_path / "disk.vmdk", TLS, lambda *_: None, 0, steady(), b"KDMV")
