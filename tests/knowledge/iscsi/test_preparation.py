"""RFC 3722 preparation gives the same result as GNU Libidn, which has the same profile, for every character."""

from __future__ import annotations

import stringprep
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.iscsi.preparation import prepare
from knowledge.iscsi.values import any_error
from tests.peers.fetch import require

Oracle = Callable[[list[str]], list[str] | None]

# A newline ends an argument line of the oracle; lone surrogates have no UTF-8; the oracle's command does not
# look for characters that Unicode 3.2 lacks.
COMPARABLE = st.characters(blacklist_categories=["Cs"], blacklist_characters="\n\0").filter(
    lambda character: not stringprep.in_table_a1(character)
)


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    """Return a function that prepares many names at once, or returns None when one of them is refused."""
    command = str(require("idn"))

    def prepare_all(names: list[str]) -> list[str] | None:
        done = subprocess.run(
            [command, "--quiet", "--stringprep", "--profile=iSCSI", "--", *names],
            capture_output=True,
            env={"LC_ALL": "C.UTF-8", "CHARSET": "UTF-8"},
            check=False,
        )
        return done.stdout.decode().split("\n")[:-1] if done.returncode == 0 else None

    return prepare_all


@settings(max_examples=300)
@given(name=st.text(COMPARABLE, min_size=1, max_size=12))
def test_preparation_agrees_with_libidn_on_any_text(oracle: Oracle, name: str) -> None:
    ours = prepare(name)
    theirs = oracle([name])
    assert (None if any_error(ours.problems) else [ours.text]) == theirs


@settings(max_examples=200)
@given(string=st.text(st.sampled_from("aZ09-.:_ /ßÄﬃ①ⅣＡ。\u00ad\u200bא1ب"), min_size=1, max_size=12))
def test_preparation_agrees_with_libidn_on_likely_names(oracle: Oracle, string: str) -> None:
    name = f"iqn.2001-04.com.example:{string}"
    ours = prepare(name)
    assert (None if any_error(ours.problems) else [ours.text]) == oracle([name])


def test_every_permitted_character_maps_as_in_libidn(oracle: Oracle) -> None:
    characters = [chr(point) for point in range(1, 0x10000) if not 0xD800 <= point < 0xE000]
    kept = [character for character in characters if not any_error(prepare(character).problems)]
    assert len(kept) > 40_000
    for start in range(0, len(kept), 5000):
        batch = kept[start : start + 5000]
        assert oracle(batch) == [prepare(character).text for character in batch]


@pytest.mark.parametrize("character", "ABCXYZ")
def test_capital_letters_are_folded(character: str) -> None:
    assert prepare(character).text == character.lower()


@pytest.mark.parametrize(
    ("given_text", "prepared"),
    [
        ("Straße", "strasse"),
        ("ﬃ", "ffi"),
        ("Ⅳ", "iv"),
        ("Ａ１", "a1"),
        ("a\u00adb\u200bc\ufeff", "abc"),
        ("e\u0301", "é"),
    ],
)
def test_compatible_spellings_become_one(given_text: str, prepared: str) -> None:
    assert prepare(given_text).text == prepared
    assert prepare(given_text).problems == ()


def test_only_lowercase_letters_digits_dash_dot_and_colon_of_ascii_remain() -> None:
    allowed = {chr(point) for point in range(128) if not prepare(chr(point)).problems}
    assert {character for character in allowed if not character.isupper()} == set(
        "abcdefghijklmnopqrstuvwxyz0123456789-.:"
    )


@pytest.mark.parametrize("slash", ["/", "／", "\\", "＼"])
def test_no_spelling_of_a_slash_is_allowed(slash: str) -> None:
    assert [problem.rule for problem in prepare(slash).problems] == ["prohibited-character"]


def test_ideographic_full_stop_is_refused_though_it_looks_like_a_dot() -> None:
    assert [problem.rule for problem in prepare("a\u3002b").problems] == ["prohibited-character"]


def test_characters_newer_than_unicode_3_2_are_refused() -> None:
    assert [problem.rule for problem in prepare("😀").problems] == ["unassigned-character"]


def test_lone_surrogate_is_refused_without_a_crash() -> None:
    assert "prohibited-character" in [problem.rule for problem in prepare("\udc80").problems]


@given(name=st.text(max_size=40))
def test_preparing_twice_changes_nothing_more(name: str) -> None:
    once = prepare(name)
    if not any_error(once.problems):
        assert prepare(once.text).text == once.text
