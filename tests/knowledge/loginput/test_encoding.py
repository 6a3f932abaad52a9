"""Logs in any encoding that programs write are decoded, with positions in characters."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.loginput.encoding import encoding_of
from knowledge.vmklog.line import text_of
from tests.knowledge.loginput.inputs import LINES, outcome, piped

WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]
MARKS = {
    "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE, "utf-32-be": codecs.BOM_UTF32_BE,
}  # fmt: skip


@pytest.mark.parametrize("marked", [True, False], ids=["with a mark", "without a mark"])
@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("block", [1, 3, 1 << 18])
def test_a_wide_encoding_gives_the_findings_of_the_text(name: str, marked: bool, block: int) -> None:
    windows = LINES.replace("\n", "\r\n")
    found = outcome(piped((MARKS[name] if marked else b"") + windows.encode(name), block))
    assert found.findings == outcome(LINES.encode()).findings
    assert found.looked.encoding == name.upper().replace("-LE", "LE").replace("-BE", "BE")
    assert found.looked.lines == 2


def test_a_utf_8_mark_is_no_part_of_the_first_line() -> None:
    (found,) = outcome(codecs.BOM_UTF8 + b"0xbad0006").findings
    assert (found.start, found.end) == (0, 9)


def test_latin_1_characters_are_read_as_such() -> None:
    found = outcome("Démarrage échoué: failed: 0xbad0006\n".encode("latin-1"))
    assert [(finding.start, finding.text) for finding in found.findings] == [(26, "0xbad0006")]
    assert found.looked.encoding == "Latin-1"
    assert text_of("Démarrage échoué".encode("latin-1")) == "Démarrage échoué"


@pytest.mark.parametrize(
    ("sample", "name"),
    [
        (b"", "UTF-8"), (b"plain", "UTF-8"), ("×“é−".encode(), "UTF-8"), (b"cut: " + "×".encode()[:1], "UTF-8"),
        (b"\x00" * 100 + b"a log after a power failure\n", "UTF-8"), (bytes(range(256)), "binary"),
    ],
)  # fmt: skip
def test_the_encoding_shows_in_the_first_bytes(sample: bytes, name: str) -> None:
    assert encoding_of(sample)[0] == name


@given(st.binary(max_size=64))
def test_no_bytes_fail_and_a_line_has_no_more_characters_than_bytes(line: bytes) -> None:
    assert len(text_of(line)) <= len(line)
    assert encoding_of(line)[0]


@given(st.text(max_size=64))
def test_utf_8_is_read_as_utf_8(text: str) -> None:
    encoded = text.encode("utf-8", "replace")
    assert text_of(encoded) == encoded.decode()
