"""Clients that ask too much, too slowly, or over too many connections."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.api.settings import Settings
from service.http._limits import BODIES, FAILED_SIGN_INS
from service.http._server import Connections
from tests.kept_packages import keep_raw_disk
from tests.peers import file_systems as make
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

LIMIT = 20
"""Requests a minute of the service with limits."""


def connect(service: RunningService) -> socket.socket:
    """A connection of our own."""
    parts = urllib.parse.urlsplit(service.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


def is_closed(client: socket.socket) -> bool:
    """Whether the service has closed a connection on which it has nothing to send."""
    client.settimeout(0.2)
    try:
        return client.recv(1 << 16) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def status_of(service: RunningService, path: str, **headers: str) -> tuple[int, str]:
    """Status and Retry-After of a GET; `_` in a header's name stands for a hyphen."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(service.url + path, headers=sent), timeout=60) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Retry-After", "")


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service behind a proxy on this machine, with a low limit."""
    settings = {"VMKOPS_RATE_LIMIT": str(LIMIT), "VMKOPS_TRUSTED_PROXIES": "127.0.0.1"}
    with RunningService(tmp_path_factory.mktemp("data"), settings) as running:
        yield running


@pytest.fixture
def small(tmp_path: Path) -> Iterator[RunningService]:
    """A service that takes few connections."""
    with RunningService(tmp_path / "data", {"VMKOPS_MAX_CONNECTIONS": "16"}) as running:
        yield running


def statuses(service: RunningService, address: str, paths: list[str], **headers: str) -> list[int]:
    """The statuses of these GETs from a client with this address."""
    return [status_of(service, path, X_Forwarded_For=address, **headers)[0] for path in paths]


def test_client_that_asks_too_much_waits_and_others_do_not(limited: RunningService) -> None:
    paths = [f"/vmkerr/0xbad{number:04x}" for number in range(3 * LIMIT)]

    found = statuses(limited, "192.0.2.1", paths)
    status, retry_after = status_of(limited, "/vmkerr/0xbad0f00", X_Forwarded_For="192.0.2.1")

    assert found.count(429) >= LIMIT  # a full window passes at most once in between
    assert status != 429 or 1 <= int(retry_after) <= 60
    assert statuses(limited, "192.0.2.2", ["/vmkerr/0xbad0f01"])[0] != 429
    assert statuses(limited, "192.0.2.1", ["/healthz"] * 3 * LIMIT) == [200] * 3 * LIMIT


def test_remembered_answer_is_never_refused(limited: RunningService) -> None:
    assert statuses(limited, "192.0.2.3", ["/vmkerr/0xbad0022"] * 3 * LIMIT) == [200] * 3 * LIMIT


def test_client_does_not_choose_its_own_address(limited: RunningService) -> None:
    forged = [f"203.0.113.{number}, 192.0.2.4" for number in range(3 * LIMIT)]

    found = [status_of(limited, f"/vmkerr/0xbae{n:04x}", X_Forwarded_For=each)[0] for n, each in enumerate(forged)]

    assert found.count(429) >= LIMIT


def test_guessing_tokens_is_slowed_down_and_hurts_no_good_token(limited: RunningService) -> None:
    wrong = {"Authorization": "Bearer vmkops_wrong"}

    found = statuses(limited, "192.0.2.5", ["/jobs"] * 3 * FAILED_SIGN_INS, **wrong)

    assert set(found) == {401, 429}
    assert found.count(429) >= FAILED_SIGN_INS
    assert statuses(limited, "192.0.2.5", ["/jobs"], Authorization=f"Bearer {limited.token}") == [200]


def test_half_sent_requests_are_closed(small: RunningService) -> None:
    with contextlib.ExitStack() as stack:
        silent, half, dripping = (stack.enter_context(connect(small)) for _ in range(3))
        half.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")

        def all_closed() -> bool:
            with contextlib.suppress(OSError):
                dripping.sendall(b"G")
            return all(is_closed(each) for each in (silent, half, dripping))

        wait_for(all_closed, timeout=120, what="the end of the half-sent requests")

    assert small.call("GET", "/healthz")[0] == 200


def test_idle_connection_after_an_answer_is_kept(small: RunningService) -> None:
    request = b"GET /vmkerr/0xbad0022 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connect(small) as client:
        for _ in range(3):
            client.sendall(request)
            assert client.recv(1 << 16).startswith(b"HTTP/1.1 200")
            while True:
                client.settimeout(0.5)
                try:
                    client.recv(1 << 16)
                except TimeoutError:
                    break
            client.settimeout(60)


def test_one_address_takes_no_more_than_its_share_of_connections(small: RunningService) -> None:
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(connect(small)) for _ in range(16)]
        wait_for(lambda: sum(is_closed(each) for each in opened) >= 12, timeout=60, what="the refused connections")

    wait_for(lambda: _answers(small), timeout=60, what="an answer after the flood")


def test_client_that_reads_nothing_is_closed(small: RunningService) -> None:
    with connect(small) as other, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(other.getpeername())
        client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 60)
        assert _holds(small, client)

        wait_for(lambda: not _holds(small, client), timeout=250, what="the end of a connection that nobody reads")


def test_client_that_reads_nothing_of_a_file_of_a_backup_is_closed(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/big.bin").write_bytes(random.Random(9).randbytes(16 << 20))
    settings = keep_raw_disk(tmp_path / "data", "b2b2", make.ext("ext4")(tmp_path / "disk.img", tmp_path / "tree"))
    with RunningService(tmp_path / "data", settings) as service, connect(service) as other, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        client.connect(other.getpeername())
        path = "/backups/b2b2/files/content?path=/big.bin"
        client.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {service.token}\r\n\r\n".encode()
        )
        assert client.recv(12) == b"HTTP/1.1 200"

        wait_for(lambda: not _holds(service, client), timeout=250, what="the end of a connection that nobody reads")


def _holds(service: RunningService, client: socket.socket) -> bool:
    """Whether the service has its end of this connection open; the client's end learns nothing while it reads nothing.

    In /proc/net/tcp: the own and the other port in hex, and 01 for an established connection.
    """
    ours, theirs = client.getsockname()[1], urllib.parse.urlsplit(service.url).port
    row = re.compile(rf"[0-9A-F]+:{theirs:04X} [0-9A-F]+:{ours:04X} 01 ")
    return row.search(Path("/proc/net/tcp").read_text("ascii")) is not None


@pytest.mark.parametrize(
    ("address", "taken"), [("2001:db8::{}", 4), ("2001:db8:0:{}::1", 16), ("fd00::{}", 16), ("192.0.2.{}", 16)]
)
async def test_site_has_its_share_of_connections_and_a_trusted_proxy_all(address: str, taken: int) -> None:
    settings = Settings.read({"VMKOPS_MAX_CONNECTIONS": "16", "VMKOPS_TRUSTED_PROXIES": "fd00::/8"})
    connections = Connections(settings)

    assert [connections.take(address.format(number)) for number in range(1, 21)].count(True) == taken


def _answers(service: RunningService) -> bool:
    try:
        return service.call("GET", "/healthz")[0] == 200
    except (OSError, urllib.error.URLError):
        return False


def test_unfinished_bodies_of_one_client_wait_unread(limited: RunningService) -> None:
    head = b"POST /decode HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 16000000\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(3 * BODIES):
            client = stack.enter_context(connect(limited))
            client.sendall(head)
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(64):
                    client.send(b"x" * 65536)

        assert statuses(limited, "192.0.2.9", ["/healthz", "/vmkerr/0xbad0022"]) == [200, 200]
        assert resident(limited) < 400 << 20


def resident(service: RunningService) -> int:
    """The memory of the service in bytes."""
    status = Path(f"/proc/{service.pid}/status").read_text()
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmRSS"))


def test_long_path_is_refused_at_once_and_others_are_answered(limited: RunningService) -> None:
    path = "/jobs/" + "A" * 60_000

    assert status_of(limited, path, Authorization="Bearer junk", X_Forwarded_For="192.0.2.11")[0] in {401, 429}
    assert status_of(limited, path, X_Forwarded_For="192.0.2.12")[0] in {401, 429}
    with connect(limited) as client:
        client.sendall(b"GET /" + b"a" * 60_000 + b"\x00 HTTP/1.1\r\n\r\n")
        assert b" 400 " in client.recv(1 << 16)[:16]


def test_client_that_leaves_in_the_middle_of_a_body_is_no_error_in_the_log(tmp_path: Path) -> None:
    def answered() -> bool:
        with urllib.request.urlopen(service.url + "/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        counted = [line for line in lines if line.startswith("vmkops_http_request_seconds_count") and "/decode" in line]
        return sum(float(line.split()[-1]) for line in counted) == 5

    with RunningService(tmp_path / "data") as service:
        for _ in range(5):
            with connect(service) as client:
                client.sendall(b"POST /decode HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n")
                client.sendall(b"Content-Length: 1000000\r\n\r\n" + b"x" * 100_000)

        wait_for(answered, timeout=120, what="the end of the requests", explain=service.log)
        assert "request failed" not in service.log()
        assert "Traceback" not in service.log()
