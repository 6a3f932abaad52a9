"""The report of a fleet in a channel: the real service, VMware's simulator, and a local Slack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.actions import act, begin
from tests.integration.slack_room import drawn, slack_room, wait_for_bot
from tests.peers.local_slack import ALERTS, LocalSlack
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

GOOD, BAD = "DC0_H0_VM0", "DC0_H0_VM1"
NIGHTLY = ("nightly", "--vms", "name:DC0_H0_*", "--action", "snapshot-create", "--param", "quiesce=require")


@pytest.fixture
def workspace(vcsim: Vcsim, tmp_path: Path) -> Iterator[tuple[LocalSlack, RunningService]]:
    """A local Slack with the bot of a service; one of the two VMs cannot be quiesced."""
    vcsim.change_vm(BAD, tools_running_status="guestToolsNotRunning")
    settings = {**vcenter_settings(vcsim), "VMKOPS_SCHEDULE_SECONDS": "1"}
    with slack_room(tmp_path / "data", settings=settings) as joined:
        yield joined


def reports(slack: LocalSlack, count: int) -> list[dict[str, Any]]:
    """The messages of the channel, once there are so many."""
    wait_for(lambda: len(slack.messages(ALERTS)) >= count, timeout=120, what=f"{count} reports")
    return slack.messages(ALERTS)


def test_scheduled_fleet_is_reported_once_although_bot_and_service_are_killed_meanwhile(
    workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim
) -> None:
    slack, service = workspace
    vcsim.fault("CreateSnapshot_Task", hold="task", count=1)
    added = service.run("schedules", "add", *NIGHTLY, "--cron", "* * * * * *", "--report-to", "alerts")
    assert added.returncode == 0, added.stderr
    wait_for(lambda: vcsim.faults()[0]["acted"], what="the snapshot", explain=service.log)
    (parent,) = [each["id"] for each in service.call("GET", "/jobs?live=true&action=fleet")[1]["jobs"]]
    service.delete("/schedules/nightly")
    service.kill()
    vcsim.clear_faults()
    service.start()
    (report,) = reports(slack, 1)
    service.kill()
    service.start()
    wait_for_bot(slack, service)
    act(service, "fleet", vms=GOOD, action="snapshot-create", params={"quiesce": "none"}, report_to="#alerts")
    after = reports(slack, 2)

    assert report["text"] == "⚠️ Snapshot create of name:DC0_H0_*: partly done (1 failed, 1 done)"
    words = drawn(report)
    assert f"*{BAD}*: VMware Tools are not running in {BAD}, so it cannot be quiesced." in words
    assert f"✅ *Done (1)*\n{GOOD}" in words
    assert f'`/action fleet {BAD} action=snapshot-create params="quiesce=require"`' in words
    assert f"See it: `/jobs {parent}` · schedule `nightly`" in words
    assert [each["text"] for each in after] == [report["text"], f"✅ Snapshot create of {GOOD}: done (1 done)"]


def test_firing_that_starts_nothing_and_a_channel_without_the_bot_are_told(
    workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim
) -> None:
    slack, service = workspace
    params = {"vms": "name:gone-*", "action": "backup", "report_to": "#alerts"}
    body = {"action": "fleet", "params": params, "cron": "* * * * * *", "allow_missing": True}
    assert service.call("PUT", "/schedules/lost", body)[0] == 200
    report = reports(slack, 1)[0]
    service.delete("/schedules/lost")
    lost = begin(service, "fleet", vms=GOOD, action="power-on", report_to="#nowhere")
    noted = wait_for(lambda: service.job(lost)["notes"], timeout=120, what="the note", explain=service.log)

    assert report["text"].startswith("❌ Schedule lost started nothing: The selection 'name:gone-*' includes no VM")
    assert "`vmkops schedules run lost --any-time`" in drawn(report)
    assert noted == [
        "Its report could not be posted to #nowhere. vmkops is not a member of #nowhere, or there is no such channel. "
        "Invite it there: /invite @vmkops."
    ]
