"""The error codes of quiescing, as VMware Tools, vCenter and vmware.log print them."""

from __future__ import annotations

import pytest

from knowledge.vmklog import Finding, decode_line, decode_text

REPORTED = "The guest OS has reported an error during quiescing."


def only(text: str) -> Finding:
    (found,) = [finding for finding in decode_text(text) if finding.kind == "quiesce-error"]
    assert text.split("\n")[found.line - 1][found.start : found.end] == found.text
    return found


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (0, "VMBACKUP_SUCCESS"),
        (1, "VMBACKUP_INVALID_STATE"),
        (2, "VMBACKUP_SCRIPT_ERROR"),
        (3, "VMBACKUP_SYNC_ERROR"),
        (4, "VMBACKUP_REMOTE_ABORT"),
        (5, "VMBACKUP_UNEXPECTED_ERROR"),
    ],
)
def test_each_code_of_vmware_tools_has_its_name_and_leads_to_the_procedure(code: int, name: str) -> None:
    found = only(f"{REPORTED} The error code was: {code} The error message was: something.")
    assert name in found.summary
    assert (found.text, found.kind, found.meaning.certainty) == (str(code), "quiesce-error", "certain")
    assert found.meaning.procedures[0] == "quiesce-failed"


def test_the_code_of_a_script_points_to_the_script_and_that_of_the_sync_driver_to_vss() -> None:
    script = only(f"{REPORTED} The error code was: 2 The error message was: Custom quiesce script failed.")
    assert "pre-freeze" in script.meaning.next
    assert "quiesce-scripts" in script.meaning.procedures
    sync = only(
        "Create virtual machine snapshot vm01: An error occurred while quiescing the virtual machine. See the virtual"
        f" machine's event log for details. {REPORTED} The error code was: 3 The error message was: Error when enabling"
        " the sync provider."
    )
    assert "VSS" in sync.meaning.next


def test_the_code_may_stand_on_a_line_of_its_own_after_the_message() -> None:
    found = only(f"| vmx| Msg_Post: Warning\n| vmx| {REPORTED}\n| vmx| The error code was: 5\n")
    assert (found.line, found.meaning.certainty) == (3, "certain")


def test_without_a_line_about_quiescing_nearby_the_code_is_only_likely_one() -> None:
    assert only("The error code was: 5").meaning.certainty == "likely"
    assert only(f"{REPORTED}\n\n\n\n\n\nThe error code was: 5").meaning.certainty == "likely"


def test_the_log_of_vmware_tools_shows_the_code_in_the_event_that_they_send() -> None:
    found = only("[vmbackup] Sending vmbackup event: vmbackup.eventSet req.error 2 Custom quiesce script failed.")
    assert (found.text, found.meaning.where) == ("2", "guest")


def test_an_unknown_code_is_open() -> None:
    assert only(f"{REPORTED} The error code was: 6").meaning.certainty == "open"


@pytest.mark.parametrize("line", ["The error code was: 0x5", "error code was: 5.1", f"{REPORTED} See the log."])
def test_other_numbers_are_not_codes_of_quiescing(line: str) -> None:
    assert decode_line(line) == []
