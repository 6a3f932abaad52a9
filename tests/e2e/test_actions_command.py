"""`vmkops action` and `vmkops actions`: any host action from a shell."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import VM
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService


@pytest.mark.gives_back
def test_actions_are_listed_with_their_parameters(service: RunningService) -> None:
    done = service.run("actions")
    assert done.returncode == 0, done.stderr
    assert "power-off: Power a VM off at once" in done.stdout
    assert "    wait_seconds [300]: How long the guest may take" in done.stdout
    listed = json.loads(service.run("actions", "--json").stdout)["actions"]
    assert {"name", "parameters", "steps", "scope"} <= set(listed[0])


@pytest.mark.gives_back
def test_action_is_watched_to_its_end(service: RunningService, vcenter: Vcsim) -> None:
    done = service.run("action", "snapshot-create", VM, "name=before", "quiesce=none")
    assert done.returncode == 0, done.stderr
    assert "succeeded  snapshot" in done.stderr
    assert "consistency: crash-consistent" in done.stdout
    (node,) = vcenter.snapshots()[VM]
    removed = service.run("action", "snapshot-remove", node["moref"], "even_foreign=false", "--json")
    assert json.loads(removed.stdout)["state"] == "succeeded"
    assert vcenter.snapshots() == {}


@pytest.mark.gives_back
def test_dry_run_reports_what_prevents_it_and_changes_nothing(service: RunningService, vcenter: Vcsim) -> None:
    done = service.run("action", "power-off", VM, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f"power-off of {VM}: may go ahead" in done.stdout
    assert "warn    The guest is not asked" in done.stdout
    refused = service.run("action", "answer-question", VM, "choice=1", "--dry-run")
    assert refused.returncode == 1
    assert "refuse  " in refused.stdout
    assert vcenter.vm(VM)["power_state"] == "poweredOn"


@pytest.mark.gives_back
def test_wrong_words_are_refused_with_what_would_be_right(service: RunningService) -> None:
    assert service.run("action", "power-off", VM, "now").returncode == 2
    unknown = service.run("action", "power-of", VM)
    assert unknown.returncode == 1
    assert "power-off" in unknown.stderr
    surprise = service.run("action", "power-off", VM, "surprise=1")
    assert surprise.returncode == 1
    assert "surprise" in surprise.stderr
    near = service.run("action", "power-off", "DC0_H0_VM9")
    assert f"  {VM}" in near.stderr
