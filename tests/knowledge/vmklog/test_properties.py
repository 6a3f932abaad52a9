"""What holds for every status of every table, in every form in which a line has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.vmkerr.table import Row, bundled
from knowledge.vmklog import Finding, decode_line

PREFIXES = {
    "esx-3.5": "vmkernel: 11:13:30:24.439 cpu0:1036)",
    "esxi-5.0": "2012-10-25T16:00:08.637Z cpu12:3560)",
    "esxi-6.0": "2016-05-07T16:29:50.697Z cpu2:33313)",
    "ddk-2024": "2024-05-07T16:29:50.697Z In(182) vmkernel: cpu2:2097713)",
}
WITH_CODE = (
    "FSS: 1: failed: {text} ({code:#x})",
    "FSS: 1: Open failed with {text} ({code}).",
    'FSS: 1: Lookup of "a b" failed "{text}" ({code:#x})',
    "FSS: 1: rc = {code:#x} ({text})",
    "FSS: 1: Status({code:x})= {text}",
    "FSS: 1: error: {text} {code:#x}",
)
ALONE = (
    "FSS: 1: Could not open volume: {text}",
    "FSS: 1: Could not open volume: {text}.",
    "FSS: 1: Failed to get object 1 2 3 :{text}",
    "FSS: 1: Failed to update path. Status={text}",
    "FSS: 1: I/O could not be issued due to {text}",
    "FSS: 1: Open failed with {text}",
)
SENDERS_WORDS = (
    "{text} {code:#x}",
    "a {text} {code:#x} here",
    "lookup of {lower} {code:#x}",
    "{upper} error {code:#x}",
)

ROWS = [row for row in bundled().rows if row.code and row.description and row.name != "VMK_GENERIC_LINUX_ERROR"]
rows = st.sampled_from(ROWS)


def status(line: str, release: str | None = None) -> Finding:
    (found,) = [each for each in decode_line(line, release) if each.kind == "vmkernel"]
    return found


@pytest.mark.parametrize("release", PREFIXES)
@pytest.mark.parametrize("form", WITH_CODE)
def test_a_text_and_its_code_are_found_in_every_form_in_a_line_of_their_release(release: str, form: str) -> None:
    for row in bundled().by_release[release]:
        if not row.code or row.code >= 0x2BAD0000:
            continue
        found = status(PREFIXES[release] + form.format(text=row.description, code=row.code))
        assert row.name in [match.name for match in found.meaning.matches], row


@pytest.mark.parametrize("release", PREFIXES)
@pytest.mark.parametrize("form", ALONE)
def test_a_text_alone_is_found_in_every_form_in_a_line_of_its_release(release: str, form: str) -> None:
    for row in bundled().by_release[release]:
        if not row.code or row.description in ("Success", "OK"):
            continue
        found = status(PREFIXES[release] + form.format(text=row.description))
        assert row.name in [match.name for match in found.meaning.matches], row


def table_of(release: str, code: int) -> list[Row]:
    return [row for row in bundled().by_release[release] if row.code == code]


@given(rows, rows, st.sampled_from([*WITH_CODE, *SENDERS_WORDS]), st.sampled_from(list(bundled().by_release)))
def test_a_certain_finding_never_contradicts_the_table_of_the_given_release(
    text: Row, code: Row, form: str, release: str
) -> None:
    words = text.description
    line = form.format(text=words, lower=words.lower(), upper=words.upper(), code=code.code)
    for found in decode_line(line, release):
        own = table_of(release, code.code)
        if found.kind == "vmkernel" and found.text.removeprefix("0x") in (f"{code.code:x}", str(code.code)) and own:
            names = {match.name for match in found.meaning.matches}
            assert own[0].name in names
            assert found.meaning.certainty == "open" or names == {own[0].name}


@given(rows, st.sampled_from(list(PREFIXES)))
def test_a_code_without_a_text_has_the_meaning_of_the_release_that_wrote_the_line(row: Row, release: str) -> None:
    own = table_of(release, row.code)
    if own and row.code < 0x2BAD0000:
        found = status(f"{PREFIXES[release]}FSS: 1: rc {row.code:#x}")
        assert own[0].name in [match.name for match in found.meaning.matches]
        assert found.meaning.certainty == "open" or len(found.meaning.matches) == 1
