"""Codes among the words of a search lead to the lookup that explains them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knowledge.procedure_store.lookups import MAX_LOOKUPS, lookups


@pytest.mark.parametrize(
    ("words", "command", "query", "meaning"),
    [
        ("vmotion fails 195887371", "vmkerr", "195887371", "VMK_VMOTION_CONNECT_FAILED"),
        ("0xbad0014", "vmkerr", "0xbad0014", "Out of memory"),
        ("what is bad0022", "vmkerr", "bad0022", "SCSI reservation conflict (ESX 3.5), or Read only"),
        ("VMK_BUSY on power on", "vmkerr", "VMK_BUSY", "0xbad0004 Busy"),
        ("vmk_timeout", "vmkerr", "vmk_timeout", "0xbad0020 Timeout (esx-3.5), or 0xbad0021 Timeout (esxi-5.0"),
        ("H:0x5 D:0x0 P:0x0", "decode", "H:0x5 D:0x0 P:0x0", "ABORT"),
        ("0x5 0x25 0x0", "decode", "Valid sense data: 0x5 0x25 0x0", "Logical unit not supported"),
        ("nvme status 0x371", "decode", "nvme status 0x371", "0x371"),
        ("0x371 nvme", "decode", "nvme status 0x371", "0x371"),
    ],
)
def test_code_leads_to_the_lookup_that_explains_it(words: str, command: str, query: str, meaning: str) -> None:
    (lookup,) = lookups(words)
    assert (lookup.command, lookup.query) == (command, query)
    assert meaning in lookup.meaning


@pytest.mark.parametrize(
    "words",
    ["", "datastore full", "vm stuck at 95%", "migration failed 14%", "windows 2000 install time", "VMK_NO_SUCH"],
)
def test_words_without_a_code_lead_to_no_lookup(words: str) -> None:
    assert lookups(words) == ()


def test_a_code_that_is_typed_twice_has_one_lookup() -> None:
    assert len(lookups("0xbad0004 0xBAD0004")) == 1


def test_many_codes_have_a_few_lookups() -> None:
    assert len(lookups(" ".join(f"0xbad00{number:02x}" for number in range(1, 30)))) == MAX_LOOKUPS


@given(st.one_of(st.text(st.characters(codec="utf-8")), st.from_regex(r"VMK_\w*", fullmatch=True)))
@example("VMK_" * 100)
@example("vm\N{KELVIN SIGN}_busy")
@example("VMK__")
def test_any_words_are_accepted(words: str) -> None:
    assert all(lookup.query and lookup.meaning for lookup in lookups(words))
