"""The life of a token: created, used, changed, and ended, which a running service notices at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.api.settings import read_settings
from service.store.database import open_database, tokens
from tests.running_service import ANNA, OPERATORS, RunningService


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service without a vCenter."""
    with RunningService(tmp_path_factory.mktemp("data"), OPERATORS) as running:
        yield running


def create(service: RunningService, name: str, *options: str) -> str:
    done = service.run("token", "create", name, "--scope", "operate", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def write(service: RunningService, name: str, **values: Any) -> None:
    """Write into the row of a token, as if time had passed."""
    engine = open_database(read_settings({"VMKOPS_DATA_DIR": str(service.data_dir)}))
    with engine.begin() as connection:
        connection.execute(tokens.update().where(tokens.c.name == name).values(**values))
    engine.dispose()


def row(service: RunningService, name: str) -> sa.Row[Any]:
    engine = open_database(read_settings({"VMKOPS_DATA_DIR": str(service.data_dir)}))
    with engine.connect() as connection:
        found = connection.execute(sa.select(tokens).where(tokens.c.name == name)).one()
    engine.dispose()
    return found


def test_revoked_token_is_refused_by_the_running_service_with_the_reason(service: RunningService) -> None:
    token = create(service, "laptop")
    assert service.call("GET", "/jobs", token=token)[0] == 200

    done = service.run("token", "revoke", "laptop")
    status, problem = service.call("GET", "/jobs", token=token)
    again = service.run("token", "revoke", "laptop")
    reused = service.run("token", "create", "laptop", "--scope", "read")

    assert done.returncode == 0, done.stderr
    assert status == 401
    assert "'laptop' was revoked on 20" in problem["detail"]
    assert (again.returncode, reused.returncode) == (1, 1)
    assert "already exists" in reused.stderr


def test_expired_token_is_refused_until_it_gets_more_time(service: RunningService) -> None:
    token = create(service, "short", "--expires", "12h")
    _, rights = service.call("GET", "/tokens/current", token=token)
    left = datetime.fromisoformat(rights["expires_at"]) - datetime.now(UTC)
    write(service, "short", expires_at=datetime.now(UTC).isoformat())

    status, problem = service.call("GET", "/jobs", token=token)
    extended = service.run("token", "change", "short", "--expires", "never")

    assert timedelta(hours=11) < left <= timedelta(hours=12)
    assert (status, extended.returncode) == (401, 0)
    assert "'short' expired on 20" in problem["detail"]
    assert service.call("GET", "/tokens/current", token=token)[1]["expires_at"] is None


@pytest.mark.parametrize("time", ["90", "0d", "-1d", "90w", "1.5d", "99999d", ""])
def test_unreadable_time_makes_no_token(service: RunningService, time: str) -> None:
    done = service.run("token", "create", f"never-{time}", "--scope", "read", f"--expires={time}")

    assert (done.returncode, done.stdout) == (2, "")
    assert "90d or 12h" in done.stderr


def test_right_to_act_for_people_is_given_and_taken_without_a_new_token(service: RunningService) -> None:
    token, headers = create(service, "helper"), {"X-On-Behalf-Of": ANNA}
    before = service.call("GET", "/jobs", token=token, headers=headers)[0]
    service.run("token", "change", "helper", "--delegate")
    given = service.call("GET", "/jobs", token=token, headers=headers)[0]
    service.run("token", "change", "helper", "--no-delegate")
    taken = service.call("GET", "/jobs", token=token, headers=headers)[0]

    assert (before, given, taken) == (403, 200, 403)


def test_last_use_is_known_to_the_minute_and_written_no_more_often(service: RunningService) -> None:
    token = create(service, "counted")
    assert row(service, "counted").last_used_at is None

    service.call("GET", "/jobs", token=token)
    first = row(service, "counted").last_used_at
    long_ago = (datetime.now(UTC) - timedelta(seconds=50)).isoformat(timespec="seconds")
    write(service, "counted", last_used_at=long_ago)
    service.call("GET", "/jobs", token=token)
    kept = row(service, "counted").last_used_at
    write(service, "counted", last_used_at=(datetime.now(UTC) - timedelta(seconds=90)).isoformat())
    service.call("GET", "/jobs", token=token)

    assert first is not None
    assert kept == long_ago
    assert row(service, "counted").last_used_at > long_ago


def test_list_shows_rights_and_ends_and_never_a_token(service: RunningService) -> None:
    token = create(service, "listed", "--delegate", "--expires", "30d")

    shown = service.run("token", "list").stdout
    listed = {each["name"]: each for each in json.loads(service.run("tokens", "--json").stdout)["tokens"]}

    (line,) = (line for line in shown.splitlines() if line.startswith("listed "))
    assert "operate, may act for people" in line
    assert "never used; expires 20" in line
    assert (listed["listed"]["delegate"], listed["test"]["delegate"]) == (True, False)
    assert "hash" not in listed["listed"]
    assert token not in shown


def test_commands_on_tokens_are_in_the_audit_with_the_user_of_the_machine(service: RunningService) -> None:
    admin = service.run("token", "create", "auditor", "--scope", "admin").stdout.strip()
    service.run("token", "create", "traced", "--scope", "read")
    service.run("token", "change", "traced", "--expires", "1d")
    service.run("token", "revoke", "traced")

    _, found = service.call("GET", "/audit?limit=3", token=admin)

    events = [(each["event"], each["details"]["name"]) for each in found["entries"]]
    assert events == [("token.revoked", "traced"), ("token.changed", "traced"), ("token.created", "traced")]
    assert found["entries"][0]["person"].startswith("local:")


def test_tokens_of_version_0_1_0_keep_their_scope_and_cannot_act_for_people(tmp_path: Path) -> None:
    old = RunningService(tmp_path)
    with old as service:
        token = service.token
        service.kill()
        for column in ("delegate", "expires_at", "last_used_at", "revoked_at"):
            engine = sa.create_engine(f"sqlite:///{tmp_path / 'vmkops.sqlite'}")
            with engine.begin() as connection:
                connection.execute(sa.text(f"ALTER TABLE vmkops_tokens DROP COLUMN {column}"))
            engine.dispose()
        service.start()

        assert service.call("GET", "/jobs", token=token)[0] == 200
        assert service.call("GET", "/jobs", token=token, headers={"X-On-Behalf-Of": ANNA})[0] == 403
        assert service.run("token", "change", "test", "--delegate").returncode == 0
        assert service.call("GET", "/jobs", token=token, headers={"X-On-Behalf-Of": ANNA})[0] == 200
