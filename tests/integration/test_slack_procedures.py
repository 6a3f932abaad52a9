"""`/kb` and a pasted log line in Slack: the real service and a local Slack."""

from __future__ import annotations

from tests.integration.slack_room import answer_to, drawn
from tests.peers.local_slack import VISITOR, LocalSlack

LINE = (
    'Cmd(0x4395) 0x1a to dev "naa.6001405fc65b3e55557495ba9c92bda3" failed H:0x0 D:0x2 P:0x0 '
    "Valid sense data: 0x2 0x8 0x0."
)


def test_words_find_procedures_and_a_name_shows_its_steps(slack: LocalSlack) -> None:
    found = drawn(answer_to(slack, VISITOR, "/kb", "reservation conflict"))
    page = drawn(answer_to(slack, VISITOR, "/kb", "scsi-reservation-conflict"))

    assert "scsi-reservation-conflict" in found
    assert "Steps" in page
    assert "each host" in page


def test_code_among_the_words_is_explained(slack: LocalSlack) -> None:
    found = drawn(answer_to(slack, VISITOR, "/kb", "vmotion fails 195887371"))

    assert "vmotion-failed" in found
    assert "VMK_VMOTION_CONNECT_FAILED" in found


def test_words_without_a_match_are_answered(slack: LocalSlack) -> None:
    assert "No procedure matches" in drawn(answer_to(slack, VISITOR, "/kb", "qqqqzzzz"))


def test_missing_words_are_answered_with_the_usage(slack: LocalSlack) -> None:
    assert "/kb WORDS" in drawn(answer_to(slack, VISITOR, "/kb", ""))


def test_pasted_log_line_is_decoded(slack: LocalSlack) -> None:
    card = drawn(answer_to(slack, VISITOR, "/vmkerr", LINE))

    assert "CHECK CONDITION" in card.upper()
    assert "naa.6001405fc65b3e55557495ba9c92bda3" in card
    assert "Not Ready" in card
