"""A hostile file costs its sender an error, and nobody else anything: the service answers others meanwhile."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.attacks import hostile
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

PROMPT_SECONDS = 10
"""The longest that /healthz may take meanwhile: far above what a busy machine needs, far below any block."""
PARSERS = 2


@pytest.fixture(scope="module")
def team_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, team_folder: Path) -> Iterator[RunningService]:
    settings = {"VMKOPS_PROCEDURES_DIR": str(team_folder), "VMKOPS_PARSER_PROCESSES": str(PARSERS)}
    with RunningService(tmp_path_factory.mktemp("service") / "data", settings) as running:
        yield running


def parsers(service: RunningService) -> set[int]:
    """The parser processes of a service, by their process ids."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and parent_of(folder) == service.pid:
            found.add(int(folder.name))
    return found


def parent_of(folder: Path) -> int:
    try:
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def is_gone(pid: int) -> bool:
    try:
        return (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]) == "Z"
    except OSError:
        return True


class Meanwhile:
    """Asks /healthz again and again while the block runs; `slowest` is the longest time that an answer took."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.slowest = 0.0
        self.statuses: set[int] = set()

    def __enter__(self) -> Meanwhile:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        while True:
            began = time.monotonic()
            self.statuses.add(self._service.call("GET", "/healthz", token="")[0])
            self.slowest = max(self.slowest, time.monotonic() - began)
            if self._over.wait(0.02):
                return


FILES: dict[str, tuple[str, Callable[[], bytes], set[int]]] = {
    "extended header of 62 KB": ("/ovf/lint", lambda: hostile.pax_bomb(62_000), {200}),
    "extended header of 4 MiB": ("/ovf/lint", lambda: hostile.pax_bomb(4 * hostile.MIB), {200}),
    "2,000 extended headers": ("/ovf/lint", lambda: hostile.chained_headers(2000), {200}),
    "deep XML": ("/ovf/lint", lambda: hostile.deep_xml(1_000_000), {200}),
    "bundle that unpacks to 1 GiB": ("/decode", lambda: hostile.zip_bomb(1 << 30), {200, 400}),
    "extended header in a bundle": ("/decode", lambda: hostile.pax_bomb(62_000), {200, 400}),
    "1 MB line of codes": ("/decode", lambda: b"0xbad0022 " * 100_000, {200}),
    "128 KB line of dots": ("/decode", lambda: b"0xbad0022 " + b"vob." * 32_000, {200}),
    "16 MiB of one line": ("/decode", lambda: b"a" * (16 * hostile.MIB), {200}),
    "100,000 keys": ("/vmx/lint", lambda: hostile.vmx_with_keys(100_000), {200}),
    "20,000 disks": ("/vmx/lint", lambda: hostile.vmx_of_controllers(20_000), {200, 422}),
}


@pytest.mark.parametrize("name", FILES)
def test_hostile_file_holds_up_nobody_else(service: RunningService, name: str) -> None:
    path, make, expected = FILES[name]
    with Meanwhile(service) as meanwhile:
        status, answer = service.send(path, make(), "application/octet-stream")
    assert status in expected, answer
    assert meanwhile.statuses == {200}
    assert meanwhile.slowest < PROMPT_SECONDS


@pytest.mark.parametrize("piece", ["[", "![", "*a_ ", "> ", "|a|\n|-|\n"])
def test_hostile_page_is_shown_while_others_are_answered(
    service: RunningService, team_folder: Path, piece: str
) -> None:
    slug = f"hostile-{piece.encode().hex()}"
    text = hostile.page_of(piece, 100_000)
    status, answer = service.call("PUT", f"/procedures/{slug}", {"text": text})
    assert status == 200, answer
    with Meanwhile(service) as meanwhile:
        status, body = get_html(service, f"/procedures/{slug}")
    assert status == 200, body
    assert "Brackets" in body
    assert meanwhile.slowest < PROMPT_SECONDS


def get_html(service: RunningService, path: str) -> tuple[int, str]:
    import urllib.request

    request = urllib.request.Request(service.url + path, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, answer.read().decode()


def test_body_beyond_the_limit_is_refused_with_the_limit(service: RunningService) -> None:
    status, problem = service.send("/decode", b"a" * (17 * hostile.MIB), "text/plain")
    assert status == 413
    assert "16.8 MB" in problem["detail"]
    assert "vmkops decode FILE" in problem["detail"]
    status, problem = service.call("POST", "/actions/ping", {"params": {"vm": "x" * (2 * hostile.MIB)}})
    assert status == 413
    assert "1.0 MB" in problem["detail"]


def slow_log() -> bytes:
    """A log that takes much longer to decode than a second."""
    return (
        b"0xbad0022 H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x24 0x0 naa.600508b1001c1234567890abcdef1234\n" * 160_000
    )


def test_work_beyond_the_time_limit_is_a_problem_and_its_process_is_replaced(tmp_path: Path) -> None:
    settings = {"VMKOPS_PARSER_PROCESSES": "1", "VMKOPS_PARSER_SECONDS": "1"}
    with RunningService(tmp_path / "data", settings) as service:
        wait_for(lambda: decoded(service), what="the parser process")
        before = parsers(service)
        with Meanwhile(service) as meanwhile:
            status, problem = service.send("/decode", slow_log(), "text/plain")
        assert status == 422
        assert "more than 1 second" in problem["detail"]
        assert "vmkops decode FILE" in problem["detail"]
        assert meanwhile.slowest < PROMPT_SECONDS
        wait_for(lambda: decoded(service), what="the next parser process")
        assert len(before) == 1
        assert not before & parsers(service)


def decoded(service: RunningService) -> Any:
    status, answer = service.send("/decode", b"0xbad0022", "text/plain")
    return answer if status == 200 else None


def test_work_of_a_caller_who_left_is_ended(tmp_path: Path) -> None:
    with RunningService(tmp_path / "data", {"VMKOPS_PARSER_PROCESSES": "1"}) as service:
        wait_for(lambda: decoded(service), what="the parser process")
        (before,) = parsers(service)
        address = urllib.parse.urlsplit(service.url)
        with socket.create_connection((address.hostname, address.port)) as caller:
            log = slow_log()
            caller.sendall(b"POST /decode HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n")
            caller.sendall(f"Content-Length: {len(log)}\r\n\r\n".encode() + log)
        wait_for(lambda: is_gone(before), timeout=20, what="the end of the work")
        wait_for(lambda: decoded(service), what="the next parser process")


def test_parser_process_has_no_settings_and_its_limits_are_on(service: RunningService) -> None:
    wait_for(lambda: decoded(service), what="a parser process")
    found = parsers(service)
    assert found
    for pid in found:
        names = {each.partition(b"=")[0].decode() for each in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")}
        assert not [name for name in names if name.startswith(("VMKOPS_", "SLACK_", "PG"))]
        limits = Path(f"/proc/{pid}/limits").read_text()
        assert "Max core file size        0 " in limits
        assert f"Max address space         {1 << 30} " in limits
        assert os.getsid(pid) == pid


def test_no_parser_process_survives_the_service(tmp_path: Path) -> None:
    with RunningService(tmp_path / "data") as service:
        wait_for(lambda: decoded(service), what="the parser processes")
        sending = threading.Thread(target=send_and_forget, args=(service, slow_log()))
        sending.start()
        children = wait_for(lambda: parsers(service), what="a parser process")
        service.kill(signal.SIGKILL)
        sending.join()
        wait_for(lambda: all(map(is_gone, children)), timeout=30, what="the end of the parser processes")


def send_and_forget(service: RunningService, body: bytes) -> None:
    import contextlib

    with contextlib.suppress(OSError):
        service.send("/decode", body, "text/plain")
