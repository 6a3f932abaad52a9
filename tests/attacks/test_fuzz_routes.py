"""Thousands of made-up requests, with and without a token, find only answers that the OpenAPI document declares.

No answer is an internal error, has another content type than declared, or reveals something about the machine.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.revealing import found_in
from tests.peers.fetch import require
from tests.peers.postgres import Postgres
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, make_token, vcenter_settings

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))
ROOT = Path(__file__).parents[2]
LONG = bool(os.environ.get("FUZZ_LONG"))
"""Fuzz for long, as `make fuzz` does. Otherwise, only the token that may operate gets the values at every limit of each
schema: they take two thirds of the time, and with less than that token most requests are refused before they are read.
"""
LONGEST = 7200 if LONG else 900
SECRET = "fuzz-s3cret-of-a-setting"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with a simulated vCenter, and a secret in its settings."""
    require("vcsim")
    with Vcsim() as vcenter:
        settings = vcenter_settings(vcenter) | {"VMKOPS_TOKEN": SECRET}
        with RunningService(tmp_path_factory.mktemp("fuzz"), settings) as running:
            yield running


@pytest.mark.timeout(LONGEST + 120)
@pytest.mark.parametrize("scope", ["", "read", "operate"])
def test_made_up_requests_find_nothing(service: RunningService, scope: str) -> None:
    service.call("GET", "/openapi.json")  # made on first use, which takes seconds on a busy machine
    token = make_token(service.environment, scope, f"fuzz-{scope}") if scope else ""
    forbidden = (str(service.data_dir), SECRET, token)
    done = subprocess.run(
        [
            SCHEMATHESIS,
            "run",
            f"{service.url}/openapi.json",
            *(["--header", f"Authorization: Bearer {token}"] if token else []),
            # Some 400s have reasons that a schema cannot state, such as parameters that depend on each other.
            "--exclude-checks",
            # After some wrong tokens, the answer is 429 instead of 401: see test_floods.
            "positive_data_acceptance,ignored_auth",
            "--request-timeout",
            "60",
            "--phases",
            "coverage,fuzzing" if LONG or scope == "operate" else "fuzzing",
            "--max-examples",
            "100" if LONG else "2",
            "--continue-on-failure",
            "--suppress-health-check",
            "all",
            "--seed",
            "1",
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.attacks.revealing",
            "FORBIDDEN_TEXTS": "\n".join(filter(None, forbidden)),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-8000:]


ODD_VALUES = (
    *("%00", "a%00b", "%ED%A0%80", "%ff%fe", "%C0%80", "..%2f..%2fetc%2fpasswd", "%2e%2e", "a%2Fb", "%25", "x" * 4000),
    *("-1", "9" * 24, "1e309", "nan", "%0d%0aX-A:%20b", "%27;--", "%E2%80%AE", "%"),
)
ODD_STRINGS = (
    *('"\\u0000"', '"a\\u0000b"', '"\\ud800"', '["\\u0000"]', '{"x": "\\ud800"}', '{"\\u0000": 1}'),
    *("1e999", "9" * 30),
)
DATABASE_VALUES = ("%00", "a%00b", "%ED%A0%80", "-1", "9" * 24)
DATABASE_STRINGS = ('"\\u0000"', '"a\\u0000b"', '"\\ud800"', '{"\\u0000": 1}', "9" * 30)
"""Those that PostgreSQL may take otherwise than SQLite: texts that it does not store, and numbers out of its range."""
ODD_HEADERS = {
    "Accept": "*/*;q=nan, ;;,/",
    "If-Match": "x" * 5000,
    "Idempotency-Key": "k" * 5000,
    "Last-Event-ID": "-1",
    "X-On-Behalf-Of": "\xff",
    "X-Forwarded-For": "[" + "1," * 2000,
    "Range": "bytes=-1--5",
    "Cookie": 'a="',
    "If-Modified-Since": "x",
    "Content-Type": "\xff/\xfe;;;",
}
MALFORMED = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: \x00\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
    b"GET http://[/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def each_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service on each kind of database; PostgreSQL takes no NUL in a text."""
    with contextlib.ExitStack() as stack:
        settings = {}
        if request.param == "postgres":
            require("postgres")
            settings["VMKOPS_DATABASE_URL"] = stack.enter_context(Postgres()).url
        yield stack.enter_context(RunningService(tmp_path_factory.mktemp("odd"), settings))


class Caller:
    """Sends requests as they are over one connection, with a token that may operate."""

    def __init__(self, service: RunningService) -> None:
        place = urllib.parse.urlsplit(service.url)
        self._connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        self._token = {"Authorization": f"Bearer {service.token}"}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def refused(self, method: str, path: str, body: str | None = None, **headers: str) -> str:
        """What is wrong with the answer, or an empty text."""
        sent = self._token | ({"Content-Type": "application/json"} if body is not None else {}) | headers
        self._connection.request(method, path, body, sent)
        answer = self._connection.getresponse()
        if answer.getheader("Content-Type", "").startswith("text/event-stream"):
            self._connection.close()
            return ""
        text = answer.read().decode("utf-8", "replace")
        if found := found_in(text):
            return f"{method} {path[:80]}: the answer contains {found}"
        return f"{method} {path[:80]} {(body or '')[:80]}: {answer.status}" if answer.status in {500, 502, 504} else ""


@pytest.fixture
def caller(each_database: RunningService) -> Iterator[Caller]:
    """Somebody with a token."""
    made = Caller(each_database)
    yield made
    made.close()


def on_postgres(service: RunningService) -> bool:
    return "VMKOPS_DATABASE_URL" in service.environment


def calls(service: RunningService) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each call in the OpenAPI document, without the streams of events."""
    for path, methods in service.call("GET", "/openapi.json")[1]["paths"].items():
        for method, call in methods.items():
            yield method.upper(), path, call


def test_odd_values_in_each_path_and_query_are_answered(each_database: RunningService, caller: Caller) -> None:
    wrong, values = [], DATABASE_VALUES if on_postgres(each_database) else ODD_VALUES
    for method, path, call in calls(each_database):
        body = "{}" if "requestBody" in call else None
        plain = re.sub(r"\{\w+\}", "x", path)
        names = [each["name"] for each in call["parameters"] if each["in"] == "query"]
        for value in values:
            if plain != path:
                wrong.append(caller.refused(method, re.sub(r"\{\w+\}", value, path), body))
            wrong.extend(caller.refused(method, f"{plain}?{name}={value}&{name}=x&{name}", body) for name in names)

    assert not list(filter(None, wrong))


def test_odd_values_in_each_field_of_a_body_are_answered(each_database: RunningService, caller: Caller) -> None:
    components = each_database.call("GET", "/openapi.json")[1]["components"]["schemas"]
    wrong, values = [], DATABASE_STRINGS if on_postgres(each_database) else ODD_STRINGS
    for method, path, call in calls(each_database):
        content = call.get("requestBody", {}).get("content", {}).get("application/json", {})
        schema = components.get(content.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
        required = dict.fromkeys(schema.get("required", []), "x")
        for field in schema.get("properties", {}):
            for value in values:
                others = json.dumps({name: each for name, each in required.items() if name != field})[1:-1]
                body = "{" + ", ".join(filter(None, [others, f'"{field}": {value}'])) + "}"
                wrong.append(caller.refused(method, re.sub(r"\{\w+\}", "x", path), body))

    assert not list(filter(None, wrong))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/actions/prune-backups", '{"params": {"last": 2, "vm": "a\\u0000b"}}'),
        ("POST", "/actions/prune-backups", '{"params": {"last": 2}, "reply_to": {"channel": "\\u0000", "ts": "1"}}'),
        ("POST", "/actions/import-ovf", '{"params": {"source": "a\\u0000.ova"}}'),
        ("POST", "/actions/import-ovf", '{"params": {"source": "https://a.example/\\u0000.ova"}}'),
        ("POST", "/actions/verify-backup", '{"params": {"backup": "\\u0000"}}'),
        ("PUT", "/schedules/x", '{"action": "prune-backups", "params": {"last": 2}, "cron": "0 0 1 1 *\\u0000"}'),
        ("PUT", "/schedules/x", '{"action": "prune-backups", "params": {"last": 2}, "cron": "0 0 1 1 *", '
         '"timezone": "UTC\\u0000"}'),
        ("PUT", "/schedules/x", '{"action": "prune-backups", "params": {"vm": "\\u0000"}, "cron": "0 0 1 1 *"}'),
        ("POST", "/procedures/linux-p2v/runs", '{"incident": "a\\u0000b", "by": "\\u0000", "vm": "\\u0000"}'),
        ("POST", "/p2v/runs", '{"distribution": "centos", "version": "4\\u0000"}'),
        ("PUT", "/procedures/x", '{"text": "---\\ntitle: \\u0000\\n---\\n"}'),
    ],
)  # fmt: skip
def test_nul_in_a_text_that_is_stored_is_answered(caller: Caller, method: str, path: str, body: str) -> None:
    assert not caller.refused(method, path, body)


@pytest.mark.parametrize("each_database", ["sqlite"], indirect=True)
def test_odd_methods_and_headers_are_answered(each_database: RunningService, caller: Caller) -> None:
    wrong: list[str] = []
    for _, path, _ in calls(each_database):
        plain = re.sub(r"\{\w+\}", "x", path)
        wrong.extend(caller.refused(method, plain) for method in ("HEAD", "OPTIONS", "TRACE", "PROPFIND"))
        wrong.extend(caller.refused("GET", plain, **{name: value}) for name, value in ODD_HEADERS.items())

    assert not list(filter(None, wrong))


@pytest.mark.parametrize("request_", MALFORMED, ids=lambda each: str(each[:60]))
def test_malformed_request_is_a_problem_and_one_line_in_the_log(service: RunningService, request_: bytes) -> None:
    logged = len(service.log())
    place = urllib.parse.urlsplit(service.url)
    with socket.create_connection((place.hostname, place.port), timeout=60) as client:
        client.sendall(request_)
        answer = b"".join(iter(lambda: client.recv(65536), b"")).decode("latin-1")

    assert re.match(r"HTTP/1.\d 400 ", answer), answer
    assert "application/problem+json" in answer
    assert "nosniff" in answer
    assert not re.search(r"aiohttp|Python/", answer)
    assert service.log()[logged:].count("\n") <= 1
