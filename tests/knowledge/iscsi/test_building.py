"""Names are built from parts, and what `validate` would refuse is refused with the same rule."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.iscsi import BuildRefused, build, validate


def test_domain_is_given_as_people_write_it() -> None:
    built = build("iqn", domain="ssp.example.com", date="1995-11", string="customers.4567.disks.107")
    assert built.normalized == "iqn.1995-11.com.example.ssp:customers.4567.disks.107"


def test_string_is_optional() -> None:
    assert build("iqn", domain="example.com", date="2001-04").normalized == "iqn.2001-04.com.example"


def test_built_name_is_normalized() -> None:
    built = build("iqn", domain="Example.COM.", date="2001-04", string="Größe")
    assert built.normalized == "iqn.2001-04.com.example:grösse"


@pytest.mark.parametrize("digits", ["02004567A425678D", "02:00:45:67:A4:25:67:8D", "0x02004567a425678d"])
def test_eui_accepts_digits_as_people_write_them(digits: str) -> None:
    assert build("eui", hex_digits=digits).normalized == "eui.02004567a425678d"


def test_naa_accepts_64_and_128_bits() -> None:
    assert build("naa", hex_digits="52004567BA64678D").normalized == "naa.52004567ba64678d"
    assert build("naa", hex_digits="6" + "0" * 31).normalized == "naa.6" + "0" * 31


@pytest.mark.parametrize(
    ("kind", "parts", "rule"),
    [
        ("iqn", {"domain": "example.com", "date": "2001-13"}, "iqn-month"),
        ("iqn", {"domain": "example.com", "date": "2001-4"}, "iqn-date"),
        ("iqn", {"domain": "example.com"}, "iqn-date"),
        ("iqn", {"date": "2001-04"}, "naming-authority"),
        ("iqn", {"domain": "exa..mple.com", "date": "2001-04"}, "naming-authority"),
        ("iqn", {"domain": "https://example.com", "date": "2001-04"}, "naming-authority"),
        ("iqn", {"domain": "exa_mple.com", "date": "2001-04"}, "prohibited-character"),
        ("iqn", {"domain": "example.com", "date": "2001-04", "string": "a b"}, "prohibited-character"),
        ("iqn", {"domain": "example.com", "date": "2001-04", "string": "../x"}, "path-traversal"),
        ("iqn", {"domain": "example.com", "date": "2001-04", "string": "a" * 300}, "length"),
        ("eui", {"hex_digits": "0200"}, "eui-length"),
        ("eui", {}, "eui-digits"),
        ("naa", {"hex_digits": "62004567BA64678D"}, "naa-type-length"),
        ("nqn", {}, "type"),
    ],
)
def test_parts_that_make_an_invalid_name_are_refused_with_the_rule(kind: str, parts: dict[str, str], rule: str) -> None:
    with pytest.raises(BuildRefused) as refused:
        build(
            kind,
            domain=parts.get("domain", ""),
            date=parts.get("date", ""),
            string=parts.get("string"),
            hex_digits=parts.get("hex_digits", ""),
        )
    assert rule in [problem.rule for problem in refused.value.problems]
    assert str(refused.value)


@given(
    domain=st.text(max_size=20) | st.just("example.com"),
    day=st.text(max_size=8) | st.dates(date(1990, 1, 1), date(2020, 1, 1)).map(lambda day: f"{day:%Y-%m}"),
    string=st.text(max_size=20),
)
def test_every_built_name_is_valid(domain: str, day: str, string: str) -> None:
    try:
        built = build("iqn", domain=domain, date=day, string=string)
    except BuildRefused:
        return
    assert built.normalized is not None
    assert validate(built.normalized).valid
