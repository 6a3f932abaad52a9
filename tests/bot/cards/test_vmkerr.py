"""The card of a status code shows every meaning, and warns when releases disagree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards.vmkerr import MEANING_DIFFERS, MEANINGS, NUMBER_DIFFERS, one_line, release_names, vmkerr_card
from service.api.client import VmkerrAdvice, VmkerrAnswer, VmkerrMatch
from tests.bot.examples import BOTH_READINGS, KNOWN, NEWER_CONFLICT, READ_ONLY, RESERVATION_CONFLICT, meaning
from tests.bot.slack_limits import assert_slack_takes, drawn

OLDER_STEPS = VmkerrAdvice(
    name="VMK_RESERVATION_CONFLICT",
    releases="esx-3.5",
    where="LUN",
    class_="reservation",
    usually="Too much work on one LUN.",
    steps=("Run `esxcfg-mpath -l` <now>.", "Wait."),
    procedures=("scsi-reservation-conflict",),
    source="VMware KB 1004771",
)


def test_card_shows_both_meanings_with_their_releases() -> None:
    card = vmkerr_card(BOTH_READINGS, KNOWN, asked_by="<@U1>")
    assert drawn(card).splitlines() == [
        "0xbad0022 = 195887138",
        MEANING_DIFFERS,
        "*SCSI reservation conflict*  —  ESX 3.5",
        "`VMK_RESERVATION_CONFLICT`  ·  errno `EAGAIN`",
        "*Read only*  —  ESXi 5.0 – 6.0, DDK 2024",
        "`VMK_READ_ONLY`  ·  errno `EROFS`",
        "`/vmkerr 0xbad0022` · requested by <@U1>",
    ]


def test_first_steps_follow_the_meaning_that_they_are_for() -> None:
    card = vmkerr_card(BOTH_READINGS._replace(advice=(OLDER_STEPS,)), KNOWN)
    assert drawn(card).splitlines()[2:] == [
        "*SCSI reservation conflict*  —  ESX 3.5",
        "`VMK_RESERVATION_CONFLICT`  ·  errno `EAGAIN`",
        "*Usually* (`esx-3.5`): Too much work on one LUN.",
        "1. Run `esxcfg-mpath -l` &lt;now&gt;.",
        "2. Wait.",
        "LUN, reservation · `/kb scsi-reservation-conflict` · source: VMware KB 1004771",
        "*Read only*  —  ESXi 5.0 – 6.0, DDK 2024",
        "`VMK_READ_ONLY`  ·  errno `EROFS`",
    ]


def test_first_steps_of_a_meaning_with_two_numbers_are_shown_for_each_release() -> None:
    newer = OLDER_STEPS._replace(releases="esxi-5.0+", usually="Another initiator.")
    found = VmkerrAnswer(
        query="conflict",
        kind="text",
        matches=(RESERVATION_CONFLICT, NEWER_CONFLICT),
        differs=True,
        advice=(OLDER_STEPS, newer),
    )
    lines = drawn(vmkerr_card(found, KNOWN)).splitlines()
    assert [line for line in lines if line.startswith("*Usually*")] == [
        "*Usually* (`esx-3.5`): Too much work on one LUN.",
        "*Usually* (`esxi-5.0+`): Another initiator.",
    ]


def test_notification_shows_both_meanings_in_one_line() -> None:
    assert one_line(BOTH_READINGS, KNOWN) == (
        "0xbad0022: SCSI reservation conflict (ESX 3.5) or Read only (ESXi 5.0 – 6.0, DDK 2024)"
    )


def test_releases_that_agree_cause_no_warning() -> None:
    card = vmkerr_card(VmkerrAnswer(query="0xbad0022", kind="code", matches=(READ_ONLY,), differs=False), KNOWN)
    assert "⚠️" not in drawn(card)


def test_meaning_with_two_numbers_is_shown_once() -> None:
    found = [RESERVATION_CONFLICT, NEWER_CONFLICT]
    card = vmkerr_card(VmkerrAnswer(query="reservation conflict", kind="text", matches=found, differs=True), KNOWN)
    assert drawn(card).splitlines() == [
        "reservation conflict: 1 meaning",
        NUMBER_DIFFERS,
        "*SCSI reservation conflict*  ·  `VMK_RESERVATION_CONFLICT`  ·  errno `EAGAIN`",
        "`0xbad0022` ESX 3.5  ·  `0xbad0023` ESXi 5.0 – 6.0, DDK 2024",
    ]


def test_long_list_shows_the_first_and_how_many_more_there_are() -> None:
    found = [meaning(0xBAD0001 + place, f"VMK_{place}", f"Meaning {place}", ["esx-3.5"]) for place in range(172)]
    card = vmkerr_card(VmkerrAnswer(query="EINVAL", kind="errno", matches=found, differs=False), KNOWN)
    assert drawn(card).splitlines()[0] == "EINVAL: 172 meanings"
    assert f"Meaning {MEANINGS - 1}*" in drawn(card)
    assert f"…and {172 - MEANINGS} more. To see fewer, add a word, or a release: `release=esx-3.5`, " in drawn(card)
    assert card.text.endswith("or 169 more")
    assert_slack_takes(card)


def test_list_that_fits_is_not_cut() -> None:
    found = [meaning(0xBAD0001 + place, f"VMK_{place}", f"Meaning {place}", ["esx-3.5"]) for place in range(MEANINGS)]
    assert "more" not in drawn(vmkerr_card(VmkerrAnswer(query="E", kind="errno", matches=found, differs=False), KNOWN))


def test_note_of_the_service_is_small_print() -> None:
    note = "No table of ESX 4.x is known."
    card = vmkerr_card(BOTH_READINGS._replace(note=note), KNOWN)
    assert card.blocks[-1]["type"] == "context"
    assert card.blocks[-1]["elements"][0]["text"] == note


@pytest.mark.parametrize(
    ("releases", "names"),
    [
        (["esx-3.5"], "ESX 3.5"),
        (["esxi-5.0", "esxi-5.1", "esxi-6.0"], "ESXi 5.0 – 6.0"),
        (["esxi-5.0", "esxi-6.0"], "ESXi 5.0, ESXi 6.0"),
        (["ddk-2024", "esxi-6.0", "esx-3.5"], "ESX 3.5, ESXi 6.0, DDK 2024"),
        (["esx-3.5", "esxi-5.0"], "ESX 3.5, ESXi 5.0"),
        (["esxi-7.0u3", "host42"], "ESXi 7.0u3, host42"),
        ([], ""),
    ],
)
def test_releases_are_written_as_people_write_them(releases: list[str], names: str) -> None:
    assert release_names(releases, KNOWN) == names


def test_release_that_was_imported_parts_a_range_and_is_offered() -> None:
    known = ("esxi-5.0", "esxi-5.5", "esxi-6.0", "esxi-8.0u2")
    assert release_names(["esxi-5.0", "esxi-6.0"], known) == "ESXi 5.0, ESXi 6.0"
    found = [meaning(0xBAD0001 + place, f"VMK_{place}", f"Meaning {place}", ["esxi-5.0"]) for place in range(50)]
    card = vmkerr_card(VmkerrAnswer(query="E", kind="errno", matches=found, differs=False), known)
    assert "`release=esxi-8.0u2`" in drawn(card)


ADVICE = st.builds(
    VmkerrAdvice,
    name=st.text(max_size=300),
    releases=st.text(max_size=20),
    where=st.just("LUN"),
    class_=st.just("busy"),
    usually=st.text(max_size=4_000),
    steps=st.lists(st.text("<>&`", max_size=2_000), max_size=10).map(tuple),
    procedures=st.lists(st.text(max_size=300), max_size=10).map(tuple),
    source=st.text(max_size=4_000),
)

MATCHES = st.builds(
    VmkerrMatch,
    code=st.text(max_size=20),
    hex=st.text(max_size=20),
    decimal=st.integers(0, 5),
    name=st.text(max_size=300),
    errno=st.text(max_size=20),
    description=st.one_of(st.text(), st.text("<>&*`", max_size=4_000)),
    releases=st.lists(st.text(max_size=200), max_size=50),
)


@given(
    st.builds(
        VmkerrAnswer,
        query=st.text(max_size=4_000),
        kind=st.just("text"),
        matches=st.lists(MATCHES, max_size=30),
        differs=st.booleans(),
        note=st.text(max_size=4_000),
    ),
    st.lists(ADVICE, max_size=5),
)
def test_slack_accepts_the_card_of_any_answer(found: VmkerrAnswer, advice: list[VmkerrAdvice]) -> None:
    matches = zip(found.matches, advice, strict=False)
    named = tuple(each._replace(name=match.name, releases="") for match, each in matches)
    assert_slack_takes(vmkerr_card(found._replace(advice=named), KNOWN, asked_by="<@U1>"))
