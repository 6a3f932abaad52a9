"""Whether an IP address belongs to the public internet; the table is ``knowledge/data/restricted_networks.tsv``.

An IPv6 address can contain an IPv4 address that a translator, a tunnel or the operating system connects to. So the
strictest rule counts: that of the address itself and that of each IPv4 address in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import NamedTuple

from knowledge.data_files import data_lines

Address = IPv4Address | IPv6Address

NEVER, LISTED, EMBEDDED = "never", "listed", "embedded"
IPV4_IN_LOW_BITS = (IPv6Network("::/96"), IPv6Network("::ffff:0:0/96"), IPv6Network("::ffff:0:0:0/96"))
"""IPv4-compatible and IPv4-mapped addresses (RFC 4291), and IPv4-translated ones (RFC 2765)."""
NAT64 = IPv6Network("64:ff9b::/96")
"""The well-known prefix of NAT64 (RFC 6052)."""
LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
"""The prefix for local use (RFC 8215). A site takes a part of it, of 48, 56, 64 or 96 bits."""
SIX_TO_FOUR = IPv6Network("2002::/16")
"""RFC 3056: the IPv4 address follows the prefix."""
TEREDO = IPv6Network("2001::/32")
"""RFC 4380: the server's IPv4 address follows the prefix, and the client's is at the end, inverted."""
ISATAP, ISATAP_FLAGS = 0x5EFE, 0x03000000
"""RFC 5214: the upper half of the interface identifier, of which the bits `u` and `g` may be set."""
IPV4_BITS = 0xFFFFFFFF


class Restriction(NamedTuple):
    """What an address is, such as `private`; `always`: no setting can allow it."""

    what: str
    always: bool


class Row(NamedTuple):
    """A row of the table: a network, its rule, what it is, and the key of the source (see the README there)."""

    network: IPv4Network | IPv6Network
    rule: str
    what: str
    source: str


@lru_cache(1)
def restricted_networks() -> tuple[Row, ...]:
    """Return every row of the table, the longest prefixes first."""
    lines = (line.split("\t") for line in data_lines("restricted_networks.tsv"))
    rows = [Row(ip_network(network), rule, what, source) for network, rule, what, source in lines]
    return tuple(sorted(rows, key=lambda row: -row.network.prefixlen))


def restriction(address: Address) -> Restriction | None:
    """Return the strictest restriction of an address and of each IPv4 address in it; None for a public address."""
    found = [_restriction_of(each) for each in (address, *embedded_addresses(address))]
    return min((each for each in found if each), key=lambda each: not each.always, default=None)


def embedded_addresses(address: Address) -> list[IPv4Address]:
    """Return each IPv4 address that an IPv6 address contains, in any form that some system connects to."""
    return [] if isinstance(address, IPv4Address) else [IPv4Address(each) for each in _embedded(address)]


def _restriction_of(address: Address) -> Restriction | None:
    for row in restricted_networks():
        if row.network.version == address.version and address in row.network:
            return Restriction(row.what, row.rule == NEVER) if row.rule != EMBEDDED else None
    return None


def _embedded(address: IPv6Address) -> Iterator[int]:
    bits = int(address)
    low = bits & IPV4_BITS
    if address in NAT64 or (bits > 1 and any(address in network for network in IPV4_IN_LOW_BITS)):
        yield low
    if address in SIX_TO_FOUR:
        yield bits >> 80 & IPV4_BITS
    if address in TEREDO:
        yield bits >> 64 & IPV4_BITS
        yield low ^ IPV4_BITS
    if bits >> 32 & IPV4_BITS & ~ISATAP_FLAGS == ISATAP:
        yield low
    if address in LOCAL_NAT64:
        # How many bits the site's prefix has is not known. Where no address is, the first byte is zero.
        yield from (each for each in _in_local_nat64(bits) if each >> 24)


def _in_local_nat64(bits: int) -> Iterator[int]:
    """The IPv4 address after a prefix of 48, 56, 64 and 96 bits; bits 64 to 71 are skipped (RFC 6052, section 2.2)."""
    without_gap = (bits >> 64) << 56 | bits & ((1 << 56) - 1)
    yield from (without_gap >> 120 - length - 32 & IPV4_BITS for length in (48, 56, 64))
    yield bits & IPV4_BITS
