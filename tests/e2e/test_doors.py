"""Who may, and what wrong requests and settings are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import VM
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings


def test_actions_need_a_token_that_may_operate(service: RunningService, vcenter: Vcsim) -> None:
    reader = service.run("token", "create", "reader", "--scope", "read").stdout.strip()
    request = {"params": {"vm": VM}}

    assert service.call("POST", "/actions/backup", request, token="")[0] == 401
    assert service.call("POST", "/actions/backup", request, token="vmkops_wrong")[0] == 401
    status, problem = service.call("POST", "/actions/backup", request, token=reader)
    assert status == 403
    assert "operate" in problem["detail"]
    assert service.call("GET", "/jobs", token=reader) == (200, {"jobs": [], "next": None})
    assert vcenter.count("CreateSnapshot_Task") == 0


@pytest.mark.gives_back
def test_slack_user_who_is_not_listed_starts_nothing(service: RunningService) -> None:
    status, problem = service.call_as("slack:U0VISITOR", "POST", "/actions/backup", {"params": {"vm": VM}})

    assert status == 403
    assert "VMKOPS_SLACK_OPERATORS" in problem["detail"]


def test_tokens_are_made_with_a_known_scope_and_kept_as_hashes_only(bare_service: RunningService) -> None:
    done = bare_service.run("token", "create", "script", "--scope", "operate")
    again = bare_service.run("token", "create", "script", "--scope", "operate")
    unknown = bare_service.run("token", "create", "other", "--scope", "everything")

    token = done.stdout.strip()
    assert done.stdout == f"{token}\n"
    assert bare_service.call("GET", "/jobs", token=token)[0] == 200
    assert token.encode() not in b"".join(path.read_bytes() for path in bare_service.data_dir.glob("*.sqlite*"))
    assert (again.returncode, unknown.returncode) == (1, 2)
    assert "admin" in unknown.stderr


@pytest.mark.gives_back
def test_unknown_vm_lists_near_names(service: RunningService) -> None:
    status, problem = service.call("POST", "/actions/backup", {"params": {"vm": "DC0_H0_VM9"}})

    assert status == 404
    assert VM in problem["suggestions"]


def test_ambiguous_vm_lists_the_candidates(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.change_vm("DC0_H0_VM1", rename="twin")
    vcenter.change_vm("DC0_C0_RP0_VM0", rename="twin")
    wait_for(lambda: service.call("GET", "/vms?q=twin")[1]["total"] == 2, what="both names")

    status, problem = service.call("POST", "/actions/backup", {"params": {"vm": "twin"}})

    assert status == 409
    morefs = {vm["moref"] for vm in vcenter.vms() if vm["name"] == "twin"}
    assert set(problem["suggestions"]) == {f"moref:{moref}" for moref in morefs}
    assert service.call("GET", f"/vms/{problem['suggestions'][0]}")[1]["name"] == "twin"


@pytest.fixture(scope="module")
def bare_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service without a vCenter."""
    with RunningService(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.mark.parametrize(
    "params", [{}, {"vm": ""}, {"vm": 7}, {"vm": VM, "quiesce": "maybe"}, {"vm": VM, "speed": "fast"}]
)
def test_parameters_outside_the_schema_are_named(bare_service: RunningService, params: dict[str, object]) -> None:
    status, problem = bare_service.call("POST", "/actions/backup", {"params": params})

    assert status == 400
    assert problem["type"] == "urn:vmkops:invalid-params"


def test_no_vcenter_set_names_the_settings(bare_service: RunningService) -> None:
    status, problem = bare_service.call("POST", "/actions/backup", {"params": {"vm": VM}})
    told = bare_service.run("backup", VM)

    assert status == 503
    for name in ("VMKOPS_VCENTER_URL", "VMKOPS_VCENTER_USER", "VMKOPS_VCENTER_PASSWORD"):
        assert name in problem["detail"]
    assert told.returncode == 1
    assert "VMKOPS_VCENTER_URL" in told.stderr


@pytest.mark.parametrize(
    ("changed", "type_", "words"),
    [
        ({"VMKOPS_VCENTER_PASSWORD": "wrong"}, "credentials-refused", "VMKOPS_VCENTER_PASSWORD"),
        ({"VMKOPS_VCENTER_URL": "https://127.0.0.1:9"}, "vsphere-unavailable", "nothing listens on its port 9"),
        ({"VMKOPS_VCENTER_CA_FILE": ""}, "certificate-untrusted", "VMKOPS_VCENTER_CA_FILE"),
    ],
)
def test_wrong_password_unreachable_and_untrusted_are_told_apart(
    vcsim: Vcsim, tmp_path: Path, changed: dict[str, str], type_: str, words: str
) -> None:
    with RunningService(tmp_path, vcenter_settings(vcsim) | changed) as service:
        status, problem = service.call("POST", "/actions/backup", {"params": {"vm": VM}})

    assert status in {502, 503}
    assert problem["type"] == f"urn:vmkops:{type_}"
    assert words in problem["detail"]
    assert vcsim.password not in str(problem)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"VMKOPS_VCENTER_URL": "ftp://x"}, "VMKOPS_VCENTER_URL"),
        ({"VMKOPS_VCENTER_CA_FILE": "/nowhere.pem"}, "VMKOPS_VCENTER_CA_FILE"),
        ({"VMKOPS_DATABASE_URL": "mysql://secret@x"}, "VMKOPS_DATABASE_URL"),
        ({"VMKOPS_VCENTER_PASSWORD_FILE": "/nowhere"}, "VMKOPS_VCENTER_PASSWORD_FILE"),
        ({"VMKOPS_CONFIG": "/nowhere.toml"}, "VMKOPS_CONFIG"),
    ],
)
def test_wrong_setting_stops_the_start_with_its_name(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    done = RunningService(tmp_path, settings).run("serve", "--port", "0")

    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_slack_events_without_a_bot_are_not_found_like_any_other_path(bare_service: RunningService) -> None:
    for path in ("/slack/events", "/no/such/path"):
        status, problem = bare_service.call("POST", path, {})
        assert (status, problem["status"]) == (404, 404)
        assert path in problem["detail"]
