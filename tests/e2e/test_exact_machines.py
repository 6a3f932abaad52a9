"""Never the wrong machine: two vCenters with the same names, hosts, snapshots and backups, and every action on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from bot.cards.job import job_card
from bot.cards.problem import problem_card
from service.actions import all_actions
from service.api.models import Job, Problem
from tests.e2e.actions import act, checked, details, refused, text
from tests.e2e.test_vcenters import power, table
from tests.kept_packages import keep_package
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService

NAMES = ("prod", "lab")
VM, HOST = "DC0_H0_VM0", "DC0_H0"
NOW = datetime.now(UTC)
SUBJECTS = ("vm", "host", "backup", "snapshot")
"""What the first parameter of an action may name. Each action that takes one is tested, also one that is new. The
`vms` of `fleet` are a selection, which takes every VM that fits."""
BY_ID = {"fetch-backup"}
"""Actions whose first parameter takes an id and no name."""
ACTIONS = {
    name: first
    for name, action in sorted(all_actions().items())
    if (first := next(iter(action.params.model_fields))) in SUBJECTS and name not in BY_ID
}
ELSE: dict[str, dict[str, Any]] = {
    "answer-question": {"choice": "0"},
    "copy-backup": {"to": "nas"},
    "iscsi-add-target": {"address": "192.0.2.9"},
    "migrate": {"host": "DC0_C0_H0"},
    "restore-disk": {"disk": "1", "vm": "VCENTER/DC0_H0_VM1"},
    "serial-pipe": {"peer": "DC0_H0_VM1", "path": "/vmfs/volumes/LocalDS_0/pipe"},
}
"""The other parameters that an action requires; a new action with such parameters needs a line here.

