"""Lookups in the shell with the tables and pages of a service that somebody named, and without it when it is away."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_procedures import PAGE
from tests.running_service import RunningService
from tests.vmkops.terminal import run_forked
from vmkops.__main__ import main

LISTING = "Name Dec Hex errno equiv Description\nVMK_OURS 195887138 0xbad0022 EIO Our own meaning\n"
LOG = "2024-05-01T12:00:00Z cpu1:1)Vol3: 1: Error 0xbad0022 (Our own meaning)\n"
INSTEAD = "The tables and pages of this computer are used instead."


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with an imported table and a page of the team, whose lookups need a token too."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "pages").mkdir()
    (folder / "pages" / "ring-the-bell.md").write_text(PAGE)
    (folder / "data" / "releases").mkdir(parents=True)
    settings = {"VMKOPS_PROCEDURES_DIR": str(folder / "pages"), "VMKOPS_LOOKUPS_PUBLIC": "false"}
    imported = ["vmkerr", "import", str(folder / "listing.txt"), "--release", "esxi-8.0u2"]
    (folder / "listing.txt").write_text(LISTING)
    assert run_forked(folder, *imported, VMKOPS_DATA_DIR=str(folder / "data")).returncode == 0
    with RunningService(folder / "data", settings) as running:
        yield running


@pytest.fixture
def named(team: RunningService, tmp_path: Path) -> dict[str, str]:
    """The environment of a person who named this service, and has signed in."""
    (tmp_path / "vmkernel.log").write_text(LOG)
    home = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    return {**home, "VMKOPS_SERVICE_URL": team.url, "VMKOPS_TOKEN": team.token}


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of something that takes calls and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def without_places(text: str) -> Any:
    """JSON without the paths and addresses that differ between the service and the computer it runs on."""
    return json.loads(text, object_hook=lambda each: {**each, **dict.fromkeys({"file", "folders"} & {*each}, "")})


@pytest.mark.parametrize(
    ("words", "status", "shown"),
    [
        (["vmkerr", "0xbad0022", "--release", "8.0u2"], 0, "Our own meaning"),
        (["vmkerr", "our own meaning", "--json"], 0, '"VMK_OURS"'),
        (["vmkerr", "--list", "--release", "esxi-8.0u2"], 0, "VMK_OURS"),
        (["vmkerr", "--list", "--json"], 0, '"VMK_OURS"'),
        (["vmkerr", "VMK_OURZ", "--json"], 1, '"VMK_OURS"'),
        (["vmkerr", "0xzz", "--json"], 1, '"Bad request"'),
        (["decode", "vmkernel.log", "--release", "esxi-8.0u2"], 0, "VMK_OURS"),
        (["decode", "--json", "vmkernel.log", "--release", "esxi-8.0u2"], 0, "VMK_OURS"),
        (["kb", "ring", "bell"], 0, "ring-the-bell  "),
        (["kb", "0xbad0022", "ring", "bell", "--json"], 0, "Our own meaning"),
        (["kb", "list", "--json"], 0, '"ring-the-bell"'),
        (["kb", "show", "ring-the-bell"], 0, "rack nine"),
        (["kb", "show", "ring-the-bell", "--json"], 0, "rack nine"),
        (["kb", "show", "ring-the-bel", "--json"], 1, '"Not found"'),
    ],
)
def test_answer_is_that_of_the_computer_where_the_service_runs(
    team: RunningService, named: dict[str, str], tmp_path: Path, words: list[str], status: int, shown: str
) -> None:
    asked = run_forked(tmp_path, *words, **named)
    there = {name: team.environment[name] for name in ("VMKOPS_DATA_DIR", "VMKOPS_PROCEDURES_DIR")}
    on_it = run_forked(tmp_path, *words, **there)

    assert (asked.returncode, on_it.returncode) == (status, status), asked.stderr
    assert shown in asked.stdout
    if words == ["kb", "show", "ring-the-bel", "--json"]:  # the advice differs, the form is the same
        assert json.loads(asked.stdout).keys() == json.loads(on_it.stdout).keys()
    elif "--json" in words and words[0] != "decode":
        assert without_places(asked.stdout) == without_places(on_it.stdout)
    else:
        assert (asked.stdout, asked.stderr) == (on_it.stdout, on_it.stderr)


def test_local_lookups_ask_no_service_and_neither_do_those_of_nobody_who_named_one(
    named: dict[str, str], tmp_path: Path
) -> None:
    for words, more in (
        (["--local", "vmkerr", "VMK_OURS"], {}),
        (["vmkerr", "VMK_OURS", "--local"], {}),
        (["vmkerr", "VMK_OURS"], {"VMKOPS_LOCAL": "true"}),
        (["vmkerr", "VMK_OURS"], {"VMKOPS_SERVICE_URL": ""}),
        (["kb", "show", "ring-the-bell", "--local"], {}),
    ):
        done = run_forked(tmp_path, *words, **{**named, **more})
        assert (done.returncode, done.stdout) == (1, "")
        assert INSTEAD not in done.stderr


def test_service_that_is_away_or_slow_is_told_in_a_line_and_the_lookup_goes_on(
    named: dict[str, str], silent: str, tmp_path: Path
) -> None:
    gone, slow = "connection refused", "no answer within 2 seconds"
    for url, why, words in (
        ("http://127.0.0.1:1", gone, ["vmkerr", "0xbad0022", "--json"]),
        ("http://127.0.0.1:1", gone, ["decode", "vmkernel.log"]),
        (silent, slow, ["vmkerr", "0xbad0022"]),
        (silent, slow, ["kb", "list"]),
    ):
        local = run_forked(tmp_path, *words)
        done = run_forked(tmp_path, *words, "--service", url, **named)
        assert (done.returncode, done.stdout) == (local.returncode, local.stdout)
        assert done.stderr == f"vmkops {words[0]}: vmkops at {url} does not answer: {why}. {INSTEAD}\n"


def test_name_servers_that_do_not_answer_hold_no_lookup_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    end = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: end.wait(120))
    monkeypatch.setenv("VMKOPS_SERVICE_URL", "http://vmkops.example")
    monkeypatch.chdir(tmp_path)

    began = time.monotonic()
    status = main(["vmkerr", "0xbad0022"])
    waited = time.monotonic() - began
    end.set()

    printed = capsys.readouterr()
    assert (status, "Read only" in printed.out) == (0, True)
    assert waited < 60  # and not the 120 that the name server takes
    assert f"http://vmkops.example does not answer: no answer within 2 seconds. {INSTEAD}\n" in printed.err


def test_refused_token_is_told_and_nothing_is_looked_up(named: dict[str, str], tmp_path: Path) -> None:
    for words in (["vmkerr", "0xbad0022"], ["kb", "ring", "bell", "--json"], ["decode", "vmkernel.log"]):
        wrong = run_forked(tmp_path, *words, **{**named, "VMKOPS_TOKEN": "wrong"})
        assert (wrong.returncode, wrong.stdout) == (1, "")
        assert f"vmkops {words[0]}: The service does not know this token." in wrong.stderr
        assert "vmkops login" in wrong.stderr


def test_file_in_the_folder_does_not_decide_where_a_token_goes(named: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "vmkops.toml"
    file.write_text(f'VMKOPS_SERVICE_URL = "{named["VMKOPS_SERVICE_URL"]}"\n')
    file.chmod(0o600)
    mine = {**named, "VMKOPS_SERVICE_URL": ""}

    found = run_forked(tmp_path, "vmkerr", "0xbad0022", **mine)
    assert (found.returncode, "Read only" in found.stdout) == (0, True)
    assert "needs a token, and none was sent" in found.stderr
    assert INSTEAD in found.stderr
    trusted = run_forked(tmp_path, "vmkerr", "VMK_OURS", VMKOPS_CONFIG=str(file), **mine)
    assert (trusted.returncode, trusted.stderr) == (0, "")


@pytest.mark.parametrize(("status", "why"), [(200, "not as vmkops of this version does"), (302, "answered 302")])
def test_what_is_not_vmkops_is_told_and_leads_no_token_elsewhere(
    named: dict[str, str], tmp_path: Path, status: int, why: str
) -> None:
    asked: list[str] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{other.server_port}"
        done = run_forked(tmp_path, "vmkerr", "0xbad0022", "--service", url, **named)
        other.shutdown()

    assert (done.returncode, "Read only" in done.stdout) == (0, True)
    assert why in done.stderr
    assert INSTEAD in done.stderr
    assert [path.partition("?")[0] for path in asked] == ["/releases"]


def drip(call: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """Send a body that does not end before `over` is set."""
    while not over.wait(0.5):
        call.wfile.write(b"x")


@pytest.mark.parametrize(
    ("status", "body", "words", "why"),
    [
        (200, drip, ["vmkerr", "0xbad0022"], "no answer within 2 seconds"),
        (302, drip, ["vmkerr", "0xbad0022"], "no answer within 2 seconds"),
        (500, drip, ["kb", "list"], "no answer within 2 seconds"),
        (200, b"[" * 200_000, ["kb", "list"], "not as vmkops of this version does"),
        (200, b'{"releases": []}' + b" " * (8 << 20), ["vmkerr", "0xbad0022"], "not as vmkops of this version does"),
        (500, b" " * (9 << 20), ["vmkerr", "0xbad0022"], "not as vmkops of this version does"),
        (200, b'{"releases": [{"id": 5}]}', ["vmkerr", "0xbad0022"], "not as vmkops of this version does"),
        (
            404,
            b'{"detail": null, "suggestions": []}',
            ["kb", "show", "rescan-storage"],
            "not as vmkops of this version",
        ),
    ],
    ids=["drip 200", "drip 302", "drip 500", "deep", "large", "large error", "number", "null"],
)
def test_answers_without_end_or_sense_leave_the_lookup_to_this_computer(
    named: dict[str, str],
    tmp_path: Path,
    status: int,
    body: bytes | Callable[[BaseHTTPRequestHandler, threading.Event], None],
    words: list[str],
    why: str,
) -> None:
    over = threading.Event()

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            with suppress(OSError):
                if isinstance(body, bytes):
                    self.wfile.write(body)
                else:
                    body(self, over)

        def log_message(self, *_: object) -> None:
            pass

    local = run_forked(tmp_path, *words)
    ender = threading.Timer(60, over.set)
    ender.start()
    with HTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{other.server_port}"
        done = run_forked(tmp_path, *words, "--service", url, **named)
        in_time = not over.is_set()
        over.set()
        ender.cancel()
        other.shutdown()

    assert in_time
    assert (done.returncode, done.stdout) == (local.returncode, local.stdout)
    assert why in done.stderr
    assert INSTEAD in done.stderr


def test_unknown_service_is_wrong_usage(named: dict[str, str], tmp_path: Path) -> None:
    profile = run_forked(tmp_path, "vmkerr", "0xbad0022", "--service", "lob", **named)
    assert profile.returncode == 2
    assert "there is no service lob" in profile.stderr
