"""Somebody with a valid token writes another name into the records, or gets an answer that belongs to somebody else."""

from __future__ import annotations

import json
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.jobs.keys import former_job_id
from service.store.tokens import DIGITS, digest
from tests.kept_packages import keep_package
from tests.running_service import ANNA, BOB, OPERATORS, RunningService, make_token

PRUNE = {"params": {"last": 5}}
SCHEDULE = {"action": "prune-backups", **PRUNE, "cron": "30 2 * * *"}
THREAD = {"slack": {"channel": "C0GENERAL", "announcement_ts": "1.1", "card_ts": "1.2", "user": "U0ANNA"}}
NOBODY = [
    "token:admin (the boss)",
    "Slack:U0ANNA",
    "slack/U0ANNA",
    "slack:u0anna",
    "slack: U0ANNA",
    "slack:U0ANNA\u00a0",
    "slack:U",
    "slack:B0ANNA",
    f"slack:U{'A' * 40}",
    "anna",
    "",
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service without a vCenter, with one kept backup, in which Anna and Bob are operators."""
    folder = tmp_path_factory.mktemp("attacks")
    keep_package(folder / "data" / "backups", "a1", datetime(2026, 1, 1, tzinfo=UTC))
    with RunningService(folder / "data", OPERATORS) as running:
        yield running


@pytest.fixture(scope="module")
def admin(service: RunningService) -> str:
    """A token that reads the audit."""
    return make_token(service.environment, "admin", "auditor")


def start(service: RunningService, body: object = PRUNE, *, key: str = "", **call: Any) -> tuple[int, Any]:
    headers = call.pop("headers", {}) | ({"Idempotency-Key": key} if key else {})
    return service.call("POST", "/actions/prune-backups", body, headers=headers, **call)


def jobs(service: RunningService) -> list[str]:
    return [job["id"] for job in service.call("GET", "/jobs?limit=500")[1]["jobs"]]


def audit(service: RunningService, admin: str, query: str = "") -> list[dict[str, Any]]:
    status, found = service.call("GET", f"/audit?limit=500&{query}", token=admin)
    assert status == 200, found
    return list(found["entries"])


# Names of others


@pytest.mark.parametrize("person", NOBODY)
def test_person_in_another_form_is_refused_also_from_the_bot(service: RunningService, person: str) -> None:
    before = jobs(service)

    status, problem = start(service, token=service.bot_token(), headers={"X-On-Behalf-Of": person})

    assert (status, problem["type"]) == (400, "urn:vmkops:invalid-params")
    assert "slack:U012AB3CD" in problem["detail"]
    assert jobs(service) == before


@pytest.mark.parametrize("scope", ["read", "operate", "approve", "admin"])
def test_no_scope_includes_the_right_to_act_for_people(service: RunningService, scope: str) -> None:
    token = make_token(service.environment, scope, f"plain-{scope}")

    for method, path, body in (("POST", "/actions/prune-backups", PRUNE), ("GET", "/jobs", None)):
        status, problem = service.call(method, path, body, token=token, headers={"X-On-Behalf-Of": ANNA})
        assert (status, problem["type"]) == (403, "urn:vmkops:not-allowed")
        assert f"vmkops token change plain-{scope} --delegate" in problem["detail"]


def test_records_have_the_token_and_the_person(service: RunningService) -> None:
    _, job = service.call_as(ANNA, "POST", "/actions/prune-backups", PRUNE)
    _, run = service.call_as(ANNA, "POST", "/procedures/linux-p2v/runs", {})
    _, ticked = service.call_as(BOB, "PATCH", f"/runs/{run['id']}/items/step-1", {"state": "done"})
    _, schedule = service.call_as(ANNA, "PUT", "/schedules/nightly", SCHEDULE)
    ended = service.ended(job["id"])

    assert (ended["requested_by"], ended["token"]) == (ANNA, "bot")
    assert (run["started_by"], run["started_token"]) == (ANNA, "bot")
    assert [(mark["who"], mark["token"]) for mark in ticked["history"]] == [(BOB, "bot")]
    assert (schedule["created_by"], schedule["token"]) == (ANNA, "bot")
    for path in (f"/jobs/{job['id']}", f"/runs/{run['id']}", "/schedules/nightly"):
        assert f"{ANNA} via token bot" in text(service, path)


def text(service: RunningService, path: str) -> str:
    headers = {"Authorization": f"Bearer {service.token}", "Accept": "text/plain"}
    with urllib.request.urlopen(urllib.request.Request(service.url + path, headers=headers), timeout=60) as answer:
        return str(answer.read().decode())


# Answers to others


def test_key_answers_only_the_request_that_it_came_with(service: RunningService) -> None:
    status, first = start(service, key="once")
    service.ended(first["id"])

    assert start(service, key="once") == (202, service.job(first["id"]))
    assert status == 202
    for path, body in (
        ("/actions/prune-backups", {"params": {"last": 6}}),
        ("/actions/verify-backup", {"params": {"backup": "a1"}}),
        ("/actions/no-such-action", PRUNE),
    ):
        status, problem = service.call("POST", path, body, headers={"Idempotency-Key": "once"})
        assert (status, problem["type"]) == (422, "urn:vmkops:idempotency-key-reused"), path


def test_key_does_not_depend_on_how_the_request_is_written(service: RunningService) -> None:
    _, first = start(service, {"params": {"last": 5, "vm": "web"}}, key="spelled")
    service.ended(first["id"])

    assert start(service, {"reply_to": None, "params": {"vm": "web", "last": 5}}, key="spelled")[1]["id"] == first["id"]


def test_same_key_of_two_tokens_or_two_people_never_meets(service: RunningService) -> None:
    other = make_token(service.environment, "operate", "other")
    found = []
    for token in (service.token, other, service.bot_token()):
        _, job = start(service, key="shared", token=token)
        service.ended(job["id"])
        found.append(job["id"])

    assert len(set(found)) == 3
    anna, bob = ({"X-On-Behalf-Of": each} for each in (ANNA, BOB))
    assert start(service, key="for-anna", token=service.bot_token(), headers=anna)[0] == 202
    assert start(service, key="for-anna", token=service.bot_token(), headers=bob)[0] == 422


def test_key_of_a_request_that_joined_a_live_job_keeps_that_job(service: RunningService) -> None:
    _, first = start(service, key="first")
    _, joined = start(service, key="second")
    service.ended(first["id"])
    service.ended(joined["id"])

    assert start(service, key="first")[1]["id"] == first["id"]
    assert start(service, key="second")[1]["id"] == joined["id"]


def test_key_of_version_0_1_0_still_gives_its_job_but_no_other_action(tmp_path: Path) -> None:
    keep_package(tmp_path / "data" / "backups", "a1", datetime(2026, 1, 1, tzinfo=UTC))
    with RunningService(tmp_path / "data") as service:
        _, job = start(service, key="old")
        service.ended(job["id"])
        service.kill()
        former = former_job_id("token:test", "old")
        make_former(service.data_dir, job["id"], former)
        service.start()

        again = start(service, key="old")
        other = service.call(
            "POST", "/actions/verify-backup", {"params": {"backup": "a1"}}, headers={"Idempotency-Key": "old"}
        )
        repeated = start(service, key="old")

        assert (again[0], again[1]["id"], again[1]["token"]) == (202, former, "")
        assert (other[0], repeated[1]["id"]) == (422, former)
        assert jobs(service) == [former]


def make_former(data_dir: Path, job_id: str, former: str) -> None:
    """Let the databases be as version 0.1.0 left them after this job."""
    with closing(sqlite3.connect(data_dir / "jobs.sqlite")) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            if "workflow_uuid" in {row[1] for row in database.execute(f"PRAGMA table_info({table})")}:
                database.execute(f"UPDATE {table} SET workflow_uuid = ? WHERE workflow_uuid = ?", [former, job_id])
        ((attributes,),) = database.execute("SELECT attributes FROM workflow_status")
        kept = {name: value for name, value in json.loads(attributes).items() if name != "token"}
        database.execute("UPDATE workflow_status SET attributes = ?", [json.dumps(kept)])
        database.commit()
    with closing(sqlite3.connect(data_dir / "vmkops.sqlite")) as database:
        database.execute("DELETE FROM vmkops_idempotency_keys")
        database.commit()


# Messages of the bot


def test_only_the_bot_says_where_it_replies(service: RunningService) -> None:
    before = jobs(service)

    status, problem = start(service, PRUNE | {"reply_to": THREAD})

    assert (status, problem["type"]) == (403, "urn:vmkops:not-allowed")
    assert "reply_to" in problem["detail"]
    assert jobs(service) == before
    assert start(service, PRUNE | {"reply_to": THREAD}, token=service.bot_token())[1]["reply_to"] == THREAD
    _, schedule = service.call("PUT", "/schedules/replying", SCHEDULE | {"reply_to": THREAD})
    assert "reply_to" not in schedule


@pytest.mark.parametrize(
    "reply_to",
    [
        {"slack": {"channel": "C" * 4_000_000}},
        {"slack": {f"field-{number}": "x" for number in range(1000)}},
        {"slack": {"channel": {"deep": ["x"]}}},
        {f"chat-{number}": {} for number in range(50)},
    ],
)
def test_reply_address_is_small_and_flat(service: RunningService, reply_to: dict[str, Any]) -> None:
    assert start(service, PRUNE | {"reply_to": reply_to}, token=service.bot_token())[0] in {400, 413}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/actions/prune-backups", {"params": {"vm": "x" * 1_000_000}}),
        ("POST", "/actions/prune-backups", {"params": {"vm": "x" * 10_000}}),
        ("PUT", "/schedules/long", SCHEDULE | {"params": {"vm": "x" * 1_000_000}}),
        ("PUT", "/schedules/long", SCHEDULE | {"cron": "0 2 * * " + ",".join(["1"] * 1000)}),
        ("PUT", f"/schedules/{'x' * 1000}", SCHEDULE),
        ("POST", "/procedures/linux-p2v/runs", {"incident": "x" * 10_000}),
        ("POST", "/p2v/runs", {"distribution": "centos", "version": "x" * 10_000}),
        ("POST", "/p2v/runs", {"distribution": "centos", "disk": ["sda"] * 1000}),
    ],
)
def test_what_is_stored_is_bounded(service: RunningService, method: str, path: str, body: object) -> None:
    assert service.call(method, path, body)[0] in {400, 413}


# Traces


def test_each_change_leaves_an_entry_with_token_person_and_address(service: RunningService, admin: str) -> None:
    headers = {"X-On-Behalf-Of": ANNA, "X-Request-Id": "trace-1"}
    bot = service.bot_token()
    _, job = service.call("POST", "/actions/prune-backups", PRUNE, token=bot, headers=headers)
    service.call("PUT", "/schedules/traced", SCHEDULE, token=bot, headers=headers)
    assert service.delete("/schedules/traced") == 204

    started, saved = reversed(audit(service, admin, "request=trace-1"))
    deleted = audit(service, admin, "event=schedule.deleted")[0]

    assert (started["event"], saved["event"]) == ("action.started", "schedule.saved")
    assert (started["token"], started["person"], started["address"]) == ("bot", ANNA, "127.0.0.1")
    assert (started["details"]["job"], started["details"]["name"]) == (job["id"], "prune-backups")
    assert (saved["details"]["name"], saved["details"]["cron"]) == ("traced", "30 2 * * *")
    assert (deleted["token"], deleted["person"], deleted["details"]["name"]) == ("test", "", "traced")


def test_refused_tokens_and_forbidden_calls_leave_an_entry_without_the_token(
    service: RunningService, admin: str
) -> None:
    reader = make_token(service.environment, "read", "curious")
    wrong = "vmkops_" + "x" * 43

    for _ in range(3):
        assert service.call("GET", "/jobs", token=wrong)[0] == 401
        assert start(service, token=reader)[0] == 403

    refused = [
        each
        for each in audit(service, admin, "event=token.refused")
        if each["details"]["token_sha256"] == digest(wrong)[:DIGITS]
    ]
    forbidden = audit(service, admin, "event=call.forbidden&token=curious")
    assert (len(refused), len(forbidden)) == (1, 1)
    assert (forbidden[0]["details"]["path"], refused[0]["token"]) == ("/actions/prune-backups", "")
    assert wrong not in service.log() + json.dumps(refused)


def test_guesses_do_not_hide_what_known_tokens_try(service: RunningService, admin: str) -> None:
    revoked, reader = (make_token(service.environment, "read", name) for name in ("stolen", "insider"))
    assert service.run("token", "revoke", "stolen").returncode == 0
    for number in range(60):
        service.call("GET", "/jobs", token=f"vmkops_guessed_{number}")

    assert service.call("GET", "/jobs", token=revoked)[0] == 401
    assert start(service, token=reader)[0] == 403

    assert [each["event"] for each in audit(service, admin, "token=stolen")] == ["token.refused"]
    assert [each["event"] for each in audit(service, admin, "token=insider")] == ["call.forbidden"]


@pytest.mark.parametrize(
    ("name", "status"),
    [("Authorization", 401), ("Idempotency-Key", 202), ("X-On-Behalf-Of", 400), ("X-Request-Id", 202)],
)
def test_bytes_that_are_no_text_in_a_header_are_no_internal_error(
    service: RunningService, name: str, status: int
) -> None:
    value = "Bearer \xff\xfe" if name == "Authorization" else "\xff\xfe"

    assert start(service, headers={name: value})[0] in {status, 429}  # 429: after many guesses in other tests


@pytest.mark.parametrize("query", ["since=0001-01-01T00:00:00%2B14:00", "until=9999-12-31T23:59:59-14:00"])
def test_audit_takes_times_at_the_ends_of_the_calendar(service: RunningService, admin: str, query: str) -> None:
    assert audit(service, admin, query)


def test_many_refused_tokens_fill_neither_the_table_nor_the_log(service: RunningService, admin: str) -> None:
    for number in range(100):
        service.call("GET", "/jobs", token=f"vmkops_guess_{number}")

    assert len(audit(service, admin, "event=token.refused")) <= 40


def test_only_an_admin_reads_the_audit_page_by_page(service: RunningService, admin: str) -> None:
    start(service)
    start(service)
    _, first = service.call("GET", "/audit?limit=1", token=admin)
    _, second = service.call("GET", f"/audit?limit=1&cursor={first['next']}", token=admin)

    assert service.call("GET", "/audit", token=service.token)[0] == 403
    assert service.call("GET", "/audit", token="")[0] == 401
    assert first["entries"][0]["id"] > second["entries"][0]["id"]
    assert service.call("GET", "/audit?since=2999-01-01T00:00:00Z", token=admin)[1] == {"entries": [], "next": None}
    shown = service.run("audit", "--event", "action.started", "--since", "1h", VMKOPS_TOKEN=admin)
    assert "token:test from 127.0.0.1" in shown.stdout, shown.stderr


@pytest.mark.parametrize(
    ("sent", "kept"), [("Trace-1.2_3", True), ("x" * 64, True), ("x" * 65, False), ("a b", False), ('a"}', False)]
)
def test_request_id_of_a_caller_is_kept_only_when_it_is_plain(service: RunningService, sent: str, kept: bool) -> None:
    asked = urllib.request.Request(f"{service.url}/nothing-here", headers={"X-Request-Id": sent})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=60)
    with refused.value as answer:
        request_id, problem = answer.headers["X-Request-Id"], json.load(answer)

    assert (request_id == sent) is kept
    assert problem["request_id"] == request_id


def test_log_lines_are_json_with_the_request_the_job_and_the_person(service: RunningService) -> None:
    headers = {"X-On-Behalf-Of": ANNA, "X-Request-Id": "trace-job"}
    for earlier in jobs(service):
        service.ended(earlier)  # a live one of another test would be in conflict
    status, job = start(service, {"params": {"last": 7}}, token=service.bot_token(), headers=headers)
    assert status == 202, job
    service.ended(job["id"])

    lines = [json.loads(line) for line in service.log().splitlines()]

    (ended,) = (line for line in lines if line.get("job") == job["id"] and line["message"].startswith("job ended"))
    assert (ended["request"], ended["actor"]) == ("trace-job", f"{ANNA} via token bot")
    assert {service.token, service.bot_token()}.isdisjoint(service.log().split('"'))
