"""Properties of every row of every table, and of every possible query."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.vmkerr.listing import Listing, listing, read_listing
from knowledge.vmkerr.lookup import Answer, NotFound, Unreadable, find, whole_table
from knowledge.vmkerr.table import Row, bundled

ROWS = bundled().rows
NAMES = sorted({row.name for row in ROWS})


def _finds(typed: str, row: Row) -> bool:
    matches = find(typed, row.release).matches
    return any((match.decimal, match.name, match.errno) == row[1:4] for match in matches)


def test_the_tables_have_as_many_codes_as_their_sources() -> None:
    counts = {release: len(rows) for release, rows in bundled().by_release.items()}
    assert counts == {"esx-3.5": 242, "esxi-5.0": 326, "esxi-5.1": 329, "esxi-6.0": 342, "ddk-2024": 358}


@pytest.mark.parametrize("release", list(bundled().by_release))
def test_every_row_is_found_by_its_hex_its_decimal_and_its_name(release: str) -> None:
    for row in bundled().by_release[release]:
        for typed in (f"{row.code:#x}", str(row.code), row.name, row.name.removeprefix("VMK_").lower()):
            assert _finds(typed, row), (typed, row)


def test_since_5_0_codes_were_only_appended() -> None:
    for older, newer in (("esxi-5.0", "esxi-5.1"), ("esxi-5.1", "esxi-6.0"), ("esxi-6.0", "ddk-2024")):
        now = {(row.code, row.name) for row in bundled().by_release[newer]}
        assert {(row.code, row.name) for row in bundled().by_release[older]} <= now


@pytest.mark.parametrize("release", list(bundled().by_release))
def test_a_listing_reads_back_as_the_table_it_was_written_from(release: str) -> None:
    assert list(read_listing(listing(release), release).rows) == bundled().by_release[release]


@given(st.text() | st.text(alphabet="0xXbadBAD2 ()<>-_vmk9") | st.sampled_from(NAMES), st.none() | st.text(max_size=20))
def test_any_query_is_answered_or_fails_in_one_of_two_ways(typed: str, release: str | None) -> None:
    answer: Answer | NotFound | Unreadable
    try:
        answer = find(typed, release)
    except (NotFound, Unreadable) as failure:
        answer = failure
    if isinstance(answer, Answer):
        assert answer.query == typed
        assert answer.matches
        assert json.dumps(answer._asdict())
    else:
        assert answer.message
        assert json.dumps(answer.suggestions)


@given(st.integers(min_value=0, max_value=0xFFFFFFFF))
def test_hex_and_decimal_of_one_number_have_one_answer(number: int) -> None:
    if 0 < number <= 4095:  # a small decimal is an errno
        return
    answers = []
    for typed in (f"{number:#x}", str(number)):
        try:
            answers.append(find(typed).matches)
        except NotFound:
            answers.append(())
    assert answers[0] == answers[1]


@given(st.sampled_from(ROWS), st.sampled_from(ROWS))
def test_every_meaning_is_listed_once_with_all_its_releases(first: Row, second: Row) -> None:
    matches = [*find(f"{first.code:#x}").matches, *find(f"{second.code:#x}").matches]
    for match in matches:
        holds = [row.release for row in ROWS if (row.code, row.name, row.errno) == match[2:5]]
        assert match.releases == holds
    assert len({match[2:5] for match in matches}) == len(matches) or first.code == second.code


def test_whole_table_has_each_meaning_once() -> None:
    matches = whole_table().matches
    assert len({match[2:5] for match in matches}) == len(matches)
    assert [match.decimal for match in matches] == sorted(match.decimal for match in matches)


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_any_file_is_read_as_a_listing_or_refused(text: str) -> None:
    result: Listing | str
    try:
        result = read_listing(f"VMK_OK 0 0 OK Success\n{text}", "x")
    except Unreadable as refused:
        result = refused.message
    assert "line" in result if isinstance(result, str) else result.rows
