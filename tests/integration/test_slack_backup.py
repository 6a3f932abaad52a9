"""`/backup` in Slack: the real service, VMware's simulator with a real disk, and a local Slack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.cards.job import CANCEL
from tests.integration.slack_room import answer_to, drawn, slack_room, wait_for_bot
from tests.peers.disks import make_vmdk
from tests.peers.fetch import require
from tests.peers.local_slack import ONCALL, OPERATOR, VISITOR, LocalSlack
from tests.peers.vcsim import Vcsim
from tests.peers.waiting import wait_for
from tests.running_service import RunningService, vcenter_settings

VM = "DC0_H0_VM0"
SLOW = 3_000_000
"""Bytes a second: slow enough to observe a running backup."""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stream-optimized disk of about 16 MB."""
    require("qemu-img")
    return make_vmdk(tmp_path_factory.mktemp("disk") / "disk.vmdk", size_mb=16, seed=3)


@pytest.fixture
def vcenter(vcsim: Vcsim, disk: Path) -> Vcsim:
    """A vCenter whose VM has that disk."""
    vcsim.put_disk(vcsim.vm(VM)["disks"][0]["path"], disk)
    return vcsim


@pytest.fixture
def workspace(vcenter: Vcsim, tmp_path: Path) -> Iterator[tuple[LocalSlack, RunningService]]:
    """A local Slack with the bot of a service that is connected to the vCenter; OPERATOR may start jobs."""
    settings = {**vcenter_settings(vcenter), "VMKOPS_SLACK_OPERATORS": OPERATOR}
    with slack_room(tmp_path / "data", settings=settings) as joined:
        yield joined


