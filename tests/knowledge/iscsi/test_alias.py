"""An alias has 0 to 255 characters, and anything that may be truncated, garbled or refused at login is reported."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.iscsi import check_alias


@pytest.mark.parametrize("alias", ["", "Mail store, rack 4", "x" * 255, "größe"])
def test_alias_of_0_to_255_characters_is_valid(alias: str) -> None:
    assert check_alias(alias).valid
    assert check_alias(alias).problems == ()


@pytest.mark.parametrize(
    ("alias", "rule"),
    [("x" * 256, "alias-length"), ("a\0b", "alias-null"), ("\udc80", "alias-utf-8")],
)
def test_alias_that_cannot_be_sent_is_refused(alias: str, rule: str) -> None:
    checked = check_alias(alias)
    assert not checked.valid
    assert [problem.rule for problem in checked.problems] == [rule]


@pytest.mark.parametrize(("alias", "rule"), [("é" * 200, "alias-bytes"), ("two\nlines", "alias-control-character")])
def test_alias_that_may_be_truncated_or_garbled_gets_a_warning(alias: str, rule: str) -> None:
    checked = check_alias(alias)
    assert checked.valid
    assert [problem.rule for problem in checked.problems] == [rule]


@given(alias=st.text(max_size=400))
def test_alias_is_valid_exactly_up_to_255_characters_without_nul(alias: str) -> None:
    assert check_alias(alias).valid == (len(alias) <= 255 and "\0" not in alias)
