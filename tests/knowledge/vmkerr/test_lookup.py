"""How a query is understood, and what each release means by it."""

from __future__ import annotations

import pytest

from knowledge.vmkerr.lookup import NotFound, Unreadable, find, whole_table

SINCE_5 = ["esxi-5.0", "esxi-5.1", "esxi-6.0", "ddk-2024"]
EVERY = ["esx-3.5", *SINCE_5]


@pytest.mark.parametrize(
    "typed",
    [
        "0xbad0022", "bad0022", "0xBAD0022", "BAD0022", "0x0bad0022", "0x0xbad0022", "195887138", " 0xbad0022\n",
        "<0xbad0022>", "(0xbad0022)", "'0xbad0022',", "“0xbad0022”", "`0xbad0022`", "\xa00xbad0022\u200b",
        "SCSI reservation conflict (0xbad0022) @0x41801e280b11", "Status(bad0022)= Read only", "0×bad0022",
    ],
)  # fmt: skip
def test_a_code_is_read_however_a_log_or_a_person_writes_it(typed: str) -> None:
    answer = find(typed)
    assert answer.kind == "code"
    assert [(match.code, match.decimal, match.name, match.releases) for match in answer.matches] == [
        ("0xbad0022", 195887138, "VMK_RESERVATION_CONFLICT", ["esx-3.5"]),
        ("0xbad0022", 195887138, "VMK_READ_ONLY", SINCE_5),
    ]
    assert answer.differs


def test_exactly_209_of_the_242_codes_of_esx_3_5_mean_something_else_since_5_0() -> None:
    codes = [match.code for match in whole_table("esx-3.5").matches]
    differing = [code for code in codes if find(code).differs]
    assert (len(codes), len(differing)) == (242, 209)
    assert "0xbad0022" in differing
    assert find("0x0").differs is False


def test_rewording_and_typography_do_not_make_another_meaning() -> None:
    slip = find("0xbad00b5", "6.0")
    assert slip.matches[0].description == "VMM<->VMK shared area mismatch"
    assert slip.matches[0].releases == SINCE_5
    assert not find("VMK_SHAREDAREA_MISMATCH").note
    assert not find("VMK_ESHUTDOWN").note
    reworded = find("0xbad00b8")
    assert [match.releases for match in reworded.matches] == [EVERY]
    assert not reworded.differs
    assert reworded.note == "Worded in esx-3.5 as: Address is not aligned on page boundary."


def test_a_release_gets_its_own_wording() -> None:
    assert find("0xbad013a", "5.0").matches[0].description == "VR: Disk needs full sync"
    assert find("0xbad013a", "6.0").matches[0].description == "Replicated disk needs full synchronization"
    assert find("0xbad013a").matches[0].releases == SINCE_5


@pytest.mark.parametrize(
    "typed",
    [
        "VMK_RESERVATION_CONFLICT", "vmk_reservation_conflict", "reservation_conflict", "Reservation-Conflict",
        "VMK RESERVATION CONFLICT", "vmk-reservation-conflict", "SERVATION_CONF",
    ],
)  # fmt: skip
def test_a_name_or_an_unambiguous_part_of_it_is_found_in_any_case(typed: str) -> None:
    answer = find(typed)
    assert answer.kind == "name"
    assert [(match.code, match.releases) for match in answer.matches] == [
        ("0xbad0022", ["esx-3.5"]),
        ("0xbad0023", SINCE_5),
    ]
    assert answer.differs


def test_a_whole_name_wins_over_longer_names_that_contain_it() -> None:
    assert [match.name for match in find("VMK_NO_MEMORY").matches] == ["VMK_NO_MEMORY"]


def test_an_ambiguous_part_of_a_name_lists_every_name_that_has_it() -> None:
    answer = find("VMK_NO_FREE")
    assert answer.kind == "text"
    assert {"VMK_NO_FREE_HANDLES", "VMK_DEPRECATED_NO_FREE_PTR_BLOCKS"} <= {match.name for match in answer.matches}


def test_words_find_the_texts_that_contain_all_of_them_in_any_order() -> None:
    for typed in ("reservation conflict", "conflict reservation", "Reservation  CONFLICT", "reserv confl"):
        answer = find(typed)
        assert answer.kind == "text"
        assert [match.code for match in answer.matches] == ["0xbad0022", "0xbad0023"]


def test_words_rank_the_exact_text_first() -> None:
    matches = find("not found").matches
    assert matches[0].description == "Not found"
    assert len(matches) > 5


def test_words_find_cannot_where_a_release_has_the_short_form() -> None:
    for typed in ("can't send", "Can’t send", "cannot send"):
        assert find(typed).matches[0].name == "VMK_ESHUTDOWN"
        assert {release for match in find(typed).matches for release in match.releases} == set(EVERY)


def test_an_errno_lists_its_codes_and_the_one_that_carries_it() -> None:
    answer = find("eagain")
    assert answer.kind == "errno"
    assert {match.errno for match in answer.matches} == {"EAGAIN"}
    assert answer.matches[-1].code == "0x2bad000b"
    assert find("EWOULDBLOCK").matches == answer.matches


