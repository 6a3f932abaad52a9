"""A fleet from outside: a parent job that starts a job for each VM of a selection, a few at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions import act, begin, checked, refused
from tests.e2e.conftest import VM, with_disk
from tests.peers.tagging import TagScript
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

VMS = ["DC0_C0_RP0_VM0", "DC0_C0_RP0_VM1", "DC0_H0_VM0", "DC0_H0_VM1"]
SETTINGS = {"VMKOPS_MAX_JOBS": "2", "VMKOPS_SCHEDULE_SECONDS": "1"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, disk: Path) -> Iterator[tuple[Vcsim, RunningService]]:
    """A vCenter and a service that all tests of this module share; each test has to give back what it takes."""
    with (
        Vcsim() as vcenter,
        RunningService(tmp_path_factory.mktemp("fleet"), vcenter_settings(vcenter) | SETTINGS) as service,
    ):
        with_disk(vcenter, disk)
        yield vcenter, service


@pytest.fixture
def vcenter(pair: tuple[Vcsim, RunningService]) -> Iterator[Vcsim]:
    yield pair[0]
    pair[0].clear_faults()
    pair[0].reset_nfc()


@pytest.fixture
def service(pair: tuple[Vcsim, RunningService], vcenter: Vcsim) -> RunningService:
    return pair[1]


def names(job: dict[str, Any], group: str) -> list[str]:
    return [each["vm"] for each in job["result"][group]]


def children(service: RunningService, parent: str) -> list[dict[str, Any]]:
    return list(service.call("GET", f"/jobs?parent={parent}")[1]["jobs"])


def holds_snapshot(service: RunningService, vcenter: Vcsim, parent: str) -> bool:
    """Whether a fleet has come to the snapshot that is held; False when it has ended without."""

    def found() -> str:
        if vcenter.faults()[0]["acted"]:
            return "snapshot"
        return "end" if service.job(parent)["state"] not in ("queued", "running") else ""

    return wait_for(found, what="the first snapshot", timeout=300) == "snapshot"


def test_each_vm_of_the_selection_gets_a_job_and_the_report_names_all(service: RunningService) -> None:
    job = act(service, "fleet", vms="name:DC0_H0_*,folder:/DC0/*,!*_RP0_VM1", params={"quiesce": "none"})

    assert job["state"] == "succeeded", job
    assert names(job, "done") == [VMS[0], VMS[2], VMS[3]]
    assert job["result"]["counts"] == {"done": 3, "skipped": 0, "failed": 0, "too_slow": 0}
    made = children(service, job["id"])
    assert {each["parent"] for each in made} == {job["id"]}
    assert sorted(each["id"] for each in made) == job["children"] == [each["job"] for each in job["result"]["done"]]
    assert {each["state"] for each in made} == {"succeeded"}


def test_only_so_many_run_at_a_time_and_a_killed_process_starts_no_job_twice(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.fault("CreateSnapshot_Task", hold="task", count=1, object_name=VMS[0])
    parent = begin(service, "fleet", vms="vcenter:DEFAULT", params={"quiesce": "none"}, max_parallel=1)
    wait_for(lambda: vcenter.faults()[0]["acted"], what="the first snapshot")
    live = service.call("GET", "/jobs?live=true")[1]["jobs"]
    shown = wait_for(lambda: job if (job := service.job(parent))["progress"] else None, what="the progress")

    service.kill()
    vcenter.clear_faults()
    service.start()
    job = service.ended(parent)

    assert sorted(each["action"] for each in live) == ["backup", "fleet"]
    assert shown is not None
    assert (shown["progress"]["done"], shown["progress"]["total"], shown["progress"]["unit"]) == (0, 4, "VMs")
    assert shown["steps"][1]["detail"] == f"0 of 4 VMs; running: {VMS[0]}"
    assert (job["state"], names(job, "done")) == ("succeeded", VMS), job
    assert len(children(service, parent)) == 4
    assert vcenter.snapshots() == {}


def test_cancel_ends_the_live_children_and_starts_no_more(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.nfc(stall_after_bytes=1)
    parent = begin(service, "fleet", vms="all", params={"quiesce": "none"}, max_parallel=2)

    def copying() -> bool:
        steps = [step for each in children(service, parent) for step in each["steps"] if step["name"] == "back up"]
        return [step["state"] for step in steps] == ["running", "running"]

    wait_for(copying, what="two copies")
    service.call("POST", f"/jobs/{parent}/cancel")
    job = service.ended(parent)

    assert job["state"] == "cancelled"
    assert [each["state"] for each in children(service, parent)] == ["cancelled", "cancelled"]
    assert vcenter.snapshots() == {}


def test_no_job_starts_after_the_window_and_one_that_ends_late_is_too_slow(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.fault("CreateSnapshot_Task", hold="task", count=1)

    for seconds in (15, 60, 240):
        closes = datetime.now(UTC) + timedelta(seconds=seconds)
        more: dict[str, Any] = {"max_parallel": 1, "until": str(closes)}
        parent = begin(service, "fleet", vms="name:DC0_H0_*", params={"quiesce": "none"}, **more)
        if holds_snapshot(service, vcenter, parent):  # a busy machine may not begin in the first window
            break
    wait_for(lambda: datetime.now(UTC) > closes, what="the end of the window", timeout=300)
    vcenter.clear_faults()
    job = service.ended(parent)

    assert job["result"], job["error"]
    assert (job["state"], names(job, "too_slow"), names(job, "skipped")) == ("partial", [VMS[2]], [VMS[3]]), job
    assert "after the window had closed" in job["result"]["too_slow"][0]["why"]
    assert "The window closed at" in job["result"]["skipped"][0]["why"]


def test_job_that_is_under_way_is_joined_and_one_that_cannot_start_is_named(
    service: RunningService, vcenter: Vcsim
) -> None:
    vcenter.fault("CreateSnapshot_Task", hold="task", count=1)
    vcenter.change_vm(VMS[3], tools_running_status="guestToolsNotRunning")
    own = begin(service, "backup", vm=VMS[2], quiesce="require")
    wait_for(lambda: vcenter.faults()[0]["acted"], what="the snapshot")

    parent = begin(service, "fleet", vms="name:DC0_H0_*", params={"quiesce": "require"})
    wait_for(lambda: service.job(parent)["progress"], what="the start of the fleet")
    vcenter.clear_faults()
    job = service.ended(parent)
    vcenter.change_vm(VMS[3], tools_running_status="guestToolsRunning")

    assert job["state"] == "partial", (job["error"], job["result"])
    (joined,), (failed,) = job["result"]["done"], job["result"]["failed"]
    assert (joined["job"], joined["why"]) == (own, "It joined a job that was already under way.")
    assert (failed["vm"], failed["job"]) == (VMS[3], "")
    assert "VMware Tools are not running" in failed["why"]


def test_policy_prunes_the_backups_of_each_vm_after_its_good_backup(service: RunningService) -> None:
    old = act(service, "backup", vm=VM, quiesce="none")
    new = act(service, "fleet", vms=VM, params={"quiesce": "none"}, keep="1")
    assert (new["state"], new["result"]["pruned"]) == ("succeeded", 0), "no newer one is verified"

    verified = act(service, "fleet", vms=VM, action="verify-backup", keep="1")

    assert verified["state"] == "succeeded", (verified["error"], verified["result"])
    assert verified["result"]["pruned"] >= 1
    kept = [each["id"] for each in service.call("GET", f"/backups?vm={VM}")[1]["backups"]]
    assert kept == [new["result"]["done"][0]["job"]]
    assert old["id"] not in kept


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"vms": "tags:gold"}, "no term 'tags:'"),
        ({"vms": "!tag:gold"}, "only excludes"),
        ({"vms": "name:web-*"}, "includes no VM now"),
        ({"vms": "all", "action": "ping"}, "no action 'ping' that acts on one VM"),
        ({"vms": "all", "params": {"quiesce": "maybe"}}, "quiesce must be prefer, require or none"),
        ({"vms": "all", "window": "late"}, "is no window"),
        ({"vms": "all", "keep": "7y"}, "does not say what to keep"),
    ],
)
def test_fleet_that_could_never_work_is_refused(service: RunningService, params: dict[str, Any], words: str) -> None:
    assert words in refused(service, "fleet", **params)


def test_dry_run_counts_the_vms_and_warns_of_a_term_that_fits_none(service: RunningService) -> None:
    found = checked(service, "fleet", vms="all,host:gone")

    assert found["selected"]["message"] == f"4 VMs selected: {', '.join(VMS)}."
    assert found["matches-nothing"]["message"] == "The term 'host:gone' fits no VM now."


def test_dry_run_shows_what_the_checks_of_its_vms_find(service: RunningService, vcenter: Vcsim) -> None:
    off = service.run("action", "fleet", "name:DC0_H0_*", "action=power-off", "--dry-run")
    safe = service.run("action", "fleet", "name:DC0_H0_*", "params=quiesce=none", "--dry-run")

    assert off.returncode == 0, off.stderr
    assert "warn    2 of 2 VMs have warnings:\n" in off.stdout
    assert f"warn    {VMS[2]}: The guest is not asked" in off.stdout
    assert "class   disruptive: it interrupts what runs\n" in off.stdout
    assert "class   safe: it adds something or can be undone, and starts at once\n" in safe.stdout


def test_schedule_of_a_tag_is_made_previewed_run_and_judged_by_the_shell(
    service: RunningService, vcenter: Vcsim
) -> None:
    nightly = (
        "schedules",
        "add",
        "nightly",
        "--vms",
        "tag:Backup=gold",
        "--cron",
        "0 3 * * *",
        "--param",
        "quiesce=none",
    )
    missing = service.run(*nightly)
    with TagScript(vcenter) as script:
        gold, silver = script.make("Backup", "gold", "silver").values()
        script.attach(VMS[0], gold)
        script.attach(VMS[1], silver)
    service.kill()  # forgets the tags that it has read
    service.start()
    added = service.run(*nightly, "--tz", "Europe/Berlin", "--window", "02:00-05:00", "--keep", "7d,4w,6m")
    again = service.run(*nightly)
    closed = service.run(*nightly, "--replace", "--window", "05:00-06:00")
    preview = service.call("GET", "/schedules/nightly/preview")[1]
    ran = service.run("schedules", "run", "nightly", "--any-time", "--json")
    listed = [service.run("schedules", *words) for words in ((), ("list", "--name", "night"), ("--action", "fleet"))]
    shown = [service.run("schedules", *words) for words in (("nightly",), ("show", "nightly"), ("list", "nightly"))]
    by_start_of_id = service.run("jobs", json.loads(ran.stdout)["id"][:8])
    stale = service.run("backups", "--stale")
    report = service.call("GET", "/backups/freshness?by=schedules")[1]
    removed = service.run("schedules", "remove", "nightly")

    assert missing.returncode == 1
    assert "includes no VM now" in missing.stderr
    assert added.returncode == 0, added.stderr
    assert f"1 VM selected: {VMS[0]}." in added.stdout
    assert re.search(r"^  \w{3} \d{4}-\d\d-\d\d 03:00 \+0[12]:00$", added.stdout, re.MULTILINE), added.stdout
    assert (again.returncode, "add --replace" in again.stderr) == (2, True)
    assert "is closed at each of the next times" in closed.stderr
    assert (preview["vms"], len(preview["next"])) == ([VMS[0]], 5)
    assert {each.stdout.count("nightly ") for each in listed} == {1}, listed
    assert {each.stdout.count("backup of tag:Backup=gold") for each in shown} == {1}, shown
    assert "quiesce: none, in the window 02:00-05:00 Europe/Berlin, 4 at a time, keeping 7d,4w,6m" in shown[0].stdout
    assert "backup of tag:Backup=gold  quiesce: none, in the window" in listed[0].stdout
    assert by_start_of_id.returncode == 0, by_start_of_id.stderr  # its children have ids that begin with its own
    job = json.loads(ran.stdout)
    assert (job["state"], names(job, "done"), job["requested_by"]) == ("succeeded", [VMS[0]], "token:test")
    assert (stale.returncode, f"no schedule backs it up: {VMS[1]}" in stale.stdout) == (0, True), stale
    assert (report["schedules"], report["stale"], len(report["unscheduled"])) == (["nightly"], [], 3)
    assert removed.stdout == "Schedule nightly removed.\n"


def test_no_more_fleets_and_schedules_than_the_settings_allow(tmp_path: Path, vcenter: Vcsim) -> None:
    few = SETTINGS | {"VMKOPS_MAX_FLEETS": "1", "VMKOPS_MAX_SCHEDULES": "1", "VMKOPS_REPORT_CHANNELS": "#ops"}
    elsewhere = {"params": {"vms": VMS[0], "report_to": "#all"}}
    vcenter.fault("CreateSnapshot_Task", hold="task", count=1)
    body = {"action": "fleet", "params": {"vms": VMS[0]}, "cron": "0 3 * * *"}
    with RunningService(tmp_path, vcenter_settings(vcenter) | few) as service:
        first = {"vms": VMS[0], "params": {"quiesce": "none"}}
        parent = begin(service, "fleet", **first)
        same = begin(service, "fleet", **first)
        wrong = refused(service, "fleet", vms=VMS[1])
        dry = checked(service, "fleet", vms=VMS[1])["under-way"]["message"]
        channels = [
            service.call("POST", "/actions/fleet", elsewhere),
            service.call("POST", "/actions/fleet/check", elsewhere),
            service.call("PUT", "/schedules/all", {**body, **elsewhere}),
        ]
        with ThreadPoolExecutor(8) as pool:
            at_once = list(pool.map(lambda number: service.call("PUT", f"/schedules/s{number}", body), range(8)))
        (there,) = [each["name"] for each in service.call("GET", "/schedules")[1]["schedules"]]
        replaced = service.call("PUT", f"/schedules/{there}", body)
        vcenter.clear_faults()
        service.ended(parent)
        again = begin(service, "fleet", vms=VMS[1], action="power-on")
        service.ended(again)

    assert same == parent
    assert wrong == dry
    assert wrong.startswith("VMKOPS_MAX_FLEETS allows 1 fleet at a time, and as many are under way. Wait for one")
    assert {(status, "VMKOPS_REPORT_CHANNELS allows #ops only" in answer["detail"]) for status, answer in channels} == {
        (403, True)
    }
    assert sorted(status for status, _ in at_once) == [200] + [409] * 7
    details = {answer["detail"] for status, answer in at_once if status == 409}
    assert all("VMKOPS_MAX_SCHEDULES allows 1 schedule, and there are as many. Remove one" in each for each in details)
    assert replaced[0] == 200


def test_revoked_token_behind_a_schedule_ends_its_fleet(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.fault("CreateSnapshot_Task", hold="task", count=1, object_name=VMS[0])
    maker = service.run("token", "create", "maker", "--scope", "operate").stdout.strip()
    params = {"vms": "all", "params": {"quiesce": "none"}, "max_parallel": 1}
    body = {"action": "fleet", "params": params, "cron": "* * * * * *"}
    assert service.call("PUT", "/schedules/doomed", body, token=maker)[0] == 200
    wait_for(lambda: vcenter.faults()[0]["acted"], what="the first snapshot", explain=service.log)
    (parent,) = [each["id"] for each in service.call("GET", "/jobs?live=true&action=fleet")[1]["jobs"]]

    service.run("token", "revoke", "maker")
    vcenter.clear_faults()
    job = service.ended(parent)
    shown = service.call("GET", "/schedules/doomed")[1]
    service.delete("/schedules/doomed")

    assert (job["requested_by"], job["state"], names(job, "done")) == ("schedule:doomed", "partial", VMS[:1]), job
    assert {each["why"].split(" on ")[0] for each in job["result"]["skipped"]} == {"The token 'maker' was revoked"}
    assert "until somebody who may start actions saves it again" in shown["paused"]


def test_schedule_whose_every_vm_is_refused_is_not_saved(service: RunningService, vcenter: Vcsim) -> None:
    often = ("schedules", "add", "often", "--vms", "name:DC0_H0_*", "--cron", "0 3 * * *")
    required = (*often, "--param", "quiesce=require")
    vcenter.change_vm(VMS[2], tools_running_status="guestToolsNotRunning")
    one_of_two = service.run(*required)
    service.run("schedules", "remove", "often")
    vcenter.change_vm(VMS[3], tools_running_status="guestToolsNotRunning")
    unknown = {name: service.run(*often, "--param", f"{name}=nsa") for name in ("copy_to", "save")}
    single = service.run(
        *("schedules", "add", "often", "--param", f"vm={VMS[2]}", "--param", "quiesce=require", "--cron", "0 3 * * *")
    )
    both = service.run(*required)
    listed = service.call("GET", "/schedules")[1]["schedules"]
    started = refused(service, "fleet", vms="all", params={"copy_to": "nsa"})
    anyway = service.run(*required, "--allow-missing")
    service.run("schedules", "remove", "often")
    for vm in VMS[2:]:
        vcenter.change_vm(vm, tools_running_status="guestToolsRunning")

    assert one_of_two.returncode == 0, one_of_two.stderr
    assert listed == []
    save_anyway = "To save the schedule all the same, add --allow-missing"
    for name, what in (("copy_to", "copy target"), ("save", "save profile")):
        assert unknown[name].returncode == 1
        assert unknown[name].stderr.startswith(f"vmkops schedules: There is no {what} 'nsa'."), unknown[name].stderr
        assert save_anyway in unknown[name].stderr
    assert (both.returncode, both.stdout) == (1, "")
    assert "A dry run refuses each of the 2 VMs that it looked at. DC0_H0_VM0: VMware Tools are not" in both.stderr
    assert save_anyway in both.stderr
    assert (single.returncode, f"VMware Tools are not running in {VMS[2]}" in single.stderr) == (1, True), single
    assert started.startswith("There is no copy target 'nsa'.")
    assert anyway.stdout.startswith("Schedule often made."), anyway


def test_schedule_is_saved_while_a_task_that_will_end_runs_on_its_vm(service: RunningService, vcenter: Vcsim) -> None:
    vcenter.fault("CreateSnapshot_Task", hold="task", count=1)
    job = begin(service, "backup", vm=VM)
    wait_for(lambda: vcenter.faults()[0]["acted"], what="the snapshot")
    busy = checked(service, "backup", vm=VM)
    saved = [
        service.call("PUT", "/schedules/busy", {"action": action, "params": params, "cron": "0 3 * * *"})
        for action, params in (("backup", {"vm": VM}), ("fleet", {"vms": VM}))
    ]
    vcenter.clear_faults()
    service.ended(job)
    service.delete("/schedules/busy")

    assert busy["task-running"]["severity"] == "refuse"
    assert [status for status, _ in saved] == [200, 200], saved


def test_run_of_a_schedule_that_fails_makes_its_vm_stale(service: RunningService, vcenter: Vcsim) -> None:
    act(service, "backup", vm=VMS[3], quiesce="none")
    vcenter.change_vm(VMS[3], tools_running_status="guestToolsNotRunning")
    params = {"vms": VMS[3], "params": {"quiesce": "require"}}
    body = {"action": "fleet", "params": params, "cron": "* * * * * *", "allow_missing": True}
    assert service.call("PUT", "/schedules/often", body)[0] == 200

    def failed() -> list[dict[str, Any]]:
        stale = service.call("GET", "/backups/freshness?by=schedules")[1]["stale"]
        return [each for each in stale if "The last run of" in each["reason"]]

    found = wait_for(failed, timeout=60, what="the failed run", explain=service.log)
    service.delete("/schedules/often")
    vcenter.change_vm(VMS[3], tools_running_status="guestToolsRunning")

    assert found is not None
    assert [each["vm"] for each in found] == [VMS[3]]
    assert "The last run of the schedule often: " in found[0]["reason"]
    assert "VMware Tools are not running" in found[0]["reason"]
