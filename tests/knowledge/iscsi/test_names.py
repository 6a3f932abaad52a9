"""A name is checked against RFC 7143, 3980 and 3722, and every refusal names its rule."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.iscsi import Name, validate
from knowledge.iscsi.values import EuiParts, IqnParts, NaaParts

TODAY = date(2025, 6, 15)


def check(name: str) -> Name:
    return validate(name, today=TODAY)


def rules(name: str, severity: str = "error") -> list[str]:
    return [problem.rule for problem in check(name).problems if problem.severity == severity]


def iqn_parts(name: str) -> IqnParts:
    parts = check(name).parts
    assert isinstance(parts, IqnParts)
    return parts


def naa_parts(name: str) -> NaaParts:
    parts = check(name).parts
    assert isinstance(parts, NaaParts)
    return parts


@pytest.mark.parametrize(
    "name",
    [
        "iqn.2001-04.com.example:storage:diskarrays-sn-a8675309",
        "iqn.2001-04.com.example",
        "iqn.2001-04.com.example:storage.tape1.sys1.xyz",
        "iqn.2001-04.com.example:diskarrays-sn-a8675309",
        "iqn.1995-11.com.example.ssp:customers.4567.disks.107",
        "iqn.2000-02.edu.example.cs:users.oaks:proto.target4",
        "eui.02004567A425678D",
        "naa.52004567BA64678D",
        "naa.62004567BA64678D0123456789ABCDEF",
    ],
)
def test_examples_of_the_rfcs_and_of_the_document_are_valid(name: str) -> None:
    assert check(name).valid
    assert rules(name, "warning") == []


def test_parts_of_a_qualified_name_include_the_domain_as_people_write_it() -> None:
    parts = iqn_parts("iqn.1995-11.com.example.ssp:customers.4567.disks.107")
    assert (parts.date, parts.year, parts.month) == ("1995-11", 1995, 11)
    assert parts.naming_authority == "ssp.example.com"
    assert parts.string == "customers.4567.disks.107"


def test_only_the_first_colon_separates_the_string() -> None:
    assert iqn_parts("iqn.2001-04.com.example:a:b").string == "a:b"


def test_string_is_none_without_a_colon_and_empty_after_a_bare_one() -> None:
    assert iqn_parts("iqn.2001-04.com.example").string is None
    assert iqn_parts("iqn.2001-04.com.example:").string == ""
    assert rules("iqn.2001-04.com.example:", "warning") == ["iqn-string-empty"]


@pytest.mark.parametrize("month", ["00", "13", "19", "99"])
def test_month_that_does_not_exist_is_refused(month: str) -> None:
    assert rules(f"iqn.2001-{month}.com.example:x") == ["iqn-month"]


@pytest.mark.parametrize("month", range(1, 13))
def test_every_real_month_is_accepted(month: int) -> None:
    assert check(f"iqn.2001-{month:02d}.com.example:x").valid


@pytest.mark.parametrize(
    "name",
    ["iqn.2001-4.com.example", "iqn.01-04.com.example", "iqn.com.example", "iqn.2001-04", "iqn.", "iqn.2001.04.com.x"],
)
def test_date_of_another_format_is_refused(name: str) -> None:
    assert rules(name) == ["iqn-date"]


@pytest.mark.parametrize("day", ["1970-01", "2025-07", "2101-01"])
def test_date_without_domains_or_in_the_future_is_a_warning(day: str) -> None:
    assert check(f"iqn.{day}.com.example").valid
    assert rules(f"iqn.{day}.com.example", "warning") == ["iqn-year"]


def test_year_zero_is_refused() -> None:
    assert rules("iqn.0000-04.com.example") == ["iqn-year"]


@pytest.mark.parametrize(
    "authority",
    ["com..example", ".com.example", "com.example.", "com.-example", "com.example-", "", "168.192", f"com.{'a' * 64}"],
)
def test_naming_authority_that_is_not_a_domain_is_refused(authority: str) -> None:
    assert "naming-authority" in rules(f"iqn.2001-04.{authority}:x")


def test_label_of_63_bytes_is_the_longest() -> None:
    assert check(f"iqn.2001-04.com.{'a' * 63}:x").valid


def test_label_is_measured_in_its_dns_form() -> None:
    assert check(f"iqn.2001-04.de.{'ü' * 20}:x").valid
    assert rules(f"iqn.2001-04.de.{'üöä' * 25}:x") == ["naming-authority"]


@pytest.mark.parametrize("top", ["com", "edu", "gov", "org", "net", "mil", "uk", "de"])
def test_documented_top_level_domains_get_no_warning(top: str) -> None:
    assert rules(f"iqn.2001-04.{top}.example:x", "warning") == []


@pytest.mark.parametrize("top", ["info", "storage", "xn--p1ai"])
def test_undocumented_top_level_domain_is_a_named_warning_and_stays_valid(top: str) -> None:
    verdict = check(f"iqn.2001-04.{top}.example:x")
    assert verdict.valid
    assert [problem.rule for problem in verdict.problems] == ["documented-top-level-domain"]


@pytest.mark.parametrize("name", ["", "disk1", "iqn", "iqn:2001", "mpx.vmhba0:C0:T0:L0", "nqn.2014-08.org.nvmexpress"])
def test_other_prefix_is_refused(name: str) -> None:
    verdict = check(name)
    assert verdict.type is None
    assert rules(name) == ["type"]


@pytest.mark.parametrize("character", "_ /\\@!#\"'\t\n\0")
def test_forbidden_character_is_refused(character: str) -> None:
    verdict = check(f"iqn.2001-04.com.example:a{character}b")
    assert not verdict.valid
    assert verdict.normalized is None
    assert "prohibited-character" in [problem.rule for problem in verdict.problems]


def test_capital_letters_are_valid_and_normalized() -> None:
    verdict = check("IQN.2001-04.COM.Example:Disk1")
    assert verdict.valid
    assert verdict.normalized == "iqn.2001-04.com.example:disk1"
    assert [(problem.rule, problem.severity) for problem in verdict.problems] == [("not-normalized", "info")]


def test_223_bytes_are_valid_and_224_are_not() -> None:
    stem = "iqn.2001-04.com.example:"
    assert check(stem + "a" * (223 - len(stem))).valid
    assert rules(stem + "a" * (224 - len(stem))) == ["length"]


def test_length_counts_bytes_after_preparation() -> None:
    stem = "iqn.2001-04.com.example:"
    assert rules(stem + "é" * 100) == ["length"]
    assert check(stem + "a" * 199 + "\u00ad" * 50).valid
    assert rules(stem + "ﬃ" * 70) == ["length"]


@pytest.mark.parametrize("size", [5_000, 1_000_000])
def test_enormous_name_is_refused_by_length_alone(size: int) -> None:
    assert rules("iqn.2001-04.com.example:" + "x" * size) == ["length"]


@pytest.mark.parametrize(
    "name",
    [
        "iqn.2026-06.example.com:../../../../escape",
        "../../root-node",
        "/etc/passwd",
        "iqn.2001-04.com.example:..／..／x",
    ],
)
def test_path_traversal_is_reported_as_such(name: str) -> None:
    assert "path-traversal" in rules(name)


@pytest.mark.parametrize("digits", ["02004567A425678", "02004567A425678D0", "", "0" * 32])
def test_eui_needs_16_digits(digits: str) -> None:
    assert rules(f"eui.{digits}") == ["eui-length"]


def test_eui_allows_only_hexadecimal_digits() -> None:
    assert rules("eui.02004567A425678G") == ["eui-digits"]


def test_eui_shows_its_oui_and_the_address_it_is_derived_from() -> None:
    parts = check("eui.005056fffe0001a2").parts
    assert isinstance(parts, EuiParts)
    assert (parts.oui, parts.extension, parts.mac) == ("00-50-56", "fffe0001a2", "00-50-56-00-01-A2")


def test_eui_that_is_not_derived_from_an_address_shows_none() -> None:
    parts = check("eui.02004567A425678D").parts
    assert isinstance(parts, EuiParts)
    assert (parts.oui, parts.mac) == ("02-00-45", None)


@pytest.mark.parametrize(
    ("name", "naa", "oui", "vendor_specific", "extension"),
    [
        ("naa.52004567BA64678D", 5, "20-04-56", "7ba64678d", None),
        ("naa.62004567BA64678D0123456789ABCDEF", 6, "20-04-56", "7ba64678d", "0123456789abcdef"),
        ("naa.2abc00505612ffee", 2, "00-50-56", "abc12ffee", None),
        ("naa.3123456789abcdef", 3, None, "123456789abcdef", None),
        ("naa.c003ff9bfee40008", 12, "00-03-FF", "9bfee40008", None),
        ("naa.1000005056123456", 1, "00-50-56", "000123456", None),
    ],
)
def test_naa_shows_its_type_and_oui(
    name: str, naa: int, oui: str | None, vendor_specific: str, extension: str | None
) -> None:
    parts = naa_parts(name)
    assert check(name).valid
    assert (parts.naa, parts.oui, parts.vendor_specific) == (naa, oui, vendor_specific)
    assert parts.extension == extension


@pytest.mark.parametrize("name", ["naa.62004567BA64678D", f"naa.5{'0' * 31}", f"naa.3{'0' * 31}", f"naa.2{'0' * 31}"])
def test_naa_type_and_length_must_agree(name: str) -> None:
    assert rules(name) == ["naa-type-length"]


@pytest.mark.parametrize("first", "0789ab")
def test_reserved_naa_type_is_refused(first: str) -> None:
    assert rules(f"naa.{first}{'0' * 15}") == ["naa-type"]


@pytest.mark.parametrize("first", "14cdef")
def test_fibre_channel_naa_type_is_a_warning(first: str) -> None:
    assert rules(f"naa.{first}{'0' * 15}", "warning") == ["naa-type-unusual"]


@pytest.mark.parametrize(
    ("digits", "right"), [("5", 16), ("5" * 15, 16), ("5" * 17, 16), ("6" * 31, 32), ("6" * 33, 32)]
)
def test_naa_of_a_wrong_length_is_told_the_right_one_and_what_defines_it(digits: str, right: int) -> None:
    (problem,) = check(f"naa.{digits}").problems
    assert problem.rule == "naa-type-length"
    assert f"has {right} hexadecimal digits; this name has {len(digits)}." in problem.message
    assert "FC-FS" in problem.source
    assert "RFC 7143" not in problem.source


@pytest.mark.parametrize("digits", ["", "0" * 15, "9" * 33])
def test_naa_without_a_known_type_needs_16_or_32_digits(digits: str) -> None:
    assert rules(f"naa.{digits}") == ["naa-length"]


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("iqn.1998-01.com.vmware:localhost-7096afcb", "localhost"),
        ("iqn.1998-01.com.vmware:esx-01-0ba2d462", "esx-01"),
        ("iqn.1998-01.com.vmware:esx01.example.com:1460526497:65", "esx01.example.com"),
        ("iqn.1998-01.com.vmware.iscsi:name1", None),
        ("iqn.2001-04.com.example:localhost-7096afcb", None),
    ],
)
def test_name_that_esx_generated_shows_its_host(name: str, host: str | None) -> None:
    assert iqn_parts(name).vmware_host == host


@pytest.mark.parametrize(
    ("typed", "intended"),
    [
        ("iqn.2001-04.com.example:disk ", "iqn.2001-04.com.example:disk"),
        ("iqn.2001-04.com.example:my_disk", "iqn.2001-04.com.example:my-disk"),
        ("iqn.2001–04.com.example:disk", "iqn.2001-04.com.example:disk"),
        ("IQN.2001-04.com.example:Disk", "iqn.2001-04.com.example:disk"),
        ("“iqn.2001-04.com.example:disk”", "iqn.2001-04.com.example:disk"),
        ("InitiatorName=iqn.2001-04.com.example:disk\n", "iqn.2001-04.com.example:disk"),
        ("iqn.2015-1.org.workgroup:raid", "iqn.2015-01.org.workgroup:raid"),
        ("iqn.2001-04.example.com:disk", "iqn.2001-04.com.example:disk"),
        ("naa.52:00:45:67:BA:64:67:8D", "naa.52004567ba64678d"),
        ("eui.0x02004567A425678D", "eui.02004567a425678d"),
        ("iqn.2001-13.com.example:disk", None),
        ("iqn.2001-04.com.example:disk", None),
        ("disk", None),
    ],
)
def test_common_mistake_brings_the_intended_name(typed: str, intended: str | None) -> None:
    assert check(typed).suggestion == intended


@given(name=st.text(max_size=60) | st.from_regex(r"(iqn|eui|naa)\.[\w.:-]{0,40}", fullmatch=True))
def test_any_text_gets_a_verdict_and_every_error_has_a_rule_and_a_sentence(name: str) -> None:
    verdict = check(name)
    assert verdict.valid == all(problem.severity != "error" for problem in verdict.problems)
    assert all(problem.rule and problem.message.endswith(".") for problem in verdict.problems)
    if verdict.valid:
        assert verdict.normalized is not None
        assert len(verdict.normalized.encode()) <= 223
        assert check(verdict.normalized).valid
        assert check(verdict.normalized).parts == verdict.parts
    if verdict.suggestion is not None:
        assert check(verdict.suggestion).valid


LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


@given(
    day=st.dates(date(1985, 1, 1), date(2025, 6, 1)),
    labels=st.lists(LABEL, min_size=1, max_size=3),
    string=st.from_regex(r"[a-z0-9.:-]{1,40}", fullmatch=True),
)
def test_every_name_that_follows_the_grammar_is_valid_with_its_parts(day: date, labels: list[str], string: str) -> None:
    authority = ".".join(["com", *labels])
    parts = iqn_parts(f"iqn.{day:%Y-%m}.{authority}:{string}")
    assert check(f"iqn.{day:%Y-%m}.{authority}:{string}").valid
    assert (parts.date, parts.string) == (f"{day:%Y-%m}", string)
    assert parts.naming_authority == ".".join(reversed(["com", *labels]))
