"""No form of a restricted address is taken for a public one."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from knowledge.restricted_networks import Address, embedded_addresses, restricted_networks, restriction

IPV4 = [row for row in restricted_networks() if isinstance(row.network, IPv4Network)]
EVERY = 0xFFFFFFFF
COUNT = st.integers(min_value=0, max_value=EVERY)


def inside(first: int, size: int) -> st.SearchStrategy[int]:
    return st.integers(min_value=first, max_value=first + size - 1)


restricted_ipv4 = st.sampled_from(IPV4).flatmap(
    lambda row: inside(int(row.network.network_address), row.network.num_addresses).map(IPv4Address)
)
public_ipv4 = COUNT.map(IPv4Address).filter(lambda each: not any(each in row.network for row in IPV4))
public_ipv6 = inside(int(IPv6Address("2400::")), 1 << 121).map(IPv6Address)
"""2400::/7 holds the space of APNIC, ARIN and others, without any special network."""


def isatap(prefix: str, flags: int) -> int:
    return int(IPv6Address(prefix)) | flags << 56 | 0x5EFE << 32


def nat64(prefix: str, length: int, inner: int) -> int:
    """An address as RFC 6052, section 2.2 draws it: bits 64 to 71 stay zero."""
    after = 128 - length - 32
    if length == 96:
        return int(IPv6Address(prefix)) | inner
    spread = inner << after
    high, low = spread >> 64 << 64, spread & ((1 << 64) - 1)
    return int(IPv6Address(prefix)) | high | low >> 8


FORMS = {
    "mapped": lambda inner: int(IPv6Address("::ffff:0:0")) | inner,
    "compatible": lambda inner: inner,
    "translated": lambda inner: int(IPv6Address("::ffff:0:0:0")) | inner,
    "NAT64": lambda inner: int(IPv6Address("64:ff9b::")) | inner,
    "local NAT64, /48": lambda inner: nat64("64:ff9b:1::", 48, inner),
    "local NAT64, /56": lambda inner: nat64("64:ff9b:1:ab00::", 56, inner),
    "local NAT64, /64": lambda inner: nat64("64:ff9b:1:abcd::", 64, inner),
    "local NAT64, /96": lambda inner: nat64("64:ff9b:1:fffe::", 96, inner),
    "6to4": lambda inner: 0x2002 << 112 | inner << 80 | 1,
    "Teredo client": lambda inner: int(IPv6Address("2001:0:5db8:d822::")) | inner ^ EVERY,
    "Teredo server": lambda inner: 0x20010000 << 96 | inner << 64 | 0x5DB8D822 ^ EVERY,
    "ISATAP": lambda inner: isatap("2400:cb00::", 0) | inner,
    "ISATAP, unique": lambda inner: isatap("2400:cb00::", 2) | inner,
    "ISATAP, group": lambda inner: isatap("2400:cb00::", 3) | inner,
}


@pytest.mark.parametrize("form", FORMS)
@given(inner=restricted_ipv4)
def test_each_form_of_a_restricted_ipv4_address_is_as_restricted(form: str, inner: IPv4Address) -> None:
    own, outer = restriction(inner), restriction(IPv6Address(FORMS[form](int(inner))))

    assert own
    assert outer
    # Where a prefix of the local NAT64 ends is not known, so an address that begins with 0 is not recognized in it.
    assert outer.always >= (own.always and not (int(inner) >> 24 == 0 and "local" in form))


@pytest.mark.parametrize("form", FORMS)
@given(inner=COUNT.filter(lambda each: each >> 24))
def test_the_ipv4_address_in_each_form_is_found(form: str, inner: int) -> None:
    assume(inner > 1)
    assert IPv4Address(inner) in embedded_addresses(IPv6Address(FORMS[form](inner)))


@given(address=public_ipv4)
def test_other_ipv4_address_is_public(address: IPv4Address) -> None:
    assert restriction(address) is None


@pytest.mark.parametrize("form", ["mapped", "NAT64", "6to4", "ISATAP"])
@given(inner=public_ipv4)
def test_form_of_a_public_ipv4_address_is_public(form: str, inner: IPv4Address) -> None:
    assert restriction(IPv6Address(FORMS[form](int(inner)))) is None


@given(address=public_ipv6)
def test_ordinary_ipv6_address_is_public(address: IPv6Address) -> None:
    assume(not embedded_addresses(address))
    assert restriction(address) is None


@given(bits=st.integers(min_value=0, max_value=(1 << 128) - 1))
def test_what_is_outside_of_global_unicast_is_restricted(bits: int) -> None:
    address = IPv6Address(bits)
    assume(bits >> 125 != 1 and not embedded_addresses(address))
    assert restriction(address)


@given(bits=st.integers(min_value=0, max_value=(1 << 128) - 1) | COUNT)
def test_what_python_calls_private_is_never_public(bits: int) -> None:
    addresses: list[Address] = [IPv6Address(bits)] + ([IPv4Address(bits)] if bits <= EVERY else [])
    for address in addresses:
        if not address.is_global and not embedded_addresses(address):
            assert restriction(address), address


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("100.100.100.200", "metadata"),
        ("168.63.129.16", "Azure"),
        ("192.0.0.192", "metadata"),
        ("169.254.169.254", "link-local"),
        ("fd00:ec2::254", "AWS"),
        ("fd00:ec2::23", "AWS"),
        ("fd20:ce::254", "metadata"),
        ("fd00:c1::a9fe:a9fe", "metadata"),
        ("fd00:42::42", "metadata"),
        ("fe80::a9fe:a9fe%eth0", "link-local"),
        ("255.255.255.255", "broadcast"),
    ],
)
def test_service_address_of_a_cloud_cannot_be_allowed(address: str, what: str) -> None:
    found = restriction(ip_address(address))

    assert found
    assert found.always
    assert what in found.what


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "::1", "fd12::1", "64:ff9b:1::5db8:d822"])
def test_internal_address_can_be_allowed(address: str) -> None:
    found = restriction(ip_address(address))

    assert found
    assert not found.always


@pytest.mark.parametrize(
    "address",
    [
        "93.184.216.34",
        "8.8.8.8",
        "100.128.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "168.63.129.17",
        "2606:2800:220:1::1",
        "2001:4860:4860::8888",
        "2a00:1450:4001:800::200e",
        "2600:9000::1",
        "64:ff9b::5db8:d822",
    ],
)
def test_known_public_address_is_public(address: str) -> None:
    assert restriction(ip_address(address)) is None


def test_each_network_is_in_the_table_once_and_with_a_source() -> None:
    rows = restricted_networks()

    assert len({row.network for row in rows}) == len(rows)
    assert {row.rule for row in rows} == {"never", "listed", "embedded"}
    assert all(row.what and row.source for row in rows)
