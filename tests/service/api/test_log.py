"""Each line of the log has its fields and the context, for programs as JSON and for people as text; no secrets."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from typing import Any

import pytest

from service.api.log import add_log_fields, begin_request, current_request, log_fields, log_handler

SECRET = "s3cret"


class Log:
    """A logger of its own, and what it wrote."""

    def __init__(self, *, as_json: bool) -> None:
        self.stream = io.StringIO()
        self.logger = logging.Logger("test")
        self.logger.addHandler(log_handler(self.stream, as_json=as_json))

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture(params=[True, False], ids=["json", "text"])
def log(request: pytest.FixtureRequest) -> Log:
    begin_request("r-1")
    return Log(as_json=request.param)


@pytest.fixture
def as_json() -> Log:
    begin_request("r-1")
    return Log(as_json=True)


def test_json_line_has_message_fields_and_context(as_json: Log) -> None:
    add_log_fields(actor="token:test")
    with log_fields(job="j-1", empty=""):
        as_json.logger.warning("%d disks\nare left", 2, extra={"incident": "ab12", "vcenter": {"name": "lab"}})
    as_json.logger.info("after")

    first, second = as_json.lines()
    assert (first["message"], first["level"], first["logger"]) == ("2 disks\nare left", "warning", "test")
    assert (first["incident"], first["vcenter"], first["job"]) == ("ab12", {"name": "lab"}, "j-1")
    assert first["actor"] == "token:test"
    assert {"job", "empty"}.isdisjoint(second)
    assert second["request"] == "r-1"


def test_text_line_stays_one_line_and_has_the_fields() -> None:
    begin_request("r-1")
    log = Log(as_json=False)

    log.logger.error("bad name %s", "x\n2026 INFO forged", extra={"path": "/a b", "incident": "ab12"})

    (line,) = log.stream.getvalue().splitlines()
    assert "ERROR test: bad name x" in line
    assert line.endswith("request=r-1 path='/a b' incident=ab12")


def test_traceback_is_in_the_line_of_its_event(as_json: Log) -> None:
    try:
        raise ValueError("no")
    except ValueError:
        as_json.logger.exception("it failed", extra={"incident": "ab12"})

    (line,) = as_json.lines()
    assert "ValueError: no" in line["exception"]
    assert line["incident"] == "ab12"


def test_no_secret_is_in_a_line_wherever_it_stands(log: Log) -> None:
    url = f"https://user:{SECRET}@h.example.com/x?sig={SECRET}"
    try:
        raise ValueError(url)
    except ValueError:
        log.logger.exception("cannot fetch %s", url, extra={"url": url, "more": {"urls": [url]}, "error": OSError(url)})

    assert SECRET not in log.stream.getvalue()
    assert log.stream.getvalue().count("h.example.com/x") >= 4


async def test_context_goes_into_threads_and_not_into_other_requests(as_json: Log) -> None:
    async def answer(request: str) -> None:
        begin_request(request)
        await asyncio.to_thread(as_json.logger.info, "in a thread of %s", request)

    await asyncio.gather(*(answer(f"r-{number}") for number in range(20)))

    assert all(line["message"].endswith(f" {line['request']}") for line in as_json.lines())
    assert current_request() == "r-1"


def test_request_id_is_made_when_the_caller_has_none() -> None:
    assert len({begin_request(None), begin_request(""), begin_request("a\nb")}) == 3
    assert begin_request("Trace_1") == current_request() == "Trace_1"
