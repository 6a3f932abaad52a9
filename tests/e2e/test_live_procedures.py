"""A page shows what its commands answer for a VM, a host or a datastore: over HTTP, in a browser and in the shell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.conftest import VM
from tests.e2e.test_lookup import get
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.running_service import RunningService, vcenter_settings

PAGE = """---
title: VM is slow
summary: Look at it.
subjects: [performance]
applies_to: [any]
source: [ours]
---
## When
x
## Before
x
## Steps
1. Look:

   ```vmkops
   vmkops vm {vm}
   vmkops vmkerr 0xbad0022
   vmkops jobs
   ```

   ```vmkops
   vmkops backups newest:{vm}
   vmkops doctor
   ```

2. Act:

   > [!CAUTION]
   > Stops the VM.

   ```vmkops
   vmkops action power-off {vm}
   vmkops action power-off {vm} --dry-run
   vmkops host {host}
   ```
## Check
x
## Undo
x
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service that has read a vCenter, with a page of the team that has live blocks."""
    require("vcsim")
    team = tmp_path_factory.mktemp("team")
    (team / "vm-slow.md").write_text(PAGE)
    with Vcsim() as vcsim:
        settings = vcenter_settings(vcsim) | {"VMKOPS_PROCEDURES_DIR": str(team)}
        with RunningService(tmp_path_factory.mktemp("data"), settings) as running:
            assert running.call("GET", "/vms")[1]["total"] == 4
            yield running


def live(service: RunningService, **targets: str) -> dict[str, Any]:
    query = "&".join(f"{name}={quote(value)}" for name, value in targets.items())
    status, page = service.call("GET", f"/procedures/vm-slow/live?{query}")
    assert status == 200, page
    return dict(page)


def test_lookups_states_and_dry_runs_are_filled_in(service: RunningService) -> None:
    page = live(service, vm=VM)
    vm, code, jobs, backup, shown, _, only_asked, host = page["blocks"]
    assert vm["command"] == f"vmkops vm {VM}"
    assert vm["text"].startswith(f"{VM} (vm-")
    assert "powered on, connected" in vm["text"]
    assert "VMK_RESERVATION_CONFLICT" in code["text"] or "0xbad0022" in code["text"]
    assert jobs["text"] == "No jobs.\n"
    assert VM in backup["problem"]
    assert (shown["text"], shown["problem"]) == ("", "")
    assert only_asked["text"].startswith(f"power-off of {VM}")
    assert only_asked["action"] == ""
    assert host["problem"] == "For an answer, name the host as well."
    assert f"1. Look:\n\n   ```vmkops\n   vmkops vm {VM}\n" in page["body"]
    assert f"   ```text\n   {VM} (vm-" in page["body"]
    assert page["targets"] == ["vm", "host"]


def test_action_is_only_checked_and_its_parameters_start_it(service: RunningService) -> None:
    action = live(service, vm=VM)["blocks"][5]
    assert action["text"].startswith(f"power-off of {VM}")
    assert (action["action"], action["params"]) == ("power-off", {"vm": VM})
    assert service.call("GET", "/jobs")[1]["jobs"] == []


def test_vm_that_is_gone_is_reported_with_similar_names(service: RunningService) -> None:
    page = live(service, vm=f"{VM}x")
    assert VM in page["blocks"][0]["problem"]
    assert page["blocks"][0]["problem"] in page["body"]


def test_target_with_a_quote_and_markdown_stays_one_word(service: RunningService) -> None:
    status, problem = service.call("GET", f"/procedures/vm-slow/live?vm={quote('a```' + chr(10) + '# x')}")
    assert (status, "printable" in problem["detail"]) == (400, True)
    page = live(service, vm="a'b``` # x")
    assert page["blocks"][0]["problem"]
    assert "'a'\"'\"'b```" in page["blocks"][0]["command"]


def test_unknown_page_is_404_and_live_state_needs_a_token(service: RunningService) -> None:
    assert service.call("GET", "/procedures/no-such-page/live?vm=a")[0] == 404
    assert service.call("GET", "/procedures/vm-slow/live?vm=a", token="")[0] == 401
    status, page = service.call("GET", "/procedures/vm-slow", token="")
    assert (status, page["targets"]) == (200, ["vm", "host"])


def test_page_as_text_has_placeholders_in_capitals_and_how_to_fill_them_in(service: RunningService) -> None:
    _, text = get(f"{service.url}/procedures/vm-slow?format=text")
    assert "vmkops action power-off VM --dry-run" in text
    assert "To fill in the commands: GET /procedures/vm-slow/live?vm=NAME&host=NAME" in text


def test_shell_prints_the_page_filled_in(service: RunningService) -> None:
    done = service.run("kb", "show", "vm-slow", "--vm", VM)
    assert done.returncode == 0, done.stderr
    assert f"   vmkops vm {VM}\n" in done.stdout
    assert f"   {VM} (vm-" in done.stdout
    assert "> CAUTION:" in done.stdout
    assert done.stdout.splitlines()[1].strip("=") == ""  # below the title, as without a target
    assert "GET /" not in done.stdout
    assert "\n# " not in done.stdout


def test_shell_shows_a_page_by_either_command(service: RunningService) -> None:
    by_kb, by_list = service.run("kb", "show", "vm-slow"), service.run("procedures", "vm-slow")

    assert (by_list.returncode, by_list.stdout) == (0, by_kb.stdout)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("vm", VM), f"{VM} (vm-"),
        (("vm",), VM),
        (("host", "DC0_H0"), "DC0_H0 (host-"),
        (("datastore", "LocalDS_0"), "LocalDS_0"),
        (("vcenters",), "default"),
    ],
)
def test_shell_shows_the_inventory(service: RunningService, words: tuple[str, ...], line: str) -> None:
    done = service.run(*words)
    assert done.returncode == 0, done.stderr
    assert line in done.stdout


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("snapshots", "No snapshots."),
        (
            f"snapshots {VM}",
            f"No snapshots of a VM, or with a name, that has '{VM}' in it. `vmkops snapshots` lists all.",
        ),
        ("snapshots --needs consolidation", "No VM needs consolidation."),
        ("vms --name no-such-vm", "No VMs."),
        ("jobs --state failed", "No jobs."),
        ("schedules", "No schedules."),
    ],
)
def test_empty_list_says_so_beside_the_answer(service: RunningService, words: str, line: str) -> None:
    done = service.run(*words.split())

    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"{line}\n")


@pytest.mark.parametrize(
    "name", ["vms", "hosts", "datastores", "snapshots", "jobs", "schedules", "vcenters", "procedures"]
)
def test_every_list_has_one_form_of_json(service: RunningService, name: str) -> None:
    answer = json.loads(service.run(name, "--json").stdout)

    assert isinstance(answer[name], list)
    assert answer["next"] is None


def test_list_is_filtered_and_goes_on_where_it_ended(service: RunningService) -> None:
    first = json.loads(service.run("vms", "--power", "on", "--limit", "1", "--json").stdout)
    rest = json.loads(service.run("vms", "--power", "on", "--cursor", str(first["next"]), "--json").stdout)
    by_host = service.run("vms", "--host", "DC0_H0")

    assert first["vms"][0] not in rest["vms"]
    assert len(first["vms"]) + len(rest["vms"]) == first["total"]
    assert VM in by_host.stdout
    assert "DC0_C0_RP0_VM0" not in by_host.stdout
    assert service.run("vms", "--power", "off").stderr == "No VMs.\n"
    assert service.run("hosts", "--state", "maintenance").stderr == "No hosts.\n"
    assert service.run("vms", VM, "--power", "on").returncode == 2


def test_shell_prints_the_inventory_as_json(service: RunningService) -> None:
    assert json.loads(service.run("vm", VM, "--json").stdout)["name"] == VM


def test_shell_names_what_does_not_exist(service: RunningService) -> None:
    done = service.run("vm", "no-such-vm")
    assert done.returncode == 1
    assert "no-such-vm" in done.stderr


def test_shell_prints_the_page_also_when_the_service_does_not_fill_it_in(service: RunningService) -> None:
    done = service.run("kb", "show", "consolidation-needed", "--vm", "web-01", VMKOPS_TOKEN="wrong")
    assert done.returncode == 0
    assert "vmkops action guest-shutdown web-01" in done.stdout
    assert "the page is not filled in. This token is not known" in done.stderr
