"""Where a request comes from: the address of the client, through the reverse proxies that are trusted."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import web

from service.api.web_settings import Network


def client_of(request: web.BaseRequest, proxies: Sequence[Network]) -> str:
    """The address of the client, empty for one on this machine's own socket.

    `X-Forwarded-For` is read from right to left, as far as the addresses are trusted proxies; what stands further left
    can be written by anyone.
    """
    address = request.remote or ""
    if not proxies or not is_trusted(address, proxies):
        return address
    forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
    for hop in reversed([each.strip() for each in forwarded.split(",") if each.strip()]):
        if not _is_address(hop):
            return address
        address = hop
        if not is_trusted(hop, proxies):
            return hop
    return address


def bucket_of(address: str) -> str:
    """The name under which an address is counted: itself, or for IPv6 its network of 64 bits, which is one site."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed, 64), strict=False))


def is_local(host: str) -> bool:
    """Whether a listening address is reached from this machine only."""
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback


def is_trusted(address: str, proxies: Sequence[Network]) -> bool:
    """Whether this address belongs to one of the trusted proxies."""
    return bool(proxies) and _is_within(address, tuple(proxies))


@lru_cache(maxsize=1024)
def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