def test_a_code_with_a_minus_sign_is_the_code() -> None:
    assert find("-195887138").matches == find("195887138").matches


@pytest.mark.parametrize("typed", ["28", "-28"])
def test_a_small_number_is_read_as_an_errno_and_the_answer_notes_it(typed: str) -> None:
    answer = find(typed)
    assert answer.kind == "errno"
    assert {match.errno for match in answer.matches} == {"ENOSPC"}
    assert answer.note == "28 is read as Linux errno 28, ENOSPC (No space left on device)."


@pytest.mark.parametrize("typed", ["0x2bad0005", "2bad0005", "732758021"])
def test_a_generic_linux_error_is_read_as_its_errno(typed: str) -> None:
    answer = find(typed)
    (match,) = answer.matches
    assert (match.code, match.decimal, match.errno, match.releases) == ("0x2bad0005", 732758021, "EIO", EVERY)
    assert match.description.endswith("Linux errno 5 (EIO): Input/output error")
    assert not answer.differs


def test_a_generic_linux_error_without_an_errno_is_not_found() -> None:
    with pytest.raises(NotFound, match="Linux has no error with that number"):
        find("0x2bad0fff")


@pytest.mark.parametrize("typed", ["0", "0x0", "VMK_OK", "ok"])
def test_zero_is_success(typed: str) -> None:
    (match,) = find(typed).matches
    assert (match.code, match.decimal, match.description) == ("0x0", 0, "Success")


def test_a_code_known_only_from_the_ddk_has_a_note_about_it() -> None:
    answer = find("0xbad0155")
    assert answer.matches[0].releases == ["ddk-2024"]
    assert "driver development kit" in answer.note
    assert not find("0xbad0154").note


def test_the_end_marker_is_not_decoded() -> None:
    for typed in ("VMK_LAST_ERR", "last_err"):
        with pytest.raises(NotFound, match="end of VMware's list"):
            find(typed)
    with pytest.raises(NotFound, match="above 0xbad0164, the highest known code"):
        find("0xbad0165")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("VMK_RESERVATION_CONFLIT", "VMK_RESERVATION_CONFLICT"),
        ("reservaton conflict", "SCSI reservation conflict"),
        ("bad00222", "0xbad0022"),
        ("0xbad002", "0xbad0022"),
        ("1958871388", "195887138"),
        ("EAGIAN", "EAGAIN"),
    ],
)
def test_a_near_miss_is_not_found_and_the_intended_query_is_suggested(typed: str, expected: str) -> None:
    with pytest.raises(NotFound) as missing:
        find(typed)
    assert expected in missing.value.suggestions


@pytest.mark.parametrize("typed", ["bad", "0xbad", "0xbad0", "VMK", "asdfghjkl", "4095", "0xdeadbeef", "00bad"])
def test_a_readable_but_unknown_query_is_not_found(typed: str) -> None:
    with pytest.raises(NotFound):
        find(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "0xzz",
        "0x",
        "4" * 40,
        "0x" + "b" * 40,
        "😀",
        "x" * 201,
        "x" * 10_000,
        "a\x00b",
        "\x1b[31m",
        "<>",
        "—",
    ],
)
def test_an_unreadable_query_is_refused_with_examples_of_what_to_type(typed: str) -> None:
    with pytest.raises(Unreadable, match="Type a code") as refused:
        find(typed)
    assert "0xbad0022" in refused.value.suggestions
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 400


@pytest.mark.parametrize("text", ["H:0x5 D:0x0 P:0x0", "Valid sense data: 0x5 0x25 0x0", "vim.fault.FileLocked"])
def test_what_decode_explains_is_sent_there(text: str) -> None:
    with pytest.raises(NotFound, match="vmkops decode"):
        find(text)


def test_other_words_are_not_sent_to_decode() -> None:
    with pytest.raises(NotFound) as failure:
        find("no such words at all")
    assert "decode" not in str(failure.value)


@pytest.mark.parametrize("typed", ["0xbadffff", "195952639", "0xbad7fff"])
def test_code_outside_of_every_known_range_is_told_so_without_guesses(typed: str) -> None:
    with pytest.raises(NotFound, match=r"outside of every known range: .* 0xbad0001 to 0xbad0164") as missing:
        find(typed)
    assert missing.value.suggestions == ()


@pytest.mark.parametrize(
    ("typed", "near"), [("0xbad022", "0xbad0022"), ("0xbad00223", "0xbad0022"), ("195887039", "195887139")]
)
def test_codes_of_which_one_digit_differs_are_suggested_with_the_reason(typed: str, near: str) -> None:
    with pytest.raises(NotFound, match="One digit of it differs") as missing:
        find(typed)
    assert missing.value.suggestions
    assert near in missing.value.suggestions
    assert all(each.startswith(("0xbad", "195887")) for each in missing.value.suggestions)