def thread(slack: LocalSlack, announcement: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The current announcement and the card below it."""
    messages = slack.messages(ONCALL, thread_ts=announcement["ts"])
    assert len(messages) <= 2, "one message in the thread"
    return messages[0], messages[-1]


def wait_until_card_shows(slack: LocalSlack, announcement: dict[str, Any], words: str, timeout: float = 60) -> None:
    slack.wait_for(lambda: words in drawn(thread(slack, announcement)[1]), timeout=timeout, what=f"{words!r}")


def wait_until_announced(slack: LocalSlack, announcement: dict[str, Any], words: str) -> None:
    slack.wait_for(lambda: words in thread(slack, announcement)[0]["text"], timeout=60, what=f"{words!r}")


def test_backup_is_shown_in_one_thread_from_start_to_end(
    workspace: tuple[LocalSlack, RunningService], vcenter: Vcsim
) -> None:
    slack, service = workspace
    vcenter.nfc(bytes_per_second=SLOW)
    announcement = answer_to(slack, OPERATOR, "/backup", VM)
    assert announcement["text"] == f"⏳ Backup of {VM}"
    assert f"requested by <@{OPERATOR}>" in drawn(announcement)
    wait_until_card_shows(slack, announcement, "B/s")
    running = drawn(thread(slack, announcement)[1])
    assert "⏳ *back up*" in running
    assert "%*" in running
    assert "left" in running
    vcenter.reset_nfc()
    wait_until_announced(slack, announcement, "✅")
    _, card = thread(slack, announcement)
    steps = [line.split(" ")[1] for line in drawn(card).splitlines() if line.startswith("✅ ") and "*" not in line]
    assert steps == ["quiesce", "snapshot", "unquiesce", "mount", "back", "unmount", "remove"]
    assert "✅ *Done*" in drawn(card)
    assert not [block for block in card["blocks"] if block["type"] == "actions"]
    (job,) = service.call("GET", "/jobs")[1]["jobs"]
    assert job["result"]["package"] in drawn(card)
    assert vcenter.snapshots() == {}


def test_copy_that_is_asked_for_in_slack_follows_the_backup(vcenter: Vcsim, tmp_path: Path) -> None:
    nas, config = tmp_path / "nas", tmp_path / "vmkops.toml"
    nas.mkdir()
    config.write_text(f'[copy.nas]\nkind = "directory"\npath = "{nas}"\n')
    settings = {**vcenter_settings(vcenter), "VMKOPS_SLACK_OPERATORS": OPERATOR, "VMKOPS_CONFIG": str(config)}
    with slack_room(tmp_path / "data", settings=settings) as (slack, service):
        refusal = answer_to(slack, OPERATOR, "/backup", f"{VM} copy_to=nsa")
        assert "There is no copy target 'nsa'. Did you mean nas? There are: nas." in drawn(refusal)
        assert "/backup nas" not in drawn(refusal), "that would back up a VM"

        announcement = answer_to(slack, OPERATOR, "/backup", f"{VM} copy_to=nas")
        wait_until_announced(slack, announcement, "✅")
        _, card = thread(slack, announcement)
        copy = wait_for(
            lambda: [job for job in service.call("GET", "/jobs")[1]["jobs"] if job["action"] == "copy-backup"],
            what="the job of the copy",
        )[0]
        copied = service.ended(copy["id"])

    assert copied["state"] == "succeeded", copied["error"]
    assert f"nas: job {copy['id']}" in drawn(card)
    assert (nas / copied["result"]["backup"] / "backup.json").exists()


def test_user_who_is_not_an_operator_cannot_start_a_backup(
    workspace: tuple[LocalSlack, RunningService], vcenter: Vcsim
) -> None:
    slack, service = workspace
    answer = answer_to(slack, VISITOR, "/backup", VM)
    assert answer["ephemeral_to"] == VISITOR
    assert "VMKOPS_SLACK_OPERATORS" in drawn(answer)
    assert service.call("GET", "/jobs")[1]["jobs"] == []
    assert vcenter.count("CreateSnapshot_Task") == 0


def test_unknown_vm_is_answered_with_similar_names(workspace: tuple[LocalSlack, RunningService]) -> None:
    slack, _ = workspace
    answer = answer_to(slack, OPERATOR, "/backup", "DC0_H0_VM9")
    assert answer["ephemeral_to"] == OPERATOR
    assert f"`/backup {VM}`" in drawn(answer)


def test_ambiguous_vm_is_answered_with_the_candidates(
    workspace: tuple[LocalSlack, RunningService], vcenter: Vcsim
) -> None:
    slack, service = workspace
    vcenter.change_object("VirtualMachine", "DC0_H0_VM1", {"name": VM})
    wait_for(lambda: service.call("GET", f"/vms?q={VM}")[1]["total"] == 2, what="both names")
    answer = answer_to(slack, OPERATOR, "/backup", VM)
    assert answer["ephemeral_to"] == OPERATOR
    assert drawn(answer).count("`/backup moref:vm-") == 2


def test_second_user_gets_a_link_to_the_first_thread(
    workspace: tuple[LocalSlack, RunningService], vcenter: Vcsim
) -> None:
    slack, service = workspace
    vcenter.nfc(bytes_per_second=SLOW)
    first = answer_to(slack, OPERATOR, "/backup", VM)
    wait_until_card_shows(slack, first, "B/s")
    second = answer_to(slack, OPERATOR, "/backup", VM)
    wait_until_announced(slack, second, "was already requested")
    assert "|in its thread>" in drawn(thread(slack, second)[0])
    vcenter.reset_nfc()
    wait_until_announced(slack, first, "✅")
    assert len(service.call("GET", "/jobs")[1]["jobs"]) == 1


def test_click_on_cancel_stops_the_backup_and_removes_the_button(
    workspace: tuple[LocalSlack, RunningService], vcenter: Vcsim
) -> None:
    slack, _ = workspace
    vcenter.nfc(bytes_per_second=SLOW)
    announcement = answer_to(slack, OPERATOR, "/backup", VM)
    wait_until_card_shows(slack, announcement, "B/s")
    assert slack.click(OPERATOR, thread(slack, announcement)[1], CANCEL)
    wait_until_announced(slack, announcement, "🚫")
    assert not [block for block in thread(slack, announcement)[1]["blocks"] if block["type"] == "actions"]
    assert vcenter.snapshots() == {}


def test_user_who_is_not_an_operator_cannot_cancel_a_backup(
    workspace: tuple[LocalSlack, RunningService], vcenter: Vcsim
) -> None:
    slack, _ = workspace
    vcenter.nfc(bytes_per_second=SLOW)
    announcement = answer_to(slack, OPERATOR, "/backup", VM)
    wait_until_card_shows(slack, announcement, "B/s")
    assert slack.click(VISITOR, thread(slack, announcement)[1], CANCEL)
    slack.wait_for(
        lambda: [one for one in slack.messages(ONCALL) if one.get("ephemeral_to") == VISITOR], what="the refusal"
    )
    vcenter.reset_nfc()
    wait_until_announced(slack, announcement, "✅")


def test_restarted_bot_continues_in_the_same_thread(
    workspace: tuple[LocalSlack, RunningService], vcenter: Vcsim
) -> None:
    slack, service = workspace
    vcenter.nfc(bytes_per_second=SLOW)
    announcement = answer_to(slack, OPERATOR, "/backup", VM)
    wait_until_card_shows(slack, announcement, "B/s")
    service.kill()
    vcenter.reset_nfc()
    service.start()
    wait_for_bot(slack, service)
    wait_until_announced(slack, announcement, "✅")
    assert "✅ *Done*" in drawn(thread(slack, announcement)[1])


def test_final_state_arrives_although_slack_limits_the_rate(
    workspace: tuple[LocalSlack, RunningService], vcenter: Vcsim
) -> None:
    slack, _ = workspace
    slack.fail_next("chat.update", retry_after=1, count=3)
    announcement = answer_to(slack, OPERATOR, "/backup", VM)
    wait_until_announced(slack, announcement, "✅")


def test_user_learns_how_to_invite_the_bot_to_a_channel(workspace: tuple[LocalSlack, RunningService]) -> None:
    slack, service = workspace
    slack.fail_next("chat.postMessage", error="not_in_channel")
    answer = answer_to(slack, OPERATOR, "/backup", VM)
    assert answer["ephemeral_to"] == OPERATOR
    assert "/invite @vmkops" in drawn(answer)
    assert service.call("GET", "/jobs")[1]["jobs"] == []
