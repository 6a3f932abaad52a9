"""Names with slashes, backslashes and percent signs are shown as people typed them."""

from __future__ import annotations

import pytest

from service.vsphere.names import escape, unescape, unescaped


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        ("web-01", "web-01"),
        ("web%2f01", "web/01"),
        ("a%5cb", "a\\b"),
        ("100%25", "100%"),
        ("%252f", "%2f"),
        ("na%C3%AFve", "na%C3%AFve"),
    ],
)
def test_name_of_vcenter_is_read(escaped: str, plain: str) -> None:
    assert unescape(escaped) == plain


@pytest.mark.parametrize("plain", ["web-01", "web/01", "a\\b", "100%", "%2f", "%/\\"])
def test_name_comes_back_as_it_was_written(plain: str) -> None:
    assert unescape(escape(plain)) == plain


def test_only_an_objects_own_name_is_escaped() -> None:
    assert unescaped("name", "a%2fb") == "a/b"
    assert unescaped("config.annotation", "a%2fb") == "a%2fb"
    assert unescaped("name", None) is None
