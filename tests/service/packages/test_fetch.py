"""The connection goes to the address that was checked, whatever the name resolves to elsewhere."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from yarl import URL

from service.api.settings import Settings
from service.errors import DiskFull, FetchAbsent, FetchBrokeOff, FetchFailed, NotAllowed, NotConfigured
from service.packages.fetch import Answer, fetch, request, save, without_query
from tests.peers.web_server import WebServer

NAME = "not-in-any-dns.example.com"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    with WebServer(tmp_path / "ca.pem", NAME) as server:
        server.files["/x"] = b"content"
        yield server


def settings(web: WebServer, hosts: str = "localhost") -> Settings:
    return Settings.model_validate({"VMKOPS_IMPORT_HOSTS": hosts, "VMKOPS_IMPORT_CA_FILE": str(web.ca_file)})


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

    with pytest.raises(NotConfigured, match="VMKOPS_IMPORT_CA_FILE"):
        async with fetch(f"{web.url}/x", settings(web)):
            pass


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
            await save(answer, tmp_path / "x", 6, lambda _: None)


async def test_file_that_does_not_fit_on_the_disk_is_not_downloaded(web: WebServer, tmp_path: Path) -> None:
    async with fetch(f"{web.url}/x", settings(web)) as answer:
        huge = Answer(answer.url, 1 << 62, answer.content)
        with pytest.raises(DiskFull, match="not enough"):
            await save(huge, tmp_path / "x", 1 << 63, lambda _: None)

    assert not (tmp_path / "x").exists()


def test_signature_in_a_query_is_not_without_query() -> None:
    assert without_query("https://h.example.com/x.ova?signature=s3cret#part") == "https://h.example.com/x.ova"
