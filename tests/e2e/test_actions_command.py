"""`vmkops action` and `vmkops actions`: any host action from a shell."""

from __future__ import annotations

import json

import pytest

from tests.e2e.conftest import VM
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService
from tests.terminal import Terminal


@pytest.mark.gives_back
def test_actions_are_listed_with_their_parameters(service: RunningService) -> None:
    done = service.run("actions")
    assert done.returncode == 0, done.stderr
    assert "power-off: Power a VM off at once, without asking its guest. (disruptive)" in done.stdout
    assert service.run("action", "--list").stdout == done.stdout
    assert "    wait_seconds [300]: How long the guest may take" in done.stdout
    listed = json.loads(service.run("actions", "--json").stdout)["actions"]
    assert {"name", "class", "parameters", "steps", "scope"} <= set(listed[0])


@pytest.mark.gives_back
def test_action_is_watched_to_its_end(service: RunningService, vcenter: Vcsim) -> None:
    done = service.run("action", "snapshot-create", VM, "name=before", "quiesce=none")
    assert done.returncode == 0, done.stderr
    assert "succeeded  snapshot" in done.stderr
    assert "Consistency: crash-consistent" in done.stdout
    (node,) = vcenter.snapshots()[VM]
    removed = service.run("action", "snapshot-remove", node["moref"], "even_foreign=false", "--json", "--yes")
    assert json.loads(removed.stdout)["state"] == "succeeded"
    assert vcenter.snapshots() == {}


@pytest.mark.gives_back
def test_dry_run_reports_what_prevents_it_and_changes_nothing(service: RunningService, vcenter: Vcsim) -> None:
    done = service.run("action", "power-off", VM, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f"power-off of {VM}: may go ahead" in done.stdout
    assert "warn    The guest is not asked" in done.stdout
    assert "class   disruptive" in done.stdout
    refused = service.run("action", "answer-question", VM, "choice=1", "--dry-run")
    assert refused.returncode == 1
    assert "refuse  " in refused.stdout
    assert vcenter.vm(VM)["power_state"] == "poweredOn"


@pytest.mark.gives_back
def test_wrong_words_are_refused_with_what_would_be_right(service: RunningService) -> None:
    assert service.run("action", "power-off", VM, "now").returncode == 2
    unknown = service.run("action", "power-of", VM)
    assert unknown.returncode == 2
    assert "power-off" in unknown.stderr
    surprise = service.run("action", "power-off", VM, "surprise=1")
    assert surprise.returncode == 2
    assert "surprise" in surprise.stderr
    near = service.run("action", "power-off", "DC0_H0_VM9")
    assert f"  {VM}" in near.stderr


@pytest.mark.gives_back
def test_script_without_yes_sees_the_dry_run_and_starts_nothing(service: RunningService, vcenter: Vcsim) -> None:
    before = service.call("GET", "/jobs")[1]["jobs"]
    done = service.run("action", "power-off", VM)
    assert done.returncode == 2
    assert "warn    The guest is not asked" in done.stderr
    assert "In a script, add --yes." in done.stderr
    assert done.stdout == ""
    assert service.call("GET", "/jobs")[1]["jobs"] == before
    assert vcenter.vm(VM)["power_state"] == "poweredOn"


@pytest.mark.gives_back
def test_refused_action_is_not_asked_for(service: RunningService) -> None:
    done = service.run("action", "answer-question", VM, "choice=1")
    assert done.returncode == 1
    assert "refuse  " in done.stderr
    assert "--yes" not in done.stderr


@pytest.mark.gives_back
@pytest.mark.parametrize("answer", ["no", "", "y", "yes please"])
def test_answer_other_than_yes_starts_nothing(service: RunningService, vcenter: Vcsim, answer: str) -> None:
    before = service.call("GET", "/jobs")[1]["jobs"]
    with Terminal(service, "action", "power-off", VM) as terminal:
        shown = terminal.read_until(f"Type yes to power off {VM}: ")
        assert "warn    The guest is not asked" in shown
        terminal.type(answer)
        terminal.read_until("Nothing was started.")
        assert terminal.wait() == 1
    assert service.call("GET", "/jobs")[1]["jobs"] == before
    assert vcenter.vm(VM)["power_state"] == "poweredOn"


@pytest.mark.gives_back
def test_interrupted_question_starts_nothing(service: RunningService, vcenter: Vcsim) -> None:
    with Terminal(service, "action", "power-off", VM) as terminal:
        terminal.read_until(f"Type yes to power off {VM}: ")
        terminal.interrupt()
        assert terminal.wait() == 130
    assert vcenter.vm(VM)["power_state"] == "poweredOn"


def test_yes_in_a_terminal_starts_the_action(service: RunningService, vcenter: Vcsim) -> None:
    with Terminal(service, "action", "power-off", VM) as terminal:
        terminal.read_until(f"Type yes to power off {VM}: ")
        terminal.type("yes")
        terminal.read_until("succeeded")
        assert terminal.wait() == 0
    assert vcenter.vm(VM)["power_state"] == "poweredOff"


def test_yes_counts_only_for_what_was_shown(service: RunningService, vcenter: Vcsim) -> None:
    with Terminal(service, "action", "power-off", VM) as terminal:
        terminal.read_until(f"Type yes to power off {VM}: ")
        assert service.run("action", "power-off", VM, "--yes").returncode == 0
        terminal.type("yes")
        shown = terminal.read_until(f"Type yes to power off {VM}: ")
        assert "What the checks find has changed" in shown
        assert f"{VM} is already off." in shown
        terminal.type("no")
        assert terminal.wait() == 1


def test_script_with_yes_is_not_asked(service: RunningService, vcenter: Vcsim) -> None:
    done = service.run("action", "power-off", VM, "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "succeeded"
    assert vcenter.vm(VM)["power_state"] == "poweredOff"


@pytest.mark.gives_back
def test_beginning_of_a_job_that_is_too_short_is_named_as_such(service: RunningService) -> None:
    short, unknown = service.run("jobs", "655"), service.run("jobs", "6550")

    assert short.stderr == "vmkops jobs: There is no job '655'. Give at least four characters of its id.\n"
    assert "There is no job '6550'. The list of jobs (vmkops jobs) has their ids." in unknown.stderr
    assert service.run("action", "backup", VM, "quiesce=maybe", "--dry-run").returncode == 2


@pytest.mark.gives_back
def test_ctrl_c_at_the_question_says_that_nothing_was_started(service: RunningService, vcenter: Vcsim) -> None:
    with Terminal(service, "action", "power-off", VM) as terminal:
        terminal.read_until("Type yes to power off")
        terminal.interrupt()
        terminal.read_until("Nothing was started.")
        assert terminal.wait() == 130

    assert vcenter.vm(VM)["power_state"] == "poweredOn"
