"""Answers are kept within a bound, dropped when what they were made from changes, and stay right for every caller."""

from __future__ import annotations

import http.client
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.http._answers import CACHE_BYTES, LARGEST_ANSWER, LONGEST_QUESTION, Answer, AnswerCache
from tests.e2e.test_procedures import PAGE
from tests.running_service import RunningService


def answer(size: int) -> Answer:
    return Answer(b"x" * size, {"Content-Type": "application/json"})


def test_answers_beyond_the_bound_push_out_the_least_recently_used() -> None:
    cache = AnswerCache(lambda: 1)
    cache.put(("/first", ""), answer(10), cache.revision)
    for number in range(CACHE_BYTES // LARGEST_ANSWER - 1):
        cache.put((f"/{number}", ""), answer(LARGEST_ANSWER - 2048), cache.revision)
        assert cache.get(("/first", ""))  # used, so it stays
    for number in range(10):
        cache.put((f"/more/{number}", ""), answer(LARGEST_ANSWER - 2048), cache.revision)
        assert cache.get(("/first", ""))

    assert cache.get(("/0", "")) is None
    assert cache.get(("/more/9", ""))


def test_too_large_an_answer_or_too_long_a_question_is_not_kept() -> None:
    cache = AnswerCache(lambda: 1)
    cache.put(("/large", ""), answer(LARGEST_ANSWER + 1), cache.revision)
    cache.put(("/" + "x" * LONGEST_QUESTION, ""), answer(1), cache.revision)

    assert cache.get(("/large", "")) is None
    assert cache.get(("/" + "x" * LONGEST_QUESTION, "")) is None


def test_answer_that_was_begun_before_the_answers_were_dropped_is_not_kept() -> None:
    cache = AnswerCache(lambda: 1)
    begun = cache.revision
    cache.clear()
    cache.put(("/old", ""), answer(1), begun)

    assert cache.get(("/old", "")) is None


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service whose lookups need a token."""
    with RunningService(tmp_path_factory.mktemp("guarded"), {"VMKOPS_LOOKUPS_PUBLIC": "false"}) as running:
        yield running


def test_known_answer_still_needs_the_token(guarded: RunningService) -> None:
    first = guarded.call("GET", "/vmkerr/0xbad0022")
    refused = guarded.call("GET", "/vmkerr/0xbad0022", token="")
    wrong = guarded.call("GET", "/vmkerr/0xbad0022", token="vmkops_wrong")

    assert (first[0], refused[0], wrong[0]) == (200, 401, 401)
    assert guarded.call("GET", "/vmkerr/0xbad0022") == first


def test_wrong_token_is_refused_where_none_is_needed(plain_service: RunningService) -> None:
    question = "/vmkerr/0xbad0022"
    proxied = {"Authorization": "Basic YW5uYTpzM2NyZXQ="}  # of a proxy in front of the service

    assert plain_service.call("GET", question, token="")[0] == 200
    assert plain_service.call("GET", question, token="vmkops_wrong")[0] == 401
    assert plain_service.call("GET", question)[0] == 200
    assert plain_service.call("GET", question, headers=proxied)[0] == 200


def test_each_form_of_one_question_is_kept_apart(plain_service: RunningService) -> None:
    kinds = ["application/json", "text/plain", "text/html", "application/json"]
    for _ in range(2):
        assert [asked(plain_service, "GET", "/iscsi/alias?alias=y", kind)[1] for kind in kinds] == [
            "application/json",
            "text/plain; charset=utf-8",
            "text/html; charset=utf-8",
            "application/json",
        ]


def test_other_method_on_a_known_question_is_refused(plain_service: RunningService) -> None:
    assert asked(plain_service, "GET", "/vmkerr/0xbad0023")[0] == 200
    assert asked(plain_service, "HEAD", "/vmkerr/0xbad0023")[0] == 405
    assert asked(plain_service, "POST", "/vmkerr/0xbad0023")[0] == 405


def test_refusals_are_not_kept(plain_service: RunningService) -> None:
    for _ in range(2):
        assert asked(plain_service, "GET", "/vmkerr/0xbadffff")[0] == 404


def test_known_answers_are_counted(plain_service: RunningService) -> None:
    assert asked(plain_service, "GET", "/iscsi/address?address=counted")[0] == 200
    before = counted(plain_service)
    for _ in range(5):
        assert asked(plain_service, "GET", "/iscsi/address?address=counted")[0] == 200

    assert counted(plain_service) == before + 5


def test_edited_page_is_shown_at_once(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    with RunningService(tmp_path / "data", {"VMKOPS_PROCEDURES_DIR": str(pages)}) as service:
        for title in ("First", "Second"):
            status, page = service.call("PUT", "/procedures/ours", {"text": PAGE.replace("Ring the bell", title)})
            assert status == 200, page
            assert service.call("GET", "/procedures/ours")[1]["title"] == title


def counted(service: RunningService) -> float:
    """How many addresses were read."""
    line = 'vmkops_http_request_seconds_count{method="GET",route="/iscsi/address",status="200"}'
    _, _, metrics = asked(service, "GET", "/metrics")
    return next(float(found.split()[-1]) for found in metrics.splitlines() if found.startswith(line))


def asked(
    service: RunningService, method: str, path: str, accept: str = "application/json"
) -> tuple[int, str | None, str]:
    """Status, content type and text of an answer."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(service.url).netloc, timeout=60)
    try:
        connection.request(method, path, headers={"Accept": accept})
        response = connection.getresponse()
        return response.status, response.headers["Content-Type"], response.read().decode()
    finally:
        connection.close()
