"""Logs exported as JSON lines are decoded by their messages."""

from __future__ import annotations

import json

import pytest

from tests.knowledge.loginput.inputs import LINES, outcome, piped

MESSAGES = LINES.splitlines()


@pytest.mark.parametrize(
    ("field", "wrap"),
    [
        ("MESSAGE", lambda text: {"__CURSOR": "s=1", "PRIORITY": "6", "MESSAGE": text}),
        ("message", lambda text: {"@timestamp": "2024", "host": {"name": "esx"}, "message": text}),
        ("msg", lambda text: {"level": "info", "msg": text}),
        ("log", lambda text: {"log": text + "\n", "stream": "stdout"}),
        ("line", lambda text: {"labels": {"host": "esx"}, "line": text, "timestamp": "2024"}),
        ("event.original", lambda text: {"event": {"original": text}}),
        ("_source.message", lambda text: {"_index": "logs", "_source": {"message": text}}),
        ("result._raw", lambda text: {"preview": False, "result": {"_raw": text}}),
    ],
)
@pytest.mark.parametrize("block", [9, 1 << 18])
def test_positions_are_those_in_the_message(field: str, wrap: object, block: int) -> None:
    assert callable(wrap)
    export = "\n".join(json.dumps(wrap(text)) for text in MESSAGES)
    found = outcome(piped(export.encode(), block))
    assert found.findings == outcome(LINES.encode()).findings
    assert any(field in name for name in found.looked.formats)
    assert found.looked.lines == 2


def test_a_message_that_journald_exports_as_bytes_is_read() -> None:
    entry = json.dumps({"MESSAGE": list(b"\xfffailed: 0xbad0006")}).encode()
    assert [finding.start for finding in outcome(entry).findings] == [9]


def test_characters_that_json_escapes_do_not_hide_a_status() -> None:
    entry = b'{"message": "2024-01-01T00:00:00Z cpu1:2)NFS: 1: failed due to \\u0022Not found\\u0022"}'
    assert [finding.text for finding in outcome(entry).findings] == ["Not found"]


def test_findings_at_the_end_of_an_inner_line_stay() -> None:
    entry = json.dumps({"message": "open failed: Not found\nnext: 0xbad0006"}).encode()
    assert [(finding.start, finding.text) for finding in outcome(entry).findings] == [
        (13, "Not found"),
        (29, "0xbad0006"),
    ]


def test_lines_that_are_no_json_are_read_as_they_are() -> None:
    first = json.dumps({"message": "boring"}).encode()
    found = outcome(first + b'\nfailed: 0xbad0006\n{"message": 5}\n{"a": "0xbad0006"}\n{broken 0xbad0006')
    assert [finding.line for finding in found.findings] == [2, 4, 5]


@pytest.mark.parametrize("text", [b"{", b"{}\n0xbad0006", b"{0xbad0006", b"  \n\n", b"[" * 100_000, b'{"a":' * 100_000])
def test_what_only_looks_like_json_is_a_log(text: bytes) -> None:
    assert len(outcome(text).findings) == text.count(b"0xbad0006")
