"""The connection goes to the address that was checked, whatever the name resolves to elsewhere."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from yarl import URL

from service.api.settings import Settings
from service.errors import DiskFull, FetchAbsent, FetchBrokeOff, FetchFailed, NotAllowed
from service.packages.fetch import Answer, fetch, request, save
from tests.peers.web_server import WebServer

NAME = "not-in-any-dns.example.com"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    with WebServer(tmp_path / "ca.pem", NAME) as server:
        server.files["/x"] = b"content"
        yield server


def settings(web: WebServer, hosts: str = "localhost", **more: object) -> Settings:
    values = {"HOSTS": hosts, "CA_FILE": str(web.ca_file), "PORTS": f"443 {web.port}", **more}
    return Settings.model_validate({f"VMKOPS_IMPORT_{name}": value for name, value in values.items()})


async def test_name_is_not_resolved_again(web: WebServer) -> None:
    tls = ssl.create_default_context(cafile=str(web.ca_file))

    async with request(URL(f"https://{NAME}:{web.port}/x"), [ip_address("127.0.0.1")], tls) as response:
        assert await response.read() == b"content"


async def test_internal_host_is_refused_unless_it_is_listed(web: WebServer) -> None:
    with pytest.raises(NotAllowed, match="VMKOPS_IMPORT_HOSTS"):
        async with fetch(f"{web.url}/x", settings(web, "other.example.com")):
            pass

    async with fetch(f"{web.url}/x", settings(web)) as answer:
        assert await answer.content.read() == b"content"
    assert web.asked == ["/x"]


async def test_ca_file_without_certificates_names_the_setting(web: WebServer) -> None:
    web.ca_file.write_text("no certificate")

    with pytest.raises(ValueError, match="VMKOPS_IMPORT_CA_FILE"):
        settings(web)


async def test_name_that_does_not_resolve_is_reported(web: WebServer) -> None:
    with pytest.raises(FetchBrokeOff, match="does not resolve"):
        async with fetch("https://no-such-name.invalid/x", settings(web)):
            pass


@pytest.mark.parametrize(("path", "error"), [("/absent", FetchAbsent), ("/x", FetchFailed)])
async def test_missing_or_too_long_file_is_reported(
    web: WebServer, tmp_path: Path, path: str, error: type[FetchFailed]
) -> None:
    with pytest.raises(error):
        async with fetch(f"{web.url}{path}", settings(web)) as answer:
            await save(answer, tmp_path / "x", 6, lambda _: None, 0)


async def test_file_that_does_not_fit_on_the_disk_is_not_downloaded(web: WebServer, tmp_path: Path) -> None:
    async with fetch(f"{web.url}/x", settings(web)) as answer:
        huge = Answer(answer.url, 1 << 62, answer.content)
        with pytest.raises(DiskFull, match="not enough"):
            await save(huge, tmp_path / "x", 1 << 63, lambda _: None, 0)

    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("https://localhost:{other}/x?sig=s3cret", "VMKOPS_IMPORT_PORTS"),
        ("https://127.0.0.1:{port}/x?sig=s3cret", "VMKOPS_IMPORT_HOSTS"),
        ("https://u:s3cret@localhost:{port}/x", "user name or password"),
        ("https://localhost:99999/x?sig=s3cret", "not a URL"),
    ],
)
async def test_each_redirect_is_checked_as_the_url_is(web: WebServer, to: str, reason: str) -> None:
    web.redirects["/moved"] = to.format(port=web.port, other=web.port + 1)

    with pytest.raises((NotAllowed, FetchAbsent), match=reason) as refused:
        async with fetch(f"{web.url}/moved", settings(web, HOSTS_ONLY="true")):
            pass

    assert "s3cret" not in str(refused.value)
    assert web.asked[0] == "/moved"
    assert "/x" not in web.asked


async def test_error_of_the_connection_does_not_repeat_the_query(web: WebServer) -> None:
    web.redirects["/x"] = "/" + "y" * 20_000  # a header longer than aiohttp reads, whose error repeats the URL

    with pytest.raises(FetchBrokeOff) as broken:
        async with fetch(f"{web.url}/x?sig=s3cret", settings(web)):
            pass

    assert "s3cret" not in str(broken.value)
    assert "REDACTED" in str(broken.value)
