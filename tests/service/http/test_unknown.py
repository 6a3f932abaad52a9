"""Names that a call does not know are refused with the nearest one; bodies are taken for what they are."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running_service import RunningService

LOG = b"cpu1:32850)ScsiDeviceIO: Cmd failed H:0x0 D:0x2 P:0x0 status 0xbad0022\n"
IN_LINES = b'{"message": "status 0xbad0022"}\n{"message": "status 0xbad010b"}\n'


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service without a vCenter."""
    with RunningService(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/jobs?stat=failed", "Did you mean 'state'? It has: action, cursor, limit"),
        ("/jobs?limt=3", "Did you mean 'limit'?"),
        ("/vmkerr/0xbad0022?relase=6.7", "Did you mean 'release'? It has: release."),
        ("/healthz?utm_source=mail", "It has no query parameters."),
        ("/procedures?query=lun", "It has: limit, q."),
    ],
)
def test_unknown_query_parameter_is_refused_with_the_nearest_one(
    service: RunningService, path: str, words: str
) -> None:
    status, problem = service.call("GET", path)

    assert status == 400
    assert words in problem["detail"]


@pytest.mark.parametrize("asked", ["state=bogus", "state=running&state=bogus", "state=bogus&state=odd"])
def test_unknown_state_is_refused_once_with_the_states_that_a_job_can_have(service: RunningService, asked: str) -> None:
    status, problem = service.call("GET", f"/jobs?{asked}")

    assert status == 400
    assert problem["detail"] == "state must be queued, running, succeeded, partial, failed or cancelled."
    assert service.call("GET", "/jobs?state=faild")[1]["detail"].endswith(" Did you mean failed?")
    assert service.call("GET", "/jobs?state=awaiting_approval")[1] == {"jobs": [], "next": None}


@pytest.mark.parametrize("path", ["/vmkerr/0xbad0022?utm_source=mail&fbclid=1", "/procedures?q=lun&gclid=1"])
def test_pages_take_what_trackers_add(service: RunningService, path: str) -> None:
    asked = urllib.request.Request(service.url + path, headers={"Accept": "text/html"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert answer.status == 200
    assert service.call("GET", path)[0] == 400


def test_form_of_the_front_page_works_without_scripts(service: RunningService) -> None:
    asked = urllib.request.Request(f"{service.url}/vmkerr?q=0xbad0022", headers={"Accept": "text/html"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert answer.url == f"{service.url}/vmkerr/0xbad0022"
        assert b"VMK_READ_ONLY" in answer.read()
    status, problem = service.call("GET", "/vmkerr?q=0xbad0022")
    assert status == 400
    assert "put it into the path" in problem["detail"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/decode", {"text": "0xbad0022", "relase": "6.7"}, "no field 'relase'. Did you mean 'release'?"),
        ("/decode", {"txt": "0xbad0022"}, "no field 'txt'. Did you mean 'text'? It has: release, text."),
        ("/actions/backup", {"params": {"vm": "a", "quiese": True}}, "has no parameter quiese. Did you mean quiesce?"),
        ("/actions/backup", {"vm": "a", "quiese": True}, "backup has no parameter quiese. Did you mean quiesce?"),
        ("/actions/backup", {"params": {"vmm": "a"}}, "backup has no parameter vmm."),
        ("/actions/backup", {"parms": {"vm": "a"}}, "no field 'parms'. Did you mean 'params'? It has: params"),
    ],
)
def test_unknown_field_of_a_body_is_refused_with_the_nearest_one(
    service: RunningService, path: str, body: dict[str, object], words: str
) -> None:
    status, problem = service.call("POST", path, body, headers={"Content-Type": "application/json"})

    assert status == 400
    assert words in problem["detail"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"acton": "fleet"}, "no field 'acton'. Did you mean 'action'?"),
        (
            {"action": "fleet", "params": {"vms": "all", "windw": ""}},
            "fleet has no parameter windw. Did you mean window?",
        ),
        (
            {"action": "fleet", "params": {"vms": "all", "params": {"quiese": "none"}}},
            "backup has no parameter quiese. Did you mean quiesce?",
        ),
        ({"action": "bakup", "params": {}}, "There is no action 'bakup'. Did you mean backup?"),
    ],
)
def test_unknown_field_inside_the_body_of_a_schedule_is_refused_with_the_nearest_one(
    service: RunningService, body: dict[str, object], words: str
) -> None:
    status, problem = service.call("PUT", "/schedules/nightly", {"cron": "0 1 * * *", **body})

    assert status in (400, 404)
    assert words in problem["detail"]


@pytest.mark.parametrize("body", [LOG, IN_LINES, b'{"text": "status 0xbad0022"}'], ids=["log", "lines", "object"])
@pytest.mark.parametrize("media", ["application/x-www-form-urlencoded", ""], ids=["as-curl-sends", "none"])
def test_body_without_a_content_type_is_taken_for_what_it_is(service: RunningService, body: bytes, media: str) -> None:
    status, decoded = service.send("/decode", body, media)

    assert status == 200, decoded
    assert "0xbad0022" in [each["text"] for each in decoded["findings"]]


def test_every_form_of_a_page_sends_parameters_that_its_call_has() -> None:
    import re

    from service.http._route import all_routes
    from service.http._unknown import field_names, is_open
    from service.web.pages import WEB

    routes = {route.path: route.query for route in all_routes() if route.method == "GET"}
    forms = 0
    for template in sorted(Path(WEB, "templates").glob("*.html")):
        for action, inside in re.findall(
            r'<form[^>]* action="([^"]+)"(?![^>]*post)[^>]*>(.*?)</form>', template.read_text(), re.S
        ):
            query = routes[re.sub(r"{{.*?}}", lambda found: "{slug}" if "slug" in found[0] else "{name}", action)]
            sent = set(re.findall(r'<(?:input|select|textarea)[^>]* name="(\w+)"', inside))
            assert is_open(query) or sent <= field_names(query), template.name
            forms += 1
    assert forms > 5


@pytest.mark.parametrize("since", ["0.5", "1700000000", "-5"])
@pytest.mark.parametrize("path", ["/jobs", "/backups"])
def test_number_is_no_time(service: RunningService, path: str, since: str) -> None:
    status, problem = service.call("GET", f"{path}?since={since}")

    assert status == 400
    assert "2026-11-26T18:00:00Z" in problem["detail"]
    assert service.call("GET", f"{path}?since=2026-11-26T18:00:00Z")[0] == 200
