"""Which table is used for a release as people write it, and what the answer says when there is none."""

from __future__ import annotations

import pytest

from knowledge.releases import built_in_releases, choose
from knowledge.vmkerr.listing import listing
from knowledge.vmkerr.lookup import NotFound, Unreadable, find, whole_table


def test_the_five_releases_state_what_they_are_how_certain_they_are_and_their_source() -> None:
    releases = built_in_releases()
    assert [release.id for release in releases] == ["esx-3.5", "esxi-5.0", "esxi-5.1", "esxi-6.0", "ddk-2024"]
    assert all(release.what and release.certainty and release.source for release in releases)


@pytest.mark.parametrize(
    ("typed", "release"),
    [
        ("3.5", "esx-3.5"), ("esx3.5", "esx-3.5"), ("ESX 3.5 U4", "esx-3.5"), ("esx-3.5", "esx-3.5"), ("3", "esx-3.5"),
        ("5.0", "esxi-5.0"), ("VMware ESXi 5.1", "esxi-5.1"), ("5.1.0", "esxi-5.1"), ("ESXi6.0u3", "esxi-6.0"),
        ("ddk", "ddk-2024"), ("DDK-2024", "ddk-2024"),
    ],
)  # fmt: skip
def test_a_release_with_a_table_is_found_by_any_spelling(typed: str, release: str) -> None:
    assert choose(typed, built_in_releases()) == (release, "")


@pytest.mark.parametrize(
    ("typed", "release", "note"),
    [
        ("5.5", "esxi-6.0", "may not have the newest"),
        ("ESXi 6.7", "esxi-6.0", "may have more codes"),
        ("6.5u2", "esxi-6.0", "may have more codes"),
        ("7.0", "ddk-2024", "unconfirmed"),
        ("vSphere 7.0 Update 3c", "ddk-2024", "unconfirmed"),
        ("8", "ddk-2024", "unconfirmed"),
    ],
)
def test_a_release_without_a_table_is_answered_by_the_append_only_rule_with_a_note(
    typed: str, release: str, note: str
) -> None:
    answer = find("0xbad0022", typed)
    assert choose(typed, built_in_releases()).release == release
    assert [match.name for match in answer.matches] == ["VMK_READ_ONLY"]
    assert note in answer.note


@pytest.mark.parametrize("typed", ["4.0", "4.1", "esx-4.x", "ESXi 4", "4.1u3"])
def test_esx_4_is_a_third_numbering_of_which_nothing_is_claimed(typed: str) -> None:
    answer = find("0xbad0022", typed)
    assert "third numbering of codes, and no table of it is known" in answer.note
    assert "vmkops vmkerr import" in answer.note
    assert {match.name for match in answer.matches} == {"VMK_RESERVATION_CONFLICT", "VMK_READ_ONLY"}
    for look_up in (whole_table, listing):
        with pytest.raises(NotFound, match="no table of it is known"):
            look_up(typed)


def test_a_release_narrows_to_its_own_reading() -> None:
    answer = find("0xbad0022", "esx-3.5")
    assert [match.name for match in answer.matches] == ["VMK_RESERVATION_CONFLICT"]
    assert not answer.differs
    assert [match.code for match in find("reservation conflict", "6.0").matches] == ["0xbad0023"]
    assert all("esx-3.5" in match.releases for match in find("EINVAL", "3.5").matches)


def test_a_code_that_a_release_does_not_have_is_not_found_with_its_meaning_in_other_releases() -> None:
    with pytest.raises(NotFound, match=r"not in the table of esx-3\.5\. In other releases it means: .*esxi-5\.0"):
        find("0xbad00f5", "3.5")
    with pytest.raises(NotFound, match=r"not in the table of esxi-6\.0.*6\.7 may have more codes"):
        find("0xbad0155", "6.7")


@pytest.mark.parametrize("typed", ["99", "nonsense", "../../etc", "ESX", "6.0; drop", "1" * 5000, "٣.٥", "\x00"])
def test_an_unknown_release_is_refused_with_the_list(typed: str) -> None:
    with pytest.raises(Unreadable, match=r"Type one of: esx-3\.5, esxi-5\.0") as refused:
        find("0xbad0022", typed)
    assert refused.value.suggestions == tuple(release.id for release in built_in_releases())
