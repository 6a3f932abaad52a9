"""A decoded log on a terminal: no log can write its own escape sequences."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.vmklog import decode_line
from knowledge.vmklog.finding import Finding, Meaning
from knowledge.vmklog.stream import Decoded
from vmkops.commands._log_text import LogText

OURS = re.compile(r"\x1b\[(?:0|1|2|32|1;3[136])m")
HOSTILE = st.text(alphabet=st.sampled_from("\x00\x07\x08\x1b\x9b\x7f\r\u202e\u2066[]0;m1J<>\"' a"), max_size=30)
AROUND = st.sampled_from(
    [
        "{} 0xbad0006 {}",
        "0xbad0006 datastores: \"{}\" vol '{}'",
        "esx.problem.storage.apd.start {} [{}]",
        "iqn.2001-04.com.a:{}{}",
    ]
)


@given(AROUND, HOSTILE, HOSTILE, st.booleans())
@settings(max_examples=200, deadline=None)
def test_only_our_own_escape_sequences_are_written(around: str, first: str, second: str, colour: bool) -> None:
    line = around.format(first, second)
    written = LogText(colour=colour).line(Decoded(line, decode_line(line)))
    left = OURS.sub("", written) if colour else written
    assert not [character for character in left if ord(character) < 32 and character not in "\t\n"]
    assert not set(left) & {"\x7f", "\x9b", "\u202e", "\u2066"}
    assert left.count("\n") == written.count("\n") == len(written.splitlines())


def test_colour_changes_nothing_but_the_colour() -> None:
    for line in (
        "x naa.600140500000000000000000000000cc [esx.problem.storage.apd.start] 0xbad0006",
        "a" * 9000 + " 0xbad0006",
    ):
        decoded = Decoded(line, decode_line(line))
        assert OURS.sub("", LogText(colour=True).line(decoded)) == LogText(colour=False).line(decoded)


def test_each_meaning_is_shown_once_with_all_of_its_pages_even_when_another_has_one_of_them() -> None:
    text = LogText(colour=False)

    def pages(meaning: Meaning) -> list[str]:
        written = text.line(Decoded("x", [Finding(1, 0, 1, "x", meaning)]))
        return re.findall(r"(?:next|page): .*", written)

    aborted = Meaning(kind="vmkernel", summary="IO was aborted", procedures=("lost-access", "vmotion-failed"))
    failed = Meaning(kind="phrase", summary="vMotion failed", next="Check.", procedures=("vmotion-failed",))
    slow = [
        Meaning(kind="phrase", summary=f"latency is {number} ms", next="Check.", procedures=("slow",))
        for number in (9, 17)
    ]
    assert pages(aborted) == ["page: vmkops kb show lost-access", "page: vmkops kb show vmotion-failed"]
    assert pages(failed) == ["next: Check.", "page: vmkops kb show vmotion-failed"]
    assert pages(aborted) == []
    assert pages(failed) == ["next: as at line 1"]
    assert [pages(meaning) for meaning in slow] == [
        ["next: Check.", "page: vmkops kb show slow"],
        ["next: as at line 1"],
    ]
