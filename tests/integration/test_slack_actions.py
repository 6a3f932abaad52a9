"""`/action`, `/snapshots`, `/vm` and `/host` in Slack: the real service, VMware's simulator, and a local Slack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.slack_room import answer_to, drawn, slack_room
from tests.peers.local_slack import ONCALL, OPERATOR, VISITOR, LocalSlack
from tests.peers.person import take_snapshot
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

VM = "DC0_H0_VM0"


@pytest.fixture
def workspace(vcsim: Vcsim, tmp_path: Path) -> Iterator[tuple[LocalSlack, RunningService]]:
    """A local Slack with the bot of a service that is connected to the vCenter; OPERATOR may start jobs."""
    settings = {**vcenter_settings(vcsim), "VMKOPS_SLACK_OPERATORS": OPERATOR}
    with slack_room(tmp_path / "data", settings=settings) as joined:
        yield joined


def test_action_is_shown_in_one_thread_from_start_to_end(
    workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim
) -> None:
    slack, _ = workspace
    announcement = answer_to(slack, OPERATOR, "/action", f"snapshot-create {VM} name=“before the patch” quiesce=none")
    assert announcement["text"] == f"⏳ Snapshot create: {VM}"

    def thread() -> list[str]:
        return [drawn(one) for one in slack.messages(ONCALL, thread_ts=announcement["ts"])]

    slack.wait_for(lambda: "✅" in thread()[0], timeout=60, what="the end")
    (node,) = vcsim.snapshots()[VM]
    assert node["name"].endswith(" before the patch")
    assert node["moref"] in thread()[1]
    assert "crash-consistent" in thread()[1]


def test_refusals_are_shown_only_to_the_user(workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim) -> None:
    slack, service = workspace
    for user, command, text, words in (
        (VISITOR, "/action", f"power-off {VM}", "VMKOPS_SLACK_OPERATORS"),
        (VISITOR, "/backup", VM, "VMKOPS_SLACK_OPERATORS"),
        (OPERATOR, "/action", "power-off DC0_H0_VM9", f"`/action power-off {VM}`"),
        (OPERATOR, "/action", f"power-of {VM}", "`/action power-off`"),
        (OPERATOR, "/action", f"answer-question {VM} choice=1", "does not wait for an answer"),
        (OPERATOR, "/action", f"power-off {VM} surprise=1", "surprise"),
        (OPERATOR, "/action", f"ping {VM}", "No vCenter is named DC0_H0_VM0"),
    ):
        answer = answer_to(slack, user, command, text)
        assert answer["ephemeral_to"] == user
        assert words in drawn(answer)
    assert service.call("GET", "/jobs")[1]["jobs"] == []
    assert vcsim.vm(VM)["power_state"] == "poweredOn"


def test_dry_run_and_list_of_actions_are_shown_only_to_the_user(workspace: tuple[LocalSlack, RunningService]) -> None:
    slack, _ = workspace
    preview = answer_to(slack, OPERATOR, "/action", f"power-off {VM} dry_run=true")
    assert preview["ephemeral_to"] == OPERATOR
    assert "guest-shutdown can ask" in drawn(preview)
    listed = answer_to(slack, OPERATOR, "/action", "")
    assert "`iscsi-add-target HOST address=… [type=…] [name=…] [hba=…]`" in drawn(listed)


def test_inventory_answers_by_name(workspace: tuple[LocalSlack, RunningService], vcsim: Vcsim) -> None:
    slack, service = workspace
    assert "🟢 on" in drawn(answer_to(slack, VISITOR, "/vm", VM))
    assert "ESXi 8.0.2" in drawn(answer_to(slack, VISITOR, "/host", "dc0_h0"))
    assert "There are no snapshots." in drawn(answer_to(slack, VISITOR, "/snapshots", ""))
    take_snapshot(vcsim, VM, "VEEAM BACKUP TEMPORARY SNAPSHOT")
    wait_for(lambda: service.call("GET", "/snapshots")[1]["snapshots"], what="the snapshot in the inventory")
    shown = drawn(answer_to(slack, VISITOR, "/snapshots", ""))
    assert f"*{VM}*  ·  VEEAM BACKUP TEMPORARY SNAPSHOT" in shown
    assert "·  Veeam  ·" in shown
