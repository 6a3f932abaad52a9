"""The advice on vmkernel statuses refers to what exists, and each release gets its own."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import TypeAdapter

from knowledge.diagnosis import FaultClass, Where
from knowledge.procedure_store.folders import BUILT_IN
from knowledge.vmkerr.advice import ADVISED, Advice, advice_for, all_advice, as_text
from knowledge.vmkerr.lookup import Answer, find
from knowledge.vmkerr.table import bundled
from knowledge.vmklog import decode_line

NAMES_ON_CALL = (
    "VMK_ATS_MISCOMPARE",
    "VMK_BUSY",
    "VMK_EXISTS",
    "VMK_FS_LOCKED",
    "VMK_FS_RETRY_OPERATION",
    "VMK_IO_ERROR",
    "VMK_MAX_RETRIES_EXCEEDED",
    "VMK_MEM_ADMIT_FAILED",
    "VMK_MIG_CONN_CLOSED",
    "VMK_MODULE_NOT_LOADED",
    "VMK_NOT_FOUND",
    "VMK_NOT_SUPPORTED",
    "VMK_NO_ACCESS",
    "VMK_NO_CONNECT",
    "VMK_NO_MEMORY",
    "VMK_NO_PERMISSION",
    "VMK_NO_SPACE",
    "VMK_PERM_DEV_LOSS",
    "VMK_READ_ONLY",
    "VMK_STALE_FILEHANDLE",
    "VMK_STORAGE_RETRY_OPERATION",
    "VMK_TIMEOUT",
    "VMK_UNRESOLVED_SYMBOL",
    "VMK_VMOTION_CONNECT_FAILED",
)


@pytest.fixture(params=all_advice(), ids=lambda advice: f"{advice.name}{advice.releases}")
def advice(request: pytest.FixtureRequest) -> Advice:
    """Each row of the table."""
    row: Advice = request.param
    return row


def test_advice_is_on_a_status_of_a_release_that_it_holds_for(advice: Advice) -> None:
    releases = [row.release for row in bundled().by_name.get(advice.name, [])]

    assert releases, "no table has this name"
    assert advice.holds_for(releases)


def test_advice_uses_the_words_of_the_two_lists(advice: Advice) -> None:
    assert advice.where in ("", *get_args(Where))
    assert advice.class_ in ("", *get_args(FaultClass))


@pytest.mark.parametrize("name", ["VMK_NOT_FOUND", "VMK_NOT_SUPPORTED", "VMK_IO_ERROR", "VMK_FAILURE"])
def test_advice_on_a_status_of_every_subsystem_does_not_say_where_the_trouble_is(name: str) -> None:
    found = advice_for(name)
    assert found is not None
    assert (found.where, found.class_) == ("", "")


def test_advice_is_one_sentence_with_up_to_five_steps_and_a_source(advice: Advice) -> None:
    assert advice.usually.endswith(".")
    assert ". " not in advice.usually.replace("... ", "")
    assert 1 <= len(advice.steps) <= 5
    assert all(step[0].isupper() and step.endswith((".", ")")) for step in advice.steps)
    assert advice.source


def test_procedures_of_the_advice_exist() -> None:
    linked = {slug for advice in all_advice() for slug in advice.procedures}

    assert {slug for slug in linked if not (BUILT_IN / f"{slug}.md").is_file()} == set()


def test_no_two_rows_hold_for_the_same_release() -> None:
    rows = all_advice()
    keys = [(row.name, row.releases) for row in rows]

    assert len(set(keys)) == len(keys)
    names = [row.name for row in rows]
    assert all(row.releases for row in rows if names.count(row.name) > 1)


@pytest.mark.parametrize("name", NAMES_ON_CALL)
def test_statuses_of_public_reports_have_advice(name: str) -> None:
    assert advice_for(name) is not None


def test_each_release_gets_its_own_advice() -> None:
    older = advice_for("VMK_RESERVATION_CONFLICT", ["esx-3.5"])
    newer = advice_for("VMK_RESERVATION_CONFLICT", ["esxi-6.0", "ddk-2024"])

    assert older
    assert newer
    assert (older.releases, newer.releases) == ("esx-3.5", "esxi-5.0+")
    assert advice_for("VMK_RESERVATION_CONFLICT") == newer
    assert advice_for("VMK_RESERVATION_CONFLICT", ["esx-3.5", "esxi-5.0"]) == newer


def test_imported_releases_get_the_advice_of_their_version() -> None:
    newer = advice_for("VMK_RESERVATION_CONFLICT", ["esxi-8.0u2"])

    assert newer
    assert newer.releases == "esxi-5.0+"
    assert advice_for("VMK_TIMEOUT_RETRY", ["esxi-8.0u2"]) is None


def test_status_without_advice_has_none() -> None:
    assert advice_for("VMK_OK") is None
    assert advice_for("VMK_NO_SUCH_STATUS") is None
    assert advice_for("VMK_NO") is None


@pytest.mark.parametrize(
    ("query", "name", "step"),
    [
        ("195887371", "VMK_VMOTION_CONNECT_FAILED", "vmkping"),
        ("195887167", "VMK_MIG_CONN_CLOSED", "vmkping"),
        ("195887137", "VMK_TIMEOUT", "vmkping"),
        ("0xbad0147", "VMK_STALE_FILEHANDLE", "esxcli storage nfs"),
    ],
)
def test_number_from_a_message_leads_to_its_first_steps(query: str, name: str, step: str) -> None:
    advised = {advice.name: advice for advice in find(query, "7.0").advice}

    assert step in " ".join(advised[name].steps)


def test_code_with_two_meanings_has_the_advice_of_both() -> None:
    answer = find("0xbad0022")

    assert [(advice.name, advice.releases) for _, advice in answer.with_advice() if advice] == [
        ("VMK_RESERVATION_CONFLICT", "esx-3.5"),
        ("VMK_READ_ONLY", ""),
    ]
    assert answer.procedures[0] == "scsi-reservation-conflict"


def test_advice_that_holds_for_two_numbers_is_shown_once() -> None:
    answer = find("VMK_TIMEOUT")

    assert len(answer.matches) == 2
    assert [advice.name for advice in answer.advice] == ["VMK_TIMEOUT"]
    assert [bool(advice) for _, advice in answer.with_advice()] == [True, False]


def test_long_answer_shows_the_advice_of_its_first_matches_only() -> None:
    answer = find("EIO")

    assert len(answer.advice) > ADVISED
    assert not any(advice for _, advice in answer.with_advice()[ADVISED:])
    assert [match for match, _ in answer.with_advice()] == list(answer.matches)


def test_answer_survives_its_way_through_json() -> None:
    adapter = TypeAdapter(Answer)
    answer = find("0xbad0022")

    sent = adapter.dump_python(answer, mode="json")

    assert [advice["class"] for advice in sent["advice"]] == ["reservation", "configuration"]
    assert adapter.validate_python(sent) == answer


def test_schema_lists_the_words_for_where_and_class() -> None:
    fields = TypeAdapter(Advice).json_schema()["properties"]

    assert fields["where"]["anyOf"][0]["enum"] == list(get_args(Where))
    assert fields["class"]["anyOf"][0]["enum"] == list(get_args(FaultClass))


def test_advice_as_text_numbers_its_steps() -> None:
    advice = Advice(
        name="VMK_X",
        releases="esx-3.5",
        where="LUN",
        class_="busy",
        usually="It waits.",
        steps=("Look.", "Wait."),
        procedures=("scsi-sense",),
        source="KB 1",
    )

    assert as_text(advice).splitlines() == [
        "VMK_X, esx-3.5 (LUN, busy): It waits.",
        "  1. Look.",
        "  2. Wait.",
        "  Procedures: scsi-sense",
        "  Source: KB 1",
    ]


@pytest.mark.parametrize("name", sorted({advice.name for advice in all_advice()}))
def test_esx_3_is_not_advised_to_use_commands_that_came_later(name: str) -> None:
    advice = advice_for(name, ["esx-3.5"])
    if advice is None:
        return
    assert advice.steps
    assert "esxcli" not in " ".join(advice.steps)
    both = advice_for(name, ["esx-3.5", "esxi-6.0"])
    assert both is None or both.steps == (advice_for(name, ["esxi-6.0"]) or both).steps


def test_line_of_esx_3_is_advised_with_its_own_commands() -> None:
    (finding,) = [each for each in decode_line("NFS: status 0xbad0021", release="esx-3.5") if each.meaning.next]

    assert finding.meaning.next == "Find the volume or device in the line: `vdf -h`."
