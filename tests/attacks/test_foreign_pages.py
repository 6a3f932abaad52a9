"""A page of another site, open in the browser of somebody who can reach the service."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from service.web.markdown import markdown
from tests.running_service import RunningService

EVIL = "http://evil.example"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service on the local address, without further settings."""
    with RunningService(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with a public name that answers no lookup without a token."""
    settings = {
        "VMKOPS_LOOKUPS_PUBLIC": "false",
        "VMKOPS_PUBLIC_URL": "https://vmkops.example.com/",
        "VMKOPS_ALLOWED_HOSTS": "vmkops.lab",
    }
    with RunningService(tmp_path_factory.mktemp("data"), settings) as running:
        yield running


def ask(
    service: RunningService, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of a call without a token; `_` in a header's name stands for a hyphen."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(service.url + path, data=body, method=method, headers=sent)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read().decode()


@pytest.mark.parametrize("path", ["/", "/vmkerr/0xbad0022", "/static/vmkops.css", "/nothing", "/procedures", "/docs"])
def test_each_answer_forbids_foreign_frames_scripts_and_guesses_of_its_type(service: RunningService, path: str) -> None:
    _, headers, _ = ask(service, path, Accept="text/html")

    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_remembered_answer_has_the_headers_too(service: RunningService) -> None:
    first, second = (ask(service, "/vmkerr/0xbad0003")[1] for _ in range(2))

    assert first["Content-Security-Policy"] == second["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    ["/", "/docs", "/vmkerr", "/vmkerr/0xbad0022", "/procedures", "/procedures/all-paths-down", "/decode",
     "/p2v/tools", "/p2v/checklist?guest=linux", "/iscsi/discovery", "/vmx/snippets", "/drivermap?q=e1000"],
)  # fmt: skip
def test_pages_need_no_inline_script_or_style(service: RunningService, path: str) -> None:
    _, _, html = ask(service, path, Accept="text/html")

    assert "<html" in html
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", html)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://[::1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_foreign_page_sends_no_file_or_text(service: RunningService, headers: dict[str, str]) -> None:
    status, _, body = ask(service, "/decode", method="POST", body=b"0xbad0022", Content_Type="text/plain", **headers)

    assert status == 403
    assert "another site" in body


def test_own_page_and_program_send_text(service: RunningService) -> None:
    for headers in ({}, {"Origin": service.url}, {"Origin": service.url, "Sec_Fetch_Site": "same-origin"}):
        sent = {"Content_Type": "text/plain", **headers}
        assert ask(service, "/decode", method="POST", body=b"0xbad0022", **sent)[0] == 200


def test_public_address_is_an_own_origin(closed: RunningService) -> None:
    sent = {"Content_Type": "text/plain", "Authorization": f"Bearer {closed.token}"}

    own = ask(closed, "/decode", method="POST", body=b"x", Origin="https://vmkops.example.com", **sent)
    foreign = ask(closed, "/decode", method="POST", body=b"x", Origin="https://vmkops.example.com.evil.example", **sent)

    assert (own[0], foreign[0]) == (200, 403)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example:8080",
        "",
        "[::1",
        "localhost.evil.example",
        "localhost/evil.example",
        "evil@localhost",
        "localhost..",
    ],
)
def test_local_service_does_not_answer_under_a_foreign_name(service: RunningService, host: str) -> None:
    status, _, body = ask(service, "/vmkerr/0xbad0022", Host=host)

    assert status == 421
    assert "VMKOPS_ALLOWED_HOSTS" in body


@pytest.mark.parametrize(("authorization", "status"), [("", 421), ("Bearer junk", 401), ("junk", 401)])
@pytest.mark.parametrize("path", ["/vmkerr/0xbad0022", "/procedures", "/readyz", "/metrics"])
def test_made_up_token_opens_no_foreign_name(
    service: RunningService, path: str, authorization: str, status: int
) -> None:
    assert ask(service, path)[0] == 200
    assert ask(service, path, Host="evil.example", Authorization=authorization)[0] == status


@pytest.mark.parametrize("host", ["localhost", "localhost:1234", "127.0.0.1", "[::1]:80", "192.0.2.7:8080"])
def test_local_service_answers_under_its_addresses(service: RunningService, host: str) -> None:
    assert ask(service, "/vmkerr/0xbad0022", Host=host)[0] == 200


def test_program_with_a_token_may_use_any_name(service: RunningService) -> None:
    headers = {"Host": "proxy.example", "Authorization": f"Bearer {service.token}"}

    assert ask(service, "/jobs", **headers)[0] == 200


@pytest.mark.parametrize("host", ["vmkops.example.com", "vmkops.lab:8080", "VMKOPS.LAB"])
def test_service_answers_under_the_names_in_its_settings(closed: RunningService, host: str) -> None:
    assert ask(closed, "/healthz", Host=host)[0] == 200
    assert ask(closed, "/healthz", Host="evil.example")[0] == 421


def test_image_in_a_page_becomes_a_link() -> None:
    html = markdown('See ![the <b>](https://evil.example/pixel.png?"x).')

    assert "<img" not in html
    assert '<a href="https://evil.example/pixel.png?%22x">the &lt;b&gt;</a>' in html


def test_closed_service_answers_only_health_without_a_token(closed: RunningService) -> None:
    document = closed.call("GET", "/openapi.json")[1]
    open_paths = set()
    for path, calls in document["paths"].items():
        for method in calls:
            sent = b"{}" if method in {"post", "put", "patch"} else None
            kind = {"Content_Type": "application/json"} if sent else {}
            concrete = re.sub(r"\{\w+\}", "x", path)
            status, _, _ = ask(closed, concrete, method=method.upper(), body=sent, **kind)
            if status != 401:
                open_paths.add(path)

    assert open_paths == {"/healthz", "/readyz"}
    assert [ask(closed, path)[0] for path in ("/", "/docs", "/metrics", "/openapi.json")] == [401] * 4


def test_readiness_names_nothing_without_a_token(service: RunningService) -> None:
    status, _, body = ask(service, "/readyz")

    assert status == 200
    assert '"parts":{}' in body.replace(" ", "")
    assert "ledger" in service.call("GET", "/readyz")[1]["parts"]
    assert ask(service, "/readyz", Authorization="Bearer vmkops_wrong")[0] == 401