`VCENTER` stands for the name of the vCenter that is meant.
"""


def others(name: str, vcenter: str) -> dict[str, Any]:
    """The other parameters of an action on this vCenter."""
    return {key: str(value).replace("VCENTER", vcenter) for key, value in ELSE.get(name, {}).items()}


class Twins(NamedTuple):
    """The service and its two vCenters, which have the same names; `snapshot` is a moref that both have."""

    service: RunningService
    peers: dict[str, Vcsim]
    snapshot: str


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    """One service for all tests; each vCenter has a backup of the VM, and the newer one is of `lab`."""
    require("vcsim")
    require("qemu-img")
    folder = tmp_path_factory.mktemp("twins")
    content = make_vmdk(folder / "disk.vmdk", size_mb=1, seed=3).read_bytes()
    with Vcsim() as prod, Vcsim() as lab:
        peers = {"prod": prod, "lab": lab}
        config = folder / "vmkops.toml"
        vcenters = "".join(table(name, peer, folder) for name, peer in peers.items())
        config.write_text(f'{vcenters}\n[copy.nas]\nkind = "directory"\npath = "{folder}"\n')
        for age, (name, peer) in zip((2, 1), peers.items(), strict=True):
            vm = peer.vm(VM)
            identity = {"uuid": f"{vm['uuid']}-{name}", "moref": vm["moref"], "vcenter": name}
            made = NOW - timedelta(days=age)
            keep_package(folder / "data/backups", f"of-{name}", made, vm=VM, content=content, identity=identity)
        with RunningService(folder / "data", {"VMKOPS_CONFIG": str(config)}) as service:
            for name in NAMES:
                assert act(service, "snapshot-create", vm=f"{name}/DC0_H0_VM1", quiesce="none")["state"] == "succeeded"

            def both() -> str | None:
                morefs = [each["moref"] for each in service.call("GET", "/snapshots")[1]["snapshots"]]
                return morefs[0] if len(morefs) == 2 else None

            yield Twins(service, peers, str(wait_for(both, what="both snapshots")))


def named(twins: Twins, kind: str) -> str:
    """What both vCenters have under one name."""
    return {"vm": VM, "host": HOST, "backup": f"newest:{VM}", "snapshot": twins.snapshot}[kind]


def forms(twins: Twins, name: str, kind: str, vcenter: str) -> list[str]:
    """All that people can type for the one in this vCenter."""
    if kind == "snapshot":
        return [f"{vcenter}/{twins.snapshot}", f"{vcenter.upper()}/{twins.snapshot}"]
    if kind == "host":
        moref = twins.service.call("GET", f"/hosts/{vcenter}%2F{HOST}")[1]["moref"]
        return [f"{vcenter}/{HOST}", f"{vcenter}/moref:{moref}"]
    vm = twins.peers[vcenter].vm(VM)
    kept = kind == "backup" or name == "prune-backups"
    uuid = f"{vm['uuid']}-{vcenter}" if kept else vm["uuid"]
    prefix = "newest:" if kind == "backup" else ""
    return [f"{prefix}{vcenter}/{each}" for each in (VM, f"name:{VM}", f"moref:{vm['moref']}", f"uuid:{uuid}")]


@pytest.mark.parametrize(("name", "kind"), ACTIONS.items())
def test_name_that_two_vcenters_have_is_refused_and_each_candidate_is_the_right_one(
    twins: Twins, name: str, kind: str
) -> None:
    def check(selector: str, vcenter: str = "prod") -> tuple[int, dict[str, Any]]:
        params = {**others(name, vcenter), kind: selector}
        status, answer = twins.service.call("POST", f"/actions/{name}/check", {"params": params})
        return status, answer

    status, problem = check(named(twins, kind))

    assert status == 409, problem
    candidates = problem["suggestions"]
    prefix = "newest:" if kind == "backup" else ""
    assert sorted(candidates) == sorted(f"{prefix}{each}/{named(twins, kind)[len(prefix) :]}" for each in NAMES)
    for candidate in candidates:
        assert f"{candidate} (" in problem["detail"]
    for vcenter, other in (NAMES, NAMES[::-1]):
        for selector in forms(twins, name, kind, vcenter):
            status, preview = check(selector, vcenter)
            assert status == 200, preview
            assert f"{vcenter}/" in preview["target"], preview
            assert f"{other}/" not in json.dumps([preview["target"], preview["params"]]), preview
            if kind == "backup":
                assert preview["params"]["backup"] == f"of-{vcenter}"
                words = {each["rule"]: each["message"] for each in preview["checks"]}["backup-from"]
                assert f"of {VM} (vm-" in words
                assert f"in the vCenter {vcenter}, made on 20" in words
            elif name != "prune-backups":
                assert preview["vcenter"] == vcenter


@pytest.mark.parametrize(("name", "kind"), ACTIONS.items())
def test_vcenter_that_does_not_exist_is_told(twins: Twins, name: str, kind: str) -> None:
    given = named(twins, kind)
    selector = f"newest:nope/{VM}" if kind == "backup" else f"nope/{given}"
    assert "No vCenter is named nope; there are: prod, lab." in refused(
        twins.service, name, **{**others(name, "prod"), kind: selector}
    )


def test_candidates_are_told_apart_by_folder_host_and_power_state(twins: Twins) -> None:
    status, problem = twins.service.call("GET", f"/vms/{VM}")

    assert status == 409
    assert f"prod/{VM} (vCenter prod, folder /DC0/vm, host {HOST}, power" in problem["detail"]
    card = json.dumps(problem_card(Problem.model_validate(problem), command="/backup").blocks)
    assert f"/backup prod/{VM}" in card


def test_vm_is_shown_with_all_that_identifies_it(twins: Twins) -> None:
    vm = twins.peers["lab"].vm(VM)
    shown = twins.service.run("vm", f"lab/{VM}")

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"lab/{VM} ({vm['moref']}): ")
    assert f"vCenter lab, folder /DC0/vm, host {HOST}\nOn LocalDS_0.\nUUID {vm['uuid']}, instance UUID " in shown.stdout


@pytest.mark.parametrize("form", ["shell", "slack"])
def test_undo_can_be_pasted(twins: Twins, form: str) -> None:
    vm = "DC0_C0_RP0_VM0"
    job = act(twins.service, "power-off", vm=f"lab/{vm}")

    assert (job["state"], job["target"], job["vcenter"]) == ("succeeded", f"lab/{vm}", "lab"), job
    assert (power(twins.peers["prod"], vm), power(twins.peers["lab"], vm)) == ("poweredOn", "poweredOff")
    if form == "shell":
        command = details(job).partition("Undo: ")[2]
        assert command == f"vmkops action power-on lab/{vm}"
        done = twins.service.run(*command.split()[1:])
        assert done.returncode == 0, done.stderr
        assert f"power-on of lab/{vm}: succeeded" in done.stdout
    else:
        card = json.dumps(job_card(Job.model_validate(job)).blocks, ensure_ascii=False)
        assert f"Undo: `/action power-on lab/{vm}`" in card
        assert f"Power off: lab/{vm}" in card
        act(twins.service, "power-on", vm=f"lab/{vm}")
    assert power(twins.peers["lab"], vm) == "poweredOn"


def test_restore_into_another_vcenter_is_told_and_needs_a_yes(twins: Twins) -> None:
    def check(**params: str) -> dict[str, Any]:
        status, preview = twins.service.call("POST", "/actions/restore/check", {"params": params})
        assert status == 200, preview
        return dict(preview)

    home, away = check(backup="of-prod"), check(backup="of-prod", vcenter="lab")
    asked = twins.service.run("action", "restore", "of-prod", "vcenter=lab", "name=moved")

    assert home["class"] == "safe"
    assert "other-vcenter" not in {each["rule"] for each in home["checks"]}
    assert (away["class"], away["vcenter"]) == ("disruptive", "lab")
    assert "goes from prod to lab" in {each["rule"]: each["message"] for each in away["checks"]}["other-vcenter"]
    assert asked.returncode == 2
    assert "of-prod as lab/moved" in asked.stderr
    assert "this disruptive action needs a yes" in asked.stderr
    assert "moved" not in {vm["name"] for vm in twins.peers["lab"].vms()}


@pytest.mark.parametrize(("name", "first"), [("migrate", "vm"), ("restore", "backup"), ("restore-drill", "backup")])
def test_place_in_another_vcenter_is_refused(twins: Twins, name: str, first: str) -> None:
    subject = f"prod/{VM}" if first == "vm" else "of-prod"
    for place in ("host", "datastore"):
        here = "DC0_C0_H0" if place == "host" else "LocalDS_0"
        words = refused(twins.service, name, **{first: subject, place: f"lab/{here}"})
        assert "lab" in words
        assert "prod" in words
        checked(twins.service, name, **{first: subject, place: f"prod/{here}"})
        checked(twins.service, name, **{first: subject, place: here})


def test_move_is_told_with_from_and_to(twins: Twins) -> None:
    found = checked(twins.service, "migrate", vm=f"prod/{VM}", host="DC0_C0_H0")
    assert f"prod/{VM} moves from the host prod/{HOST} to prod/DC0_C0_H0." in found["from-to"]["message"]


def test_live_job_is_joined_by_the_same_request_for_the_same_vm_only(twins: Twins) -> None:
    def start(vcenter: str, *, enabled: bool) -> tuple[int, dict[str, Any]]:
        params = {"vm": f"{vcenter}/{VM}", "enabled": enabled}
        status, answer = twins.service.call("POST", "/actions/set-time-sync", {"params": params})
        return status, answer

    twins.peers["prod"].fault("ReconfigVM_Task", hold="task")
    _, first = start("prod", enabled=True)
    _, again = start("prod", enabled=True)
    status, other = start("prod", enabled=False)
    _, elsewhere = start("lab", enabled=True)
    twins.peers["prod"].clear_faults()

    assert again["id"] == first["id"]
    assert (status, elsewhere["target"]) == (409, f"lab/{VM}"), other
    assert f"is under way on prod/{VM}" in other["detail"]
    assert {twins.service.ended(each["id"])["state"] for each in (first, elsewhere)} == {"succeeded"}


def test_page_for_a_wrong_vm_ends_with_status_1_and_the_candidates(twins: Twins) -> None:
    several = twins.service.run("kb", "show", "vm-slow", "--vm", VM)
    none = twins.service.run("kb", "show", "vm-slow", "--vm", "nobody")
    right = twins.service.run("kb", "show", "vm-slow", "--vm", f"lab/{VM}")

    assert (several.returncode, none.returncode, right.returncode) == (1, 1, 0), several.stderr
    assert f"\n  prod/{VM}\n" in f"{several.stderr}\n"
    assert "There is no VM with the name 'nobody'" in none.stderr
    assert f"lab/{VM} (vm-" in right.stdout


def test_lists_name_the_vcenter(twins: Twins) -> None:
    service = twins.service
    backups, one = service.run("backups", "--vm", VM), service.run("backups", "--vm", f"prod/{VM}")
    stale = service.run("backups", "--stale", "90m").stdout

    assert [line.split()[-2:] for line in backups.stdout.splitlines()] == [[VM, "lab"], [VM, "prod"]]
    assert [line.split()[0] for line in one.stdout.splitlines()] == ["of-prod"]
    assert service.run("backups", f"newest:prod/{VM}", "--json").stdout.startswith('{"id": "of-prod"')
    lines = stale.splitlines()
    assert len(lines) == len(set(lines))
    assert f"  prod/{VM} (vm-" in stale
    assert f"  lab/{VM} (vm-" in stale
    assert "No vCenter is named nope; there are: prod, lab." in service.run("backups", "--vm", f"nope/{VM}").stderr
    assert f"lab/{twins.snapshot}" in text(service, "/snapshots")
    assert "  lab/DC0_H0_VM1 " in service.run("jobs", "--action", "snapshot-create").stdout


def test_schedule_keeps_the_vcenter_of_its_name(twins: Twins) -> None:
    def put(vm: str, *, allow_missing: bool = False) -> tuple[int, dict[str, Any]]:
        body = {"action": "backup", "params": {"vm": vm}, "cron": "0 3 * * *", "allow_missing": allow_missing}
        status, answer = twins.service.call("PUT", "/schedules/nightly", body)
        return status, answer

    twins.peers["lab"].change_vm("DC0_C0_RP0_VM1", properties={"name": "only-in-lab"})
    wait_for(lambda: twins.service.call("GET", "/vms/only-in-lab")[0] == 200, what="the new name")

    assert put("only-in-lab")[1]["params"]["vm"] == "lab/only-in-lab"
    status, problem = put(VM)
    assert (status, sorted(problem["suggestions"])) == (409, [f"lab/{VM}", f"prod/{VM}"])
    assert put(f"prod/{VM}")[1]["params"]["vm"] == f"prod/{VM}"
    assert put("not-made-yet")[0] == 404
    assert put("not-made-yet", allow_missing=True)[0] == 200
    assert put(VM, allow_missing=True)[0] == 409


def test_run_is_about_one_machine(twins: Twins) -> None:
    def start(vm: str) -> tuple[int, dict[str, Any]]:
        status, answer = twins.service.call("POST", "/procedures/vm-slow/runs", {"vm": vm})
        return status, answer

    status, problem = start(VM)
    assert (status, sorted(problem["suggestions"])) == (409, [f"lab/{VM}", f"prod/{VM}"])
    assert start(f"lab/{VM}")[1]["targets"]["vm"] == f"lab/{VM}"
    assert start("it need not exist")[1]["targets"]["vm"] == "it need not exist"


def test_fleet_over_both_vcenters_acts_on_the_right_vm_each_and_names_it(twins: Twins) -> None:
    vm = "DC0_C0_RP0_VM0"
    both = [f"lab/{vm}", f"prod/{vm}"]

    def states() -> list[str]:
        return [str(twins.peers[name].vm(vm)["power_state"]) for name in ("lab", "prod")]

    assert checked(twins.service, "fleet", vms=vm)["selected"]["message"] == f"2 VMs selected: {', '.join(both)}."
    off = act(twins.service, "fleet", vms=f"lab/{vm}", action="power-off")
    after_off = states()
    on = act(twins.service, "fleet", vms=vm, action="power-on")

    assert [each["vm"] for each in off["result"]["done"]] == [f"lab/{vm}"]
    assert after_off == ["poweredOff", "poweredOn"]
    assert states() == ["poweredOn", "poweredOn"]
    assert [each["vm"] for each in on["result"]["done"]] == both
    jobs = [twins.service.job(each["job"]) for each in on["result"]["done"]]
    assert [(job["target"], job["vcenter"]) for job in jobs] == list(zip(both, ("lab", "prod"), strict=True))
    assert [job["result"]["changed"] for job in jobs] == [True, False]
