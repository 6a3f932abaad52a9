"""Why an iSCSI login failed: status class and detail in each form, and the connection errors of open-iscsi."""

from __future__ import annotations

import pytest

from knowledge.vmklog import Finding, decode_line
from knowledge.vmklog.facts import facts


def only(line: str) -> Finding:
    (found,) = [finding for finding in decode_line(line) if finding.kind.startswith("iscsi-")]
    assert line[found.start : found.end] == found.text
    return found


def test_the_event_of_esxi_shows_the_status_beside_the_event_and_the_name() -> None:
    line = (
        "2025-03-01T01:00:00.000Z In(14) vobd[2098532]:  [iscsiCorrelator] 1us:"
        " [esx.problem.storage.iscsi.target.login.error] Login to iSCSI target iqn.2001-05.com.example:vol01 on vmhba64"
        " @ vmk1 failed. Target returned login error of: 0201."
    )
    assert [(found.kind, found.text) for found in decode_line(line)] == [
        ("event", "esx.problem.storage.iscsi.target.login.error"),
        ("iqn", "iqn.2001-05.com.example:vol01"),
        ("adapter", "vmhba64"),
        ("iscsi-login", "0201"),
    ]
    meaning = only(line).meaning
    assert "Authentication failure" in meaning.summary
    assert (meaning.where, meaning.class_, meaning.certainty) == ("target or array", "authentication", "certain")
    assert "CHAP" in meaning.next
    assert meaning.procedures == ("iscsi-login-failed",)


@pytest.mark.parametrize(
    ("line", "text", "status"),
    [
        ("iscsid: login response status 0202", "0202", "0202"),
        ("Login response status 0x0201", "0201", "0201"),
        ("login failed with status 0201", "0201", "0201"),
        ("iscsid: conn 0 login rejected: initiator error - target not found (02/03)", "(02/03)", "0203"),
        ("iscsiadm: discovery login to 192.0.2.1 rejected: target error (03/01)", "(03/01)", "0301"),
        ("iscsi connection(5) login failed - Initiator is not allowed access (0x02/0x02)", "(0x02/0x02)", "0202"),
        ("login response with unknown status class 0x3, detail 0x2", "0x3, detail 0x2", "0302"),
        ("qla4xxx: login failed: status_class=2 status_detail=1", "2 status_detail=1", "0201"),
        ("Failed to log in to target. Status: Authentication failure(513)", "513", "0201"),
        ("session 1 login rejected: Initiator failed authentication with target",
         "Initiator failed authentication with target", "0201"),
        ("login rejected: initiator failed authorization with target", "initiator failed authorization with target",
         "0202"),
    ],
)  # fmt: skip
def test_each_initiator_prints_the_status_in_its_own_form(line: str, text: str, status: str) -> None:
    found = only(line)
    assert found.text == text
    assert found.summary.startswith(f"iSCSI login status {status}: ")
    assert found.meaning.certainty == "certain"


def test_a_text_that_open_iscsi_prints_for_two_statuses_is_open() -> None:
    meaning = only("iscsiadm: initiator reported error (24 - iSCSI login failed due to authorization failure)").meaning
    assert meaning.certainty == "open"
    assert "0201" in meaning.summary
    assert "0202" in meaning.summary


def test_every_status_of_the_standard_is_known() -> None:
    details = {0: range(1), 1: range(1, 3), 2: range(0x0C), 3: range(3)}
    expected = {f"{class_:02x}{detail:02x}" for class_, those in details.items() for detail in those}
    assert set(facts("iscsi_login_status.tsv")) == expected


def test_a_status_that_the_standard_does_not_define_is_open_with_its_class() -> None:
    meaning = only("Target returned login error of: 0399.").meaning
    assert meaning.certainty == "open"
    assert "an error of the target" in meaning.summary
    assert only("Target returned login error of: 0901.").meaning.certainty == "open"


@pytest.mark.parametrize(
    ("line", "code", "name"),
    [
        ("[Tue Dec 20 14:46:42 2022]  connection1:0: detected conn error (1020)", "1020", "ISCSI_ERR_TCP_CONN_CLOSE"),
        ("connection3:0: detected conn error (1022)", "1022", "ISCSI_ERR_NOP_TIMEDOUT"),
        ("iscsid: Kernel reported iSCSI connection 6:0 error (1020 - ISCSI_ERR_TCP_CONN_CLOSE: TCP connection closed)"
         " state (1)", "1020", "ISCSI_ERR_TCP_CONN_CLOSE"),
        ("iscsid: Kernel reported iSCSI connection 1:0 error (1011) state (3)", "1011", "ISCSI_ERR_CONN_FAILED"),
    ],
)  # fmt: skip
def test_a_connection_error_of_open_iscsi_has_its_name(line: str, code: str, name: str) -> None:
    found = only(line)
    assert found.text == code
    assert name in found.summary
    assert found.meaning.next


@pytest.mark.parametrize(
    "line",
    ["login failed with status 401", "Login failed (2/3 attempts)", "login at (10/11)", "detected conn error (1099)",
     "status class A, detail view", "User login status 0", "login status 0200.5"],
)  # fmt: skip
def test_other_logins_are_not_of_iscsi(line: str) -> None:
    assert decode_line(line) == []


@pytest.mark.parametrize(("status", "class_"), [("0201", "authentication"), ("0301", "transient")])
def test_the_event_of_a_refused_login_has_the_class_of_its_status(status: str, class_: str) -> None:
    event, reason = (
        found.meaning
        for found in decode_line(
            f"[esx.problem.storage.iscsi.target.login.error] Login failed. Target returned login error of: {status}."
        )
    )
    assert (event.class_, event.where, event.next) == (reason.class_, reason.where, reason.next)
    assert event.class_ == class_
