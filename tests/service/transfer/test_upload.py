"""A disk is uploaded as it was packed, or the host never receives all of it."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import pytest
from aiohttp import web
from pytest_aiohttp.plugin import AiohttpServer

from service.errors import CopyFailed, PackageDamaged
from service.transfer.source import SourceFile
from service.transfer.upload import CHUNK, Upload
from service.vsphere.host_tls import HostTls
from tests.service.transfer.stalls import steady


class Host:
    """A host that takes uploads at /disk, and refuses them at /full."""

    def __init__(self) -> None:
        self.received = b""
        self.whole = False
        self.method = ""
        self.headers: dict[str, str] = {}

    async def take(self, request: web.Request) -> web.Response:
        self.method, self.headers = request.method, dict(request.headers)
        async for piece in request.content.iter_any():
            self.received += piece
        self.whole = True
        return web.Response()

    async def refuse(self, request: web.Request) -> web.Response:
        return web.Response(status=507, reason="Insufficient Storage")


@pytest.fixture
async def host(aiohttp_server: AiohttpServer) -> tuple[Host, str]:
    taking = Host()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/disk", taking.take)
    app.router.add_route("*", "/full", taking.refuse)
    server = await aiohttp_server(app)
    return taking, str(server.make_url(""))


def upload_of(path: Path, content: bytes, *, digest: str | None = None) -> Upload:
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest() if digest is None else digest
    file = SourceFile(name=path.name, path=path.name, size=len(content), algorithm="sha256", digest=sha256)
    return Upload(path.parent, file)


TLS = HostTls(context=ssl.create_default_context())


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
async def test_disk_arrives_as_it_is(host: tuple[Host, str], tmp_path: Path, size: int) -> None:
    taking, url = host
    content = hashlib.shake_128(b"disk").digest(size)
    upload = upload_of(tmp_path / "disk.vmdk", content)
    reported: list[int] = []

    await upload.send(f"{url}/disk", TLS, reported.append, steady(), create=False)

    assert taking.received == content
    assert (taking.method, taking.headers["Content-Length"]) == ("POST", str(size))
    assert upload.sha1 == hashlib.sha1(content).hexdigest()
    assert reported[-1] == size


async def test_file_that_the_host_creates_is_put(host: tuple[Host, str], tmp_path: Path) -> None:
    taking, url = host

    await upload_of(tmp_path / "disk.vmdk", b"content").send(f"{url}/disk", TLS, lambda _: None, steady(), create=True)

    assert (taking.method, taking.headers["Overwrite"]) == ("PUT", "t")


@pytest.mark.parametrize("changed", [b"", b"x", b"x" * (2 * CHUNK), b"x" * (2 * CHUNK + 5), b"x" * (5 * CHUNK)])
async def test_changed_disk_never_arrives_completely(host: tuple[Host, str], tmp_path: Path, changed: bytes) -> None:
    taking, url = host
    upload = upload_of(tmp_path / "disk.vmdk", b"y" * (2 * CHUNK + 5))
    (tmp_path / "disk.vmdk").write_bytes(changed)

    with pytest.raises(PackageDamaged, match="changed since it was packed"):
        await upload.send(f"{url}/disk", TLS, lambda _: None, steady(), create=False)

    assert not taking.whole


async def test_missing_disk_is_reported(host: tuple[Host, str], tmp_path: Path) -> None:
    upload = upload_of(tmp_path / "disk.vmdk", b"y")
    (tmp_path / "disk.vmdk").unlink()

    with pytest.raises(PackageDamaged, match="cannot be read"):
        await upload.send(f"{host[1]}/disk", TLS, lambda _: None, steady(), create=False)


async def test_refusal_of_the_host_is_reported(host: tuple[Host, str], tmp_path: Path) -> None:
    with pytest.raises(CopyFailed, match="507 Insufficient Storage"):
        await upload_of(tmp_path / "disk.vmdk", b"y").send(
            f"{host[1]}/full", TLS, lambda _: None, steady(), create=False
        )


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512", ""])
async def test_entry_of_an_archive_is_sent_by_itself(host: tuple[Host, str], tmp_path: Path, algorithm: str) -> None:
    taking, url = host
    content = b"d" * (CHUNK + 3)
    (tmp_path / "a.ova").write_bytes(b"h" * 512 + content + b"end")
    digest = hashlib.new(algorithm, content).hexdigest() if algorithm else ""
    entry = SourceFile(name="d.vmdk", path="a.ova", offset=512, size=len(content), algorithm=algorithm, digest=digest)

    await Upload(tmp_path, entry).send(f"{url}/disk", TLS, lambda _: None, steady(), create=False)

    assert taking.received == content


async def test_file_that_is_a_symbolic_link_is_not_sent(host: tuple[Host, str], tmp_path: Path) -> None:
    upload = upload_of(tmp_path / "disk.vmdk", b"secret")
    (tmp_path / "disk.vmdk").rename(tmp_path / "elsewhere")
    (tmp_path / "disk.vmdk").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(PackageDamaged, match="symbolic link"):
        await upload.send(f"{host[1]}/disk", TLS, lambda _: None, steady(), create=False)

    assert host[0].received == b""


async def test_file_that_became_longer_is_not_sent(host: tuple[Host, str], tmp_path: Path) -> None:
    upload = upload_of(tmp_path / "disk.vmdk", b"content")
    (tmp_path / "disk.vmdk").write_bytes(b"content and more")

    with pytest.raises(PackageDamaged, match="changed since it was packed"):
        await upload.send(f"{host[1]}/disk", TLS, lambda _: None, steady(), create=False)
