"""An address is host[:port],name; the default port is 3260, and an IPv6 address is in brackets."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.iscsi import parse_address

NAME = "iqn.2001-04.com.example:disk1"


@pytest.mark.parametrize(
    ("address", "host", "port", "name"),
    [
        (f"192.0.2.10:3261,{NAME}", "192.0.2.10", 3261, NAME),
        (f"192.0.2.10,{NAME}", "192.0.2.10", 3260, NAME),
        (f"Storage.Example.COM,{NAME}", "storage.example.com", 3260, NAME),
        ("storage.example.com:860", "storage.example.com", 860, None),
        ("storage", "storage", 3260, None),
        (f"[2001:db8::10]:3261,{NAME}", "2001:db8::10", 3261, NAME),
        (f"[2001:0DB8:0::10],{NAME}", "2001:db8::10", 3260, NAME),
        ("[fe80::1%vmk1]", "fe80::1%vmk1", 3260, None),
        ("  192.0.2.10 , eui.02004567A425678D\n", "192.0.2.10", 3260, "eui.02004567a425678d"),
    ],
)
def test_address_is_parsed_to_host_port_and_name(address: str, host: str, port: int, name: str | None) -> None:
    read = parse_address(address)
    assert read.valid
    assert (read.host, read.port, read.name) == (host, port, name)


def test_assumed_port_is_distinguished_from_a_given_one() -> None:
    assert parse_address(f"192.0.2.10,{NAME}").port_assumed
    assert not parse_address(f"192.0.2.10:3260,{NAME}").port_assumed


def test_line_of_a_sendtargets_listing_is_read_with_its_portal_group() -> None:
    read = parse_address(f"192.0.2.10:3260,1 {NAME}")
    assert (read.valid, read.portal_group, read.name) == (True, 1, NAME)


def test_target_address_without_name_keeps_its_portal_group() -> None:
    read = parse_address("[2001:db8::10]:3260,65535")
    assert (read.valid, read.portal_group, read.name) == (True, 65535, None)


def test_bare_ipv6_is_accepted_with_a_warning_about_brackets() -> None:
    read = parse_address(f"2001:db8::10,{NAME}")
    assert (read.valid, read.host, read.host_kind) == (True, "2001:db8::10", "ipv6")
    assert [problem.rule for problem in read.problems] == ["address-brackets"]


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("", "address-host"),
        (f",{NAME}", "address-host"),
        (NAME, "address-host"),
        ("256.1.1.1", "address-host"),
        ("1.2.3", "address-host"),
        ("host_1", "address-host"),
        ("ho st", "address-host"),
        ("-host", "address-host"),
        ("http://host", "address-port"),
        ("[2001:db8::10", "address-host"),
        ("[host]:3260", "address-host"),
        ("[fe80::1%vmk 1;x]", "address-host"),
        ("2001:db8::10::1", "address-host"),
        ("host:", "address-port"),
        ("host:0", "address-port"),
        ("host:65536", "address-port"),
        ("host:+80", "address-port"),
        ("host:٣٢٦٠", "address-port"),
        ("[::1]3260", "address-port"),
        ("host,", "address-name"),
        ("host,65536", "address-portal-group"),
        ("host,disk1", "type"),
        ("host,iqn.2001-13.com.example", "iqn-month"),
        ("x" * 5000, "address-host"),
    ],
)
def test_broken_address_names_the_rule(address: str, rule: str) -> None:
    read = parse_address(address)
    assert not read.valid
    assert rule in [problem.rule for problem in read.problems]


@given(address=st.text(max_size=60) | st.from_regex(r"\[?[0-9a-f:.]{0,20}\]?(:[0-9]{0,6})?(,.{0,20})?", fullmatch=True))
def test_any_text_gets_a_verdict_and_a_valid_address_has_host_and_port(address: str) -> None:
    read = parse_address(address)
    if read.valid:
        assert read.host
        assert read.port is not None
        assert 1 <= read.port <= 65535


@given(host=st.ip_addresses(), port=st.integers(1, 65535) | st.none())
def test_every_ip_address_reads_back(host: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int | None) -> None:
    text = f"[{host}]" if host.version == 6 else str(host)
    read = parse_address(f"{text}{'' if port is None else f':{port}'},{NAME}")
    assert (read.valid, read.host, read.port) == (True, str(host), port or 3260)
